import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Assignment, TrustPolicies } from '../../proto/mod.ts';
import { buildRelease, type Release } from '../../shared/artifact/mod.ts';
import { VirtualClock } from '../../shared/clock/mod.ts';
import { apiVersion, digestOf, inputsBytes, revisionOf } from '../../shared/kernel/mod.ts';
import { MemoryRegistry, parseRepository, type Fetcher, type Resolver } from '../../shared/oci/mod.ts';
import { contentFetcher, ContentError, directoryCache, isContentRetryable, layered, memoryCache, type ContentCode } from './mod.ts';

const repository = parseRepository('registry.example/acme/shop');
const inputs = Buffer.from(
  inputsBytes({
    apiVersion,
    namespace: 'shop',
    serviceAccount: 'shop',
    allow: { namespaces: ['shop'], kinds: ['*'] },
    parameters: {},
    prune: { shareMax: 0.5 },
    health: { timeoutMs: 60_000 },
  }),
);
const policies: TrustPolicies = { fleetId: 'f', version: 1, policies: [{ tenant: 'acme', mode: 'TRUST_MODE_DIGEST_ONLY' }] };
const { signal } = new AbortController();
const none = `sha256:${'0'.repeat(64)}`;

async function made(text = 'a: 1'): Promise<{ registry: MemoryRegistry; release: Release; assignment: Assignment }> {
  const registry = new MemoryRegistry();
  const files = (environment: string): Map<string, Uint8Array> => new Map([['a.yaml', Buffer.from(`${text} # ${environment}`)]]);
  const release = await buildRelease({
    created: new Date(0),
    source: 'https://git.example/acme/shop',
    revision: '0'.repeat(40),
    author: '',
    images: [],
    variants: new Map(['dev', 'prod'].map((environment) => [environment, files(environment)])),
  });
  for (const one of [...release.blobs, ...release.manifests, release.index]) await registry.push(repository, one, signal);
  return { registry, release, assignment: assignmentOf(release, 'prod') };
}

function assignmentOf(release: Release, environment: string): Assignment {
  const variant = release.variants.find((v) => v.environment === environment) ?? assert.fail();
  return {
    uid: 'p1',
    tenant: 'acme',
    app: 'shop',
    environment,
    state: 'ASSIGNMENT_STATE_ACTIVE',
    mode: 'ASSIGNMENT_MODE_ENFORCE',
    revision: revisionOf(variant.layerHash, inputs),
    indexDigest: release.digest,
    variant: { repository: 'registry.example/acme/shop', digest: variant.digest, layerHash: variant.layerHash },
    inputs,
    takesOver: [],
    requires: [],
    deletionPolicy: 'DELETION_POLICY_UNSPECIFIED',
    pruneApproval: undefined,
    cause: undefined,
  };
}
const fetcherOf = (
  registry: Resolver & Fetcher,
  cache = memoryCache(),
  trust: TrustPolicies | undefined = policies,
  clock = new VirtualClock(),
) => contentFetcher({ registry, cache, policies: () => trust, clock });
const refuses = (code: ContentCode, work: Promise<unknown>, message = /./): Promise<void> =>
  assert.rejects(
    work,
    (error) => (error instanceof ContentError && error.code === code && message.test(error.message)) || assert.fail(String(error)),
  );
const down: Resolver & Fetcher = { resolve: () => Promise.reject(new Error('down')), fetch: () => Promise.reject(new Error('down')) };

test('from an assignment to its very files', async () => {
  const { registry, assignment } = await made();
  let fetched = 0;
  const content = await fetcherOf(registry).fetch(assignment, [], signal, () => fetched++);
  assert.equal(Buffer.from(content.files.get('a.yaml') ?? []).toString(), 'a: 1 # prod');
  assert.equal(content.revision, assignment.revision);
  assert.equal(content.inputs.namespace, 'shop');
  assert.equal(fetched, 1);
});

test('what was fetched once is not asked for again; what the cluster holds needs neither cache nor registry', async () => {
  const { registry, assignment } = await made();
  const cache = memoryCache();
  const content = await fetcherOf(registry, cache).fetch(assignment, [], signal);
  await fetcherOf(down, cache).fetch(assignment, [], signal);
  await refuses('UNAVAILABLE', fetcherOf(down).fetch(assignment, [], signal));
  await fetcherOf(down).fetch(assignment, [{ revision: content.revision, indexDigest: content.indexDigest, layer: content.layer }], signal);
});

