import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { startGitServer, startRegistry, type GitServer, type RegistryServer } from '#deploy/local/servers/mod.ts';
import { seededRandom, systemClock, systemRandom, VirtualClock } from '#shared/clock/mod.ts';
import { parseRepository, RegistryClient, retried } from '#shared/oci/mod.ts';
import { memoryExporter, startTelemetry } from '#shared/telemetry/mod.ts';
import { appsFrom, type App } from '#hub/apps/mod.ts';
import { applyResources } from '#hub/declarations/mod.ts';
import { isManifestPath } from '#hub/packaging/mod.ts';
import { parseResources } from '#hub/resources/mod.ts';
import { GitSource, SourcePoller } from '#hub/sources/mod.ts';
import { openSqliteStore } from '#hub/store/mod.ts';
import { Releases } from './mod.ts';

let dir: string;
let git: GitServer;
let server: RegistryServer;
before(
  async () => {
    dir = await mkdtemp(join(tmpdir(), 'wheelhouse-releases-'));
    git = await startGitServer({ dir: join(dir, 'git') });
    server = await startRegistry({ dir: join(dir, 'registry') });
  },
  // Their programs may have to be fetched first.
  { timeout: 300_000 },
);
after(async () => {
  await server?.[Symbol.asyncDispose]();
  await git?.[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

const ada = { name: 'Ada', email: 'ada@example.com' };
const pod = (name: string): string =>
  `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}}\nspec: {containers: [{name: c, image: 'nginx:1'}]}\n`;
const declared = (url: string): string => `
apiVersion: wheelhouse.dev/v1alpha1
kind: Tenant
metadata: {name: acme}
spec: {sources: ['http://127.0.0.1:*/**'], namespaces: [shop], kinds: ['*'], serviceAccount: acme}
---
apiVersion: wheelhouse.dev/v1alpha1
kind: Environment
metadata: {tenant: acme, name: dev}
spec: {clusterSelector: {matchLabels: {env: dev}}, promotion: {mode: Automatic}}
---
apiVersion: wheelhouse.dev/v1alpha1
kind: App
metadata: {tenant: acme, name: web}
spec: {source: {git: {url: '${url}', ref: {branch: main}, path: deploy}}, targets: [{environment: dev, namespace: shop}]}
`;

test('a commit on a Git server becomes a release in a registry, the next one a second, and a broken one a reason', async (t) => {
  await using store = await openSqliteStore({ file: ':memory:', clock: new VirtualClock(), random: seededRandom(1) });
  // Telemetry is of a whole process: a test of it has one for itself.
  const exporter = await memoryExporter();
  const telemetry = await startTelemetry({ service: 'test', version: '0', exporter });
  t.after(() => telemetry.stop());
  const url = await git.createRepository('web');
  await git.commitFiles('web', { 'deploy/a.yaml': pod('a'), 'src/main.go': 'package main' }, 'first', ada);
  await applyResources(store, parseResources([{ file: 'fleet.yaml', text: declared(url) }]), { actor: 'user:ada', manager: 'api' });
  const registry = retried(new RegistryClient({ clock: systemClock }), { clock: systemClock, random: systemRandom });
  const releases = new Releases({ store, registry, prefix: parseRepository(`${server.address}/fleet`) });
  const errors: unknown[] = [];
  const outcomes: string[] = [];
  const poller = new SourcePoller<App>({
    apps: () => appsFrom(store.read),
    open: (app) => new GitSource(app.spec.source.git, { clock: systemClock, wants: isManifestPath }),
    onCommit: async (app, commit, source, signal) => {
      outcomes.push((await releases.handle(app.id, commit, source, signal))?.outcome ?? 'gone');
    },
    clock: systemClock,
    random: systemRandom,
    intervalMs: 3_600_000,
    onError: (_app, error) => errors.push(error),
  });
  t.after(() => poller.stop());
  const { id } = await store.read.selectFrom('apps').select('id').executeTakeFirstOrThrow();
  const poll = async (): Promise<void> => {
    poller.pollNow(id);
    await poller.idle();
  };
  await poller.start();
  await poller.idle();
  await poll();
  await git.commitFiles('web', { 'src/main.go': 'package main // changed' }, 'not a manifest', ada);
  await poll();
  await git.commitFiles('web', { 'deploy/a.yaml': pod('b') }, 'second', ada);
  await poll();
  await git.commitFiles('web', { 'deploy/a.yaml': 'a: [' }, 'broken', ada);
  await poll();
  await git.commitFiles('web', { 'deploy/a.yaml': null }, 'gone', ada);
  await poll();
  assert.deepEqual(errors, []);
  assert.deepEqual(outcomes, ['Released', 'NoChange', 'Released', 'Failed', 'Failed']);
  const rows = await store.read.selectFrom('releases').selectAll().orderBy('id').execute();
  assert.equal(rows.length, 2);
  for (const { alias, digest } of rows) {
    const reference = { ...parseRepository(`${server.address}/fleet/acme/web`), tag: alias };
    assert.equal((await registry.resolve(reference, t.signal))?.digest, digest);
  }
  // The trace of a change begins at its commit, and the record keeps it.
  const spans = exporter.getFinishedSpans();
  const root = spans.find(({ name }) => name === 'hub.release')?.spanContext();
  const [first] = await store.read.selectFrom('commits').select('traceparent').orderBy('id').execute();
  assert.equal(first?.traceparent, `00-${root?.traceId}-${root?.spanId}-01`);
  assert.deepEqual(
    spans.filter((one) => one.spanContext().traceId === root?.traceId).map(({ name }) => name),
    ['sources.read', 'packaging.build', 'packaging.push', 'hub.release'],
  );
  const messages = (await store.read.selectFrom('commits').select('outcome_message').orderBy('id').execute()).map(
    (row) => row.outcome_message,
  );
  assert.match(messages[3] ?? '', /a\.yaml:1:5: /);
  assert.match(messages[4] ?? '', /no folder deploy/);
});
