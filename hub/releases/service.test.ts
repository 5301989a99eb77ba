import assert from 'node:assert/strict';
import test from 'node:test';
import { parseIndex, readVariant, parseManifest } from '#shared/artifact/mod.ts';
import { seededRandom, VirtualClock } from '#shared/clock/mod.ts';
import {
  MemoryRegistry,
  OciError,
  parseRepository,
  type Content,
  type Pusher,
  type Repository,
  type Resolver,
  type Tagger,
} from '#shared/oci/mod.ts';
import { applyResources } from '#hub/declarations/mod.ts';
import { parseResources } from '#hub/resources/mod.ts';
import { MemorySource, SourceError, type Source } from '#hub/sources/mod.ts';
import { brokenAt, openSqliteStore, type Store } from '#hub/store/mod.ts';
import { Releases, type Recorded } from './mod.ts';

const prefix = parseRepository('registry.example.com/fleet');
const repository = { registry: 'registry.example.com', path: 'fleet/acme/web' };

const head = (kind: string, metadata: string): string => `---\napiVersion: wheelhouse.dev/v1alpha1\nkind: ${kind}\nmetadata: ${metadata}\n`;
const environments = ['dev', 'prod'].map(
  (name) =>
    `${head('Environment', `{tenant: acme, name: ${name}}`)}spec: {clusterSelector: {matchLabels: {env: ${name}}}, promotion: {mode: Automatic}}\n`,
);
const app = (...targets: readonly string[]): string =>
  `${head('App', '{tenant: acme, name: web}')}spec: {source: {git: {url: 'https://git.example.com/acme/web', ref: {branch: main}}}, targets: [${targets.map((name) => `{environment: ${name}, namespace: shop}`).join(', ')}]}\n`;
const tenant = `${head('Tenant', '{name: acme}')}spec: {sources: ['https://git.example.com/**'], namespaces: [shop], kinds: ['*'], serviceAccount: acme}\n`;

const object = (name: string, image = 'nginx:1'): string =>
  `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}}\nspec: {containers: [{name: c, image: '${image}'}]}\n`;

class Fixture {
  readonly clock = new VirtualClock();
  readonly source = new MemorySource();
  registry = new MemoryRegistry();
  readonly store: Store;
  releases: Releases;
  constructor(store: Store) {
    this.store = store;
    this.releases = new Releases({ store, registry: this.registry, prefix });
  }
  static async open(): Promise<Fixture> {
    const fixture = new Fixture(await openSqliteStore({ file: ':memory:', clock: new VirtualClock(), random: seededRandom(1) }));
    await fixture.apply(tenant, ...environments, app('dev', 'prod'));
    await fixture.visited();
    return fixture;
  }
  async apply(...documents: readonly string[]): Promise<void> {
    const parsed = parseResources([{ file: 'a.yaml', text: documents.join('') }]);
    await applyResources(this.store, parsed, { actor: 'user:ada', manager: 'api', takeOver: true });
  }
  async handle(commit: string, source: Source = this.source): Promise<Recorded | undefined> {
    const { id } = await this.store.read.selectFrom('apps').select('id').executeTakeFirstOrThrow();
    return this.releases.handle(id, commit, source, new AbortController().signal);
  }
  commits() {
    return this.store.read.selectFrom('commits').selectAll().orderBy('id').execute();
  }
  rows() {
    return this.store.read.selectFrom('releases').selectAll().orderBy('id').execute();
  }
  audit() {
    return this.store.read.selectFrom('audit').selectAll().orderBy('id').execute();
  }
  /** Takes the keys that wait to be visited. */
  async visited(): Promise<readonly string[]> {
    return this.store.decide(
      (trx) => trx.selectFrom('outbox').select('key').orderBy('id').execute(),
      (rows) => ({
        result: rows.map(({ key }) => key),
        writes: rows.map(({ key }) => ({ op: 'remove' as const, table: 'outbox' as const, key: { key } })),
      }),
    );
  }
}