test('what is held is not believed: other bytes, or those of another release, are refused or fetched', async () => {
  const { registry, assignment } = await made();
  const { layer } = await fetcherOf(registry).fetch(assignment, [], signal);
  const { revision, indexDigest } = assignment;
  const other = (await fetcherOf((await made('b: 2')).registry).fetch((await made('b: 2')).assignment, [], signal)).layer;
  await refuses('MISMATCH', fetcherOf(down).fetch(assignment, [{ revision, indexDigest, layer: other }], signal));
  await refuses('UNAVAILABLE', fetcherOf(down).fetch(assignment, [{ revision, indexDigest: none, layer }], signal));
});

type Change = (assignment: Assignment, release: Release) => Assignment;
const variantWith = (assignment: Assignment, change: Partial<NonNullable<Assignment['variant']>>): Assignment => ({
  ...assignment,
  variant: { ...(assignment.variant ?? assert.fail()), ...change },
});
const refused: readonly (readonly [what: string, change: Change, code: ContentCode, retryable: boolean])[] = [
  ['an index that is not there', (a) => ({ ...a, indexDigest: none }), 'NOT_FOUND', true],
  ['an environment that the index does not have', (a) => ({ ...a, environment: 'staging' }), 'NOT_LISTED', false],
  [
    'the variant of another environment',
    (a, r) => variantWith(a, { digest: assignmentOf(r, 'dev').variant?.digest ?? '' }),
    'NOT_LISTED',
    false,
  ],
  ['another layer hash', (a) => variantWith(a, { layerHash: none }), 'MISMATCH', false],
  ['another revision', (a) => ({ ...a, revision: none }), 'MISMATCH', false],
  ['other inputs', (a) => ({ ...a, inputs: Buffer.concat([a.inputs, Buffer.from(' ')]) }), 'MISMATCH', false],
  ['no variant', (a) => ({ ...a, variant: undefined }), 'MISMATCH', false],
  ['a digest that is none', (a) => ({ ...a, indexDigest: 'latest' }), 'MISMATCH', false],
  ['a repository that is none', (a) => variantWith(a, { repository: '../x' }), 'MALFORMED', false],
  ['inputs that are none', (a) => withInputs(a, Buffer.from('{}')), 'MALFORMED', false],
  ['a tenant without a policy', (a) => ({ ...a, tenant: 'other' }), 'NOT_TRUSTED', false],
];
const withInputs = (a: Assignment, bytes: Buffer): Assignment => ({
  ...a,
  inputs: bytes,
  revision: revisionOf((a.variant?.layerHash ?? none) as `sha256:${string}`, bytes),
});
for (const [what, change, code, retryable] of refused)
  test(`${what}: ${code}`, async () => {
    const { registry, release, assignment } = await made();
    await assert.rejects(fetcherOf(registry).fetch(change(assignment, release), [], signal), (error) => {
      assert.ok(error instanceof ContentError);
      assert.equal(error.code, code, error.message);
      assert.equal(isContentRetryable(error), retryable);
      return true;
    });
  });

test('a registry that answers with other bytes of the same size is refused, and they are not kept', async () => {
  const { registry, assignment } = await made();
  const cache = memoryCache();
  const lying: Resolver & Fetcher = {
    resolve: (reference, s) => registry.resolve(reference, s),
    fetch: async (from, descriptor, s) => {
      const bytes = Uint8Array.from(await registry.fetch(from, descriptor, s));
      bytes[0] = (bytes[0] ?? 0) ^ 1;
      return bytes;
    },
  };
  assert.equal(isContentRetryable(new ContentError('CORRUPT', '')), true, 'it may be repaired');
  await refuses('CORRUPT', fetcherOf(lying, cache).fetch(assignment, [], signal));
  await fetcherOf(registry, cache).fetch(assignment, [], signal);
});

test('trust is asked before anything is fetched; no policies, or an unknown one, refuse', async () => {
  const { assignment } = await made();
  await refuses(
    'NOT_TRUSTED',
    contentFetcher({ registry: down, cache: memoryCache(), policies: () => undefined, clock: new VirtualClock() }).fetch(
      assignment,
      [],
      signal,
    ),
  );
  const strict: TrustPolicies = {
    ...policies,
    policies: [
      { tenant: 'acme', mode: 'TRUST_MODE_UNSPECIFIED' },
      { tenant: '*', mode: 'TRUST_MODE_DIGEST_ONLY' },
    ],
  };
  await refuses('NOT_TRUSTED', fetcherOf(down, memoryCache(), strict).fetch(assignment, [], signal), /cannot check/);
  const fallback: TrustPolicies = { ...policies, policies: [{ tenant: '*', mode: 'TRUST_MODE_DIGEST_ONLY' }] };
  await refuses('UNAVAILABLE', fetcherOf(down, memoryCache(), fallback).fetch(assignment, [], signal));
});

