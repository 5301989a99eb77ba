import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { seededRandom, VirtualClock } from '#shared/clock/mod.ts';
import { parseReferences, parseResources } from '#hub/resources/mod.ts';
import { openSqliteStore, put, type Store } from '#hub/store/mod.ts';
import { applyResources, deleteResources, type SetDeletion } from './mod.ts';

const head = (kind: string, metadata: string): string => `apiVersion: wheelhouse.dev/v1alpha1\nkind: ${kind}\nmetadata: ${metadata}\n`;
const named = {
  tenant: head('Tenant', '{name: acme}'),
  dev: head('Environment', '{tenant: acme, name: dev}'),
  prod: head('Environment', '{tenant: acme, name: prod}'),
  web: head('App', '{tenant: acme, name: web}'),
  c1: head('Cluster', '{name: c1}'),
};
type Name = keyof typeof named;
const specs: Readonly<Record<Name, string>> = {
  tenant: `spec: {sources: ['https://git.example.com/*'], namespaces: [shop], kinds: ['*'], serviceAccount: acme}\n`,
  dev: `spec: {clusterSelector: {matchLabels: {env: dev}}, promotion: {mode: Automatic}}\n`,
  prod: `spec: {clusterSelector: {matchLabels: {env: prod}}, promotion: {mode: Manual}, after: [dev]}\n`,
  web: `spec: {source: {git: {url: 'https://git.example.com/web', ref: {branch: main}}}, targets: [{environment: dev, namespace: shop}]}\n`,
  c1: `spec: {labels: {env: dev}}\n`,
};
const names = Object.keys(named) as Name[];
const file = (parts: readonly string[]) => [{ file: 'a.yaml', text: parts.join('---\n') }];

async function declared(): Promise<Store> {
  const store = await openSqliteStore({ file: ':memory:', clock: new VirtualClock(), random: seededRandom(1) });
  const all = parseResources(file(names.map((name) => named[name] + specs[name])));
  await applyResources(store, all, { actor: 'user:ada', manager: 'api' });
  return store;
}
const who: SetDeletion = { actor: 'user:ada', reason: 'moved', dryRun: false, ignoreNotFound: false };
const take = async (store: Store, parts: readonly string[], more: Partial<SetDeletion> = {}) =>
  (await deleteResources(store, parseReferences(file(parts)), { ...who, ...more })).items.map(
    ({ subject, action }) => `${subject} ${action}`,
  );
const audits = (store: Store) => store.read.selectFrom('audit').selectAll().where('action', 'like', 'delete.%').execute();
const left = async (store: Store): Promise<number> => {
  const counts = await Promise.all(
    (['tenants', 'environments', 'apps', 'clusters', 'targets'] as const).map((table) =>
      store.read
        .selectFrom(table)
        .select(({ fn }) => fn.countAll<number>().as('n'))
        .executeTakeFirstOrThrow(),
    ),
  );
  return counts.reduce((sum, { n }) => sum + n, 0);
};

test('everything that the documents name is deleted, in whatever order they name it, in one decision with one audit row', async () => {
  await fc.assert(
    fc.asyncProperty(fc.shuffledSubarray(names, { minLength: names.length }), async (order) => {
      await using store = await declared();
      const items = await take(
        store,
        order.map((name) => named[name]),
      );
      assert.equal(items.length, names.length);
      assert.ok(items.every((item) => item.endsWith(' deleted')));
      assert.equal(await left(store), 0);
      const [row, ...others] = await audits(store);
      assert.deepEqual([row?.action, row?.subject, row?.reason, others.length], ['delete.resources', 'Resources/5', 'moved', 0]);
      assert.equal((JSON.parse(row?.detail ?? '{}') as Record<string, string>)['App/acme/web'], 'deleted');
    }),
    { numRuns: 10 },
  );
});