test('a commit becomes a release: pushed whole, recorded once, its targets visited', async () => {
  const f = await Fixture.open();
  const commit = f.source.commit(
    { 'dev/a.yaml': object('a'), 'prod/a.yaml': object('a', 'nginx:2') },
    { message: 'first', committedAt: 1_000 },
  );
  const recorded = await f.handle(commit);
  const [row] = await f.rows();
  assert.ok(row);
  assert.deepEqual(recorded, { outcome: 'Released', message: `release ${row.alias}`, digest: row.digest });
  assert.equal(row.repository, 'registry.example.com/fleet/acme/web');
  assert.deepEqual(JSON.parse(row.images), ['nginx:1', 'nginx:2']);
  const [seen] = await f.commits();
  assert.deepEqual([seen?.commit, seen?.author, seen?.message, seen?.committed_at], [commit, 'Ada <ada@example.com>', 'first', 1_000]);
  assert.equal(row.commit_id, seen?.id);
  assert.equal((await f.visited()).length, 2);
  const last = (await f.audit()).at(-1);
  assert.deepEqual([last?.actor, last?.action, last?.subject], ['git:ada@example.com', 'create.release', 'App/acme/web']);
  assert.equal(brokenAt(await f.audit()), undefined);
  await assertPulls(f, row.alias);
});

/** What the record says is what a spoke gets: by the alias, and each variant by its digest. */
async function assertPulls(f: Fixture, alias: string): Promise<void> {
  const { signal } = new AbortController();
  const index = await f.registry.resolve({ ...repository, tag: alias }, signal);
  assert.ok(index);
  const variants = await f.store.read.selectFrom('variants').selectAll().orderBy('environment').execute();
  const listed = parseIndex(await f.registry.fetch(repository, index, signal)).variants;
  assert.deepEqual(
    listed.map(({ environment, manifest }) => [environment, manifest.digest]),
    variants.map(({ environment, digest }) => [environment, digest]),
  );
  for (const [i, { manifest, environment }] of listed.entries()) {
    const { layer } = parseManifest(await f.registry.fetch(repository, manifest, signal));
    const { files, layerHash } = readVariant(await f.registry.fetch(repository, layer, signal));
    assert.deepEqual([layerHash, layer.size], [variants[i]?.layer_hash, variants[i]?.layer_bytes]);
    assert.match(Buffer.from(files.get('a.yaml') ?? []).toString(), environment === 'dev' ? /nginx:1/ : /nginx:2/);
    assert.equal((await f.registry.resolve({ ...repository, tag: `${alias}-${environment}` }, signal))?.digest, manifest.digest);
  }
}

test('the same commit again, as after a restart, is not even read, and writes nothing', async () => {
  const f = await Fixture.open();
  const commit = f.source.commit({ 'a.yaml': object('a') });
  const first = await f.handle(commit);
  const before = await f.audit();
  await f.visited();
  const unread: Source = { head: () => assert.fail('asked'), read: () => assert.fail('read') };
  const again = await f.handle(commit, unread);
  assert.deepEqual([again?.outcome, again?.message], [first?.outcome, first?.message]);
  assert.deepEqual(await f.audit(), before);
  assert.deepEqual(await f.visited(), []);
  assert.equal((await f.commits()).length, 1);
});

test('the same commit is looked at again when the app has changed, or when it had failed', async () => {
  const f = await Fixture.open();
  const commit = f.source.commit({ 'a.yaml': object('a') });
  await f.handle(commit);
  await f.apply(app('dev'));
  let reads = 0;
  const counted: Source = { head: (signal) => f.source.head(signal), read: (...args) => (reads++, f.source.read(...args)) };
  assert.equal((await f.handle(commit, counted))?.outcome, 'NoChange');
  await f.handle(commit, counted);
  assert.equal(reads, 1);
  const broken = f.source.commit({ 'a.yaml': 'kind: [' });
  for (let i = 0; i < 2; i++) assert.equal((await f.handle(broken, counted))?.outcome, 'Failed');
  assert.equal(reads, 3);
});