test('a registry that hangs holds up only those who need it, and each for thirty seconds', async () => {
  const { registry, assignment } = await made();
  const clock = new VirtualClock();
  const hanging: Resolver & Fetcher = {
    ...down,
    resolve: (reference, s) =>
      reference.registry === 'slow.example'
        ? new Promise((_, reject) => s.addEventListener('abort', () => reject(s.reason as Error)))
        : registry.resolve(reference, s),
    fetch: (from, what, s) => registry.fetch(from, what, s),
  };
  const fetcher = fetcherOf(hanging, memoryCache(0), policies, clock);
  const slow = variantWith(assignment, { repository: 'slow.example/a/b' });
  const stuck = Array.from({ length: 5 }, () => refuses('UNAVAILABLE', fetcher.fetch(slow, [], signal), /30 s/));
  await fetcher.fetch(assignment, [], signal);
  await clock.advance(60_000);
  await Promise.all(stuck);
});

test('what the cluster or the cache holds does not wait for a registry that hangs', async () => {
  const { registry, release, assignment } = await made();
  const cache = memoryCache();
  await fetcherOf(registry, cache).fetch(assignment, [], signal);
  const hanging: Resolver & Fetcher = { resolve: () => new Promise(() => {}), fetch: () => new Promise(() => {}) };
  const fetcher = fetcherOf(hanging, cache);
  const { layer } = await fetcher.fetch(assignment, [], signal);
  // More than are asked at a time, so that others queue behind them.
  for (let i = 0; i < 9; i++) void fetcher.fetch({ ...assignmentOf(release, 'prod'), indexDigest: digestOf(`missing ${i}`) }, [], signal);
  await fetcher.fetch(assignment, [], signal);
  await fetcher.fetch(assignment, [{ revision: assignment.revision, indexDigest: assignment.indexDigest, layer }], signal);
});

test('large content over a slow link has the time that it needs', async () => {
  const { registry, assignment } = await made();
  const clock = new VirtualClock();
  const huge = 64 * 1024 * 1024;
  const slow: Resolver & Fetcher = {
    // The size is the registry's word; the bytes are checked elsewhere.
    resolve: async (reference, s) => ({ ...((await registry.resolve(reference, s)) ?? assert.fail()), size: huge }),
    fetch: async (from, what, s) => {
      if (what.size === huge) await clock.sleep(200_000, s);
      return registry.fetch(from, what.size === huge ? ((await registry.resolve({ ...from, digest: what.digest }, s)) ?? what) : what, s);
    },
  };
  const fetched = fetcherOf(slow, memoryCache(), policies, clock).fetch(assignment, [], signal);
  for (let i = 0; i < 21; i++) await clock.advance(10_000);
  assert.equal((await fetched).revision, assignment.revision);
});

test('memory: the least recently used goes first, and nothing larger than all of it is kept', async () => {
  const cache = memoryCache(10);
  const [a, b, c] = ['aaaa', 'bbbb', 'cccc'].map((text) => Buffer.from(text)) as [Buffer, Buffer, Buffer];
  await cache.put(digestOf(a), a);
  await cache.put(digestOf(b), b);
  await cache.get(digestOf(a));
  await cache.put(digestOf(c), c);
  await cache.put(digestOf('x'.repeat(11)), Buffer.from('x'.repeat(11)));
  assert.deepEqual([await cache.get(digestOf(a)), await cache.get(digestOf(b)), await cache.get(digestOf(c))], [a, undefined, c]);
});

test('a directory: survives its process, drops what was changed on disk, stays within its bytes', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'wheelhouse-cache-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const [a, b] = ['aaaa', 'bbbb'].map((text) => Buffer.from(text)) as [Buffer, Buffer];
  await directoryCache(dir, 100).put(digestOf(a), a);
  assert.deepEqual(await directoryCache(dir, 100).get(digestOf(a)), a);
  await writeFile(join(dir, digestOf(a).replace(':', '-')), 'other');
  assert.equal(await directoryCache(dir, 100).get(digestOf(a)), undefined);
  assert.deepEqual(await readdir(dir), []);
  for (const one of [a, b]) await directoryCache(dir, 5).put(digestOf(one), one);
  assert.equal((await readdir(dir)).length, 1);
});

test('layers: what the far one has, the near one gets', async () => {
  const near = memoryCache();
  const far = memoryCache();
  const bytes = Buffer.from('x');
  await far.put(digestOf(bytes), bytes);
  assert.deepEqual(await layered(near, far).get(digestOf(bytes)), bytes);
  assert.deepEqual(await near.get(digestOf(bytes)), bytes);
});