test('only the names count: what else a document says may be wrong or missing', async () => {
  await using store = await declared();
  assert.deepEqual(await take(store, [`${named.web}spec: {nothing: right}\nstatus: {}\n`]), ['App/acme/web deleted']);
  const [row] = await audits(store);
  assert.deepEqual([row?.action, row?.subject], ['delete.app', 'App/acme/web']);
});

const refused: readonly (readonly [name: string, parts: readonly string[], code: string, problems: readonly string[]])[] = [
  [
    'used from outside the set',
    [named.dev, named.tenant],
    'IN_USE',
    [
      '3 IN_USE Environment/acme/dev is depended on by App/acme/web, Environment/acme/prod',
      '7 IN_USE Tenant/acme is depended on by Environment/acme/prod, App/acme/web',
    ],
  ],
  ['not there', [named.c1, head('Cluster', '{name: c9}')], 'NOT_DECLARED', ['7 NOT_DECLARED Cluster/c9 is not there']],
  ['both', [named.dev, head('Cluster', '{name: c9}')], 'IN_USE', ['3 IN_USE', '7 NOT_DECLARED']],
  ['not readable', [head('Clutser', '{name: c1}'), head('App', '{name: web}')], 'RESOURCES_INVALID', ['2 UNKNOWN_KIND', '7 MISSING_FIELD']],
  ['twice', [named.c1, named.c1], 'RESOURCES_INVALID', ['7 DUPLICATE_RESOURCE']],
];
for (const [name, parts, code, problems] of refused)
  test(`nothing is deleted, and everything that is in the way is named: ${name}`, async () => {
    await using store = await declared();
    const before = await left(store);
    await assert.rejects(take(store, parts), (error: { code: string; problems: { line: number; code: string; message: string }[] }) => {
      assert.equal(error.code, code);
      const found = error.problems.map((one) => `${one.line} ${one.code} ${one.message}`);
      assert.equal(found.length, problems.length, found.join('\n'));
      for (const [i, problem] of problems.entries()) assert.equal(found[i]?.slice(0, problem.length), problem);
      return true;
    });
    assert.equal(await left(store), before);
    assert.deepEqual(await audits(store), []);
  });

test('what is not there may be ignored; when nothing is, nothing is written', async () => {
  await using store = await declared();
  const absent = head('Cluster', '{name: c9}');
  assert.deepEqual(await take(store, [named.c1, absent], { ignoreNotFound: true }), ['Cluster/c1 deleted', 'Cluster/c9 absent']);
  assert.deepEqual(await take(store, [absent], { ignoreNotFound: true }), ['Cluster/c9 absent']);
  assert.equal((await audits(store)).length, 1);
});

test('a dry run finds what is in the way, and deletes nothing', async () => {
  await using store = await declared();
  const before = await left(store);
  assert.deepEqual(await take(store, [named.web], { dryRun: true }), ['App/acme/web deleted']);
  await assert.rejects(take(store, [named.tenant], { dryRun: true }), { code: 'IN_USE' });
  assert.equal(await left(store), before);
});

test('a dependant beyond the first few is not overlooked', async () => {
  await using store = await declared();
  const many = Array.from({ length: 25 }, (_, i) => head('Environment', `{tenant: acme, name: e${i}}`));
  const spec = specs.dev.replace('env: dev', 'env: none');
  await applyResources(store, parseResources(file(many.map((one) => one + spec))), { actor: 'user:ada', manager: 'api' });
  const all = [named.tenant, named.web, named.dev, named.prod, ...many];
  await assert.rejects(take(store, all.slice(0, -1)), { code: 'IN_USE' });
  assert.equal((await take(store, all)).length, all.length);
});

test('what was told of a cluster goes with it', async () => {
  await using store = await declared();
  const { id } = await store.read.selectFrom('clusters').select('id').executeTakeFirstOrThrow();
  await store.decide(
    async () => undefined,
    () => ({ result: undefined, writes: [put('event_states', { object_id: id, state: '{}' })] }),
  );
  await take(store, [named.c1]);
  assert.deepEqual(await store.read.selectFrom('event_states').selectAll().execute(), []);
});