test('a commit that changes no manifest makes no release, and pushes nothing', async () => {
  const f = await Fixture.open();
  await f.handle(f.source.commit({ 'a.yaml': object('a') }));
  await f.visited();
  f.releases = new Releases({ store: f.store, registry: new Refusing(), prefix });
  assert.equal((await f.handle(f.source.commit({ 'a.yaml': object('a'), 'README.md': 'words' })))?.outcome, 'NoChange');
  assert.deepEqual(
    (await f.commits()).map(({ outcome }) => outcome),
    ['Released', 'NoChange'],
  );
  assert.equal((await f.rows()).length, 1);
  assert.deepEqual(await f.visited(), []);
});

class Refusing extends MemoryRegistry {
  failuresLeft = Infinity;
  override async push(repository: Repository, content: Content, signal: AbortSignal): Promise<'pushed' | 'exists'> {
    if (this.failuresLeft-- > 0) throw new OciError('REGISTRY_UNAVAILABLE', 'push', 'registry', 'down');
    return super.push(repository, content, signal);
  }
}

test('a commit that would ship nothing is recorded as Failed, says why, and leaves the releases alone', async () => {
  const f = await Fixture.open();
  await f.handle(f.source.commit({ 'dev/a.yaml': object('a'), 'prod/a.yaml': object('a') }));
  const recorded = await f.handle(f.source.commit({ 'dev/a.yaml': object('a') }));
  assert.equal(recorded?.outcome, 'Failed');
  assert.match(recorded.message, /environment prod has no folder/);
  assert.equal((await f.rows()).length, 1);
});

test('a commit that fails is recorded once, and again only when it comes out otherwise', async () => {
  const f = await Fixture.open();
  const commit = f.source.commit({ 'dev/a.yaml': object('a') });
  await f.handle(commit);
  await f.handle(commit);
  assert.equal((await f.commits()).length, 1);
  await f.apply(app('dev'));
  assert.equal((await f.handle(commit))?.outcome, 'Released');
  assert.deepEqual(
    (await f.commits()).map(({ outcome }) => outcome),
    ['Failed', 'Released'],
  );
});

const unreadable: readonly (readonly [SourceError, 'Failed' | undefined])[] = [
  [new SourceError('PATH_MISSING', 'no folder'), 'Failed'],
  [new SourceError('UNSUPPORTED_ENTRY', 'a link'), 'Failed'],
  [new SourceError('UNREACHABLE', 'down'), undefined],
  [new SourceError('TIMED_OUT', 'late'), undefined],
  [new SourceError('UNAUTHORIZED', 'who'), undefined],
];
for (const [error, outcome] of unreadable)
  test(`a source that says ${error.code}: ${outcome ?? 'nothing is recorded, it is tried again'}`, async () => {
    const f = await Fixture.open();
    const source: Source = { head: () => f.source.head(AbortSignal.abort()), read: () => Promise.reject(error) };
    const handled = f.handle('a'.repeat(40), source);
    if (outcome === undefined) await assert.rejects(handled, { code: error.code });
    else assert.equal((await handled)?.outcome, outcome);
    assert.equal((await f.commits()).length, outcome === undefined ? 0 : 1);
    assert.equal((await f.rows()).length, 0);
  });

test('a registry that fails in the middle leaves no release, and the next attempt finishes it', async () => {
  const f = await Fixture.open();
  const registry = new Refusing();
  f.registry = registry;
  f.releases = new Releases({ store: f.store, registry, prefix });
  const commit = f.source.commit({ 'dev/a.yaml': object('a'), 'prod/a.yaml': object('a', 'nginx:2') });
  registry.failuresLeft = 1;
  await assert.rejects(f.handle(commit), { code: 'REGISTRY_UNAVAILABLE' });
  assert.deepEqual(await f.commits(), []);
  assert.equal((await f.handle(commit))?.outcome, 'Released');
  await assertPulls(f, (await f.rows())[0]?.alias ?? '');
});

test('pushed but not recorded (a crash between): the repeat sends nothing and records the same release', async () => {
  const crashed = await Fixture.open();
  const commit = crashed.source.commit({ 'a.yaml': object('a') });
  await crashed.handle(commit);
  const [pushed] = await crashed.rows();
  const f = await Fixture.open();
  const counted: string[] = [];
  f.releases = new Releases({ store: f.store, registry: new Counting(crashed.registry, counted), prefix });
  await f.handle(commit, crashed.source);
  assert.deepEqual([...new Set(counted)], ['exists']);
  assert.equal((await f.rows())[0]?.digest, pushed?.digest);
});

class Counting implements Pusher, Tagger, Resolver {
  readonly #inner: MemoryRegistry;
  readonly #answers: string[];
  constructor(inner: MemoryRegistry, answers: string[]) {
    this.#inner = inner;
    this.#answers = answers;
  }
  async push(...given: Parameters<MemoryRegistry['push']>): Promise<'pushed' | 'exists'> {
    const answer = await this.#inner.push(...given);
    this.#answers.push(answer);
    return answer;
  }
  tag(...given: Parameters<MemoryRegistry['tag']>): Promise<void> {
    return this.#inner.tag(...given);
  }
  resolve(...given: Parameters<MemoryRegistry['resolve']>): ReturnType<MemoryRegistry['resolve']> {
    return this.#inner.resolve(...given);
  }
}

test('an environment that the app names anew gets a release that has it; one that it drops makes none', async () => {
  const f = await Fixture.open();
  await f.apply(app('dev'));
  const commit = f.source.commit({ 'a.yaml': object('a') });
  await f.handle(commit);
  await f.apply(app('dev', 'prod'));
  assert.equal((await f.handle(commit))?.outcome, 'Released');
  await f.apply(app('prod'));
  assert.equal((await f.handle(commit))?.outcome, 'NoChange');
  assert.equal((await f.rows()).length, 2);
});

test('a source that is set back to an older commit fails with what to do; a new commit of the old content is a release', async () => {
  const f = await Fixture.open();
  const first = f.source.commit({ 'a.yaml': object('a') });
  await f.handle(first);
  await f.handle(f.source.commit({ 'a.yaml': object('b') }));
  const back = await f.handle(first);
  assert.equal(back?.outcome, 'Failed');
  assert.match(back.message, /revert by a new commit/);
  assert.equal((await f.handle(f.source.commit({ 'a.yaml': object('a') })))?.outcome, 'Released');
  assert.equal((await f.rows()).length, 3);
});

test('an app that changes while its commit is packaged is not recorded by what it was', async () => {
  const f = await Fixture.open();
  const commit = f.source.commit({ 'a.yaml': object('a') });
  const source: Source = {
    head: (signal) => f.source.head(signal),
    read: async (id, signal) => {
      await f.apply(app('dev'));
      return f.source.read(id, signal);
    },
  };
  await assert.rejects(f.handle(commit, source), { code: 'APP_CHANGED' });
  assert.deepEqual(await f.commits(), []);
});

test('an app that is not there any more is nobody', async () => {
  const f = await Fixture.open();
  assert.equal(await f.releases.handle(4711, 'a'.repeat(40), f.source, new AbortController().signal), undefined);
});

test('a tag that somebody has moved is named and left alone', async () => {
  const f = await Fixture.open();
  const moved: string[] = [];
  f.releases = new Releases({ store: f.store, registry: f.registry, prefix, onTagsMoved: (_repository, tags) => moved.push(...tags) });
  const commit = f.source.commit({ 'a.yaml': object('a') });
  await f.handle(commit);
  const [row] = await f.rows();
  assert.equal(moved.length, 0);
  // The same release, recorded by another hub, after somebody moved its tag to the variant.
  const { signal } = new AbortController();
  const variant = await f.registry.resolve({ ...repository, tag: `${row?.alias}-dev` }, signal);
  assert.ok(variant && row);
  await f.registry.tag(repository, { descriptor: variant, bytes: await f.registry.fetch(repository, variant, signal) }, row.alias, signal);
  const other = new Fixture(await openSqliteStore({ file: ':memory:', clock: new VirtualClock(), random: seededRandom(3) }));
  await other.apply(tenant, ...environments, app('dev', 'prod'));
  other.releases = new Releases({
    store: other.store,
    registry: f.registry,
    prefix,
    onTagsMoved: (_repository, tags) => moved.push(...tags),
  });
  await other.handle(commit, f.source);
  assert.deepEqual(moved, [row.alias]);
  assert.equal((await f.registry.resolve({ ...repository, tag: row.alias }, signal))?.digest, variant.digest);
});
