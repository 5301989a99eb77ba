import assert from 'node:assert/strict';
import test from 'node:test';
import { seededRandom, VirtualClock } from '#shared/clock/mod.ts';
import { parseInputs, inputsBytes } from '#shared/kernel/mod.ts';
import { appByName, resolveInputs, targetById, targetsOf } from '#hub/apps/mod.ts';
import { clusterByName, clustersSelectedBy } from '#hub/clusters/mod.ts';
import { environmentByName, environmentsOf } from '#hub/environments/mod.ts';
import { parseResources, ResourceError } from '#hub/resources/mod.ts';
import { brokenAt, openSqliteStore, put, type ClusterRow, type Store } from '#hub/store/mod.ts';
import { tenantByName } from '#hub/tenants/mod.ts';
import { applyResources, type ApplyOptions } from './mod.ts';

const open = (): Promise<Store> => openSqliteStore({ file: ':memory:', clock: new VirtualClock(), random: seededRandom(1) });

const head = (kind: string, metadata: string): string => `apiVersion: wheelhouse.dev/v1alpha1\nkind: ${kind}\nmetadata: ${metadata}\n`;
const tenant = (name = 'acme', namespaces = '[shop, pay]'): string =>
  `${head('Tenant', `{name: ${name}}`)}spec: {sources: ['https://git.example.com/${name}/*'], namespaces: ${namespaces}, kinds: ['*'], serviceAccount: ${name}}\n`;
const cluster = (name: string, env: string, parameters = '{}'): string =>
  `${head('Cluster', `{name: ${name}}`)}spec: {labels: {env: ${env}}, parameters: ${parameters}}\n`;
const environment = (name: string, rest = '', selected = name): string =>
  `${head('Environment', `{tenant: acme, name: ${name}}`)}spec: {clusterSelector: {matchLabels: {env: ${selected}}}, promotion: {mode: Automatic}${rest}}\n`;
const app = (targets: string, url = 'https://git.example.com/acme/web', name = 'web'): string =>
  `${head('App', `{tenant: acme, name: ${name}}`)}spec: {source: {git: {url: '${url}', ref: {branch: main}}}, targets: ${targets}}\n`;
const to = (environment: string, rest = ''): string => `{environment: ${environment}, namespace: shop${rest}}`;

const fleet = [tenant(), cluster('c1', 'dev'), cluster('c2', 'prod'), environment('dev'), environment('prod', ', after: [dev]')];
const whole = [...fleet, app(`[${to('dev')}, ${to('prod')}]`)];

const who: ApplyOptions = { actor: 'user:ada', manager: 'api', reason: 'because' };
const apply = (store: Store, documents: readonly string[], options: Partial<ApplyOptions> = {}) =>
  applyResources(store, parseResources([{ file: 'a.yaml', text: documents.join('---\n') }]), { ...who, ...options });

const actions = async (store: Store, documents: readonly string[], options: Partial<ApplyOptions> = {}): Promise<readonly string[]> =>
  (await apply(store, documents, options)).changes.map(({ subject, action }) => `${subject} ${action}`);

const auditRows = (store: Store) => store.read.selectFrom('audit').selectAll().orderBy('id').execute();
const asked = async (store: Store): Promise<readonly string[]> =>
  (await store.read.selectFrom('outbox').select('key').orderBy('id').execute()).map(({ key }) => key);
const forget = (store: Store): Promise<void> =>
  store.decide(
    (trx) => trx.selectFrom('outbox').select('key').execute(),
    (rows) => ({ result: undefined, writes: rows.map(({ key }) => ({ op: 'remove' as const, table: 'outbox' as const, key: { key } })) }),
  );

test('a set is declared whole, in one decision with one audit row', async () => {
  await using store = await open();
  assert.deepEqual(await actions(store, whole.toReversed()), [
    'App/acme/web created',
    'Environment/acme/prod created',
    'Environment/acme/dev created',
    'Cluster/c2 created',
    'Cluster/c1 created',
    'Tenant/acme created',
  ]);
  const [row, ...others] = await auditRows(store);
  assert.deepEqual(others, []);
  assert.equal(row?.action, 'apply.resources');
  assert.equal(row.actor, 'user:ada');
  assert.equal(row.reason, 'because');
  assert.deepEqual(JSON.parse(row.detail), {
    manager: 'api',
    created: 6,
    configured: 0,
    unchanged: 0,
    'App/acme/web': 'created',
    'Environment/acme/prod': 'created',
    'Environment/acme/dev': 'created',
    'Cluster/c2': 'created',
    'Cluster/c1': 'created',
    'Tenant/acme': 'created',
  });
  assert.equal((await store.read.selectFrom('targets').selectAll().execute()).length, 2);
  assert.equal((await asked(store)).length, 2);
});

test('the same set again changes nothing and leaves no trace', async () => {
  await using store = await open();
  await apply(store, whole);
  await forget(store);
  assert.ok((await actions(store, whole)).every((line) => line.endsWith('unchanged')));
  assert.equal((await auditRows(store)).length, 1);
  assert.deepEqual(await asked(store), []);
});

test('a dry run says the same and changes nothing', async () => {
  await using store = await open();
  const { changes, dryRun } = await apply(store, whole, { dryRun: true });
  assert.ok(dryRun && changes.every(({ action }) => action === 'created'));
  assert.deepEqual(await auditRows(store), []);
  assert.equal(await tenantByName(store.read, 'acme'), undefined);
});

test('what is left out stays', async () => {
  await using store = await open();
  await apply(store, whole);
  await apply(store, [cluster('c3', 'dev')]);
  assert.equal((await store.read.selectFrom('apps').selectAll().execute()).length, 1);
  assert.equal((await store.read.selectFrom('clusters').selectAll().execute()).length, 3);
});

test('a change raises the generation of its row and of no other; one change is audited by its name', async () => {
  await using store = await open();
  await apply(store, whole);
  assert.deepEqual((await actions(store, [...fleet.slice(0, 4), environment('prod', ', after: [dev], parameters: {a: b}')])).slice(-2), [
    'Environment/acme/dev unchanged',
    'Environment/acme/prod configured',
  ]);
  const acme = await tenantByName(store.read, 'acme');
  const [dev, prod] = await environmentsOf(store.read, acme?.id ?? 0);
  assert.deepEqual([acme?.generation, dev?.generation, prod?.generation], [1, 1, 2]);
  assert.deepEqual(prod?.spec.parameters, { a: 'b' });
  const last = (await auditRows(store)).at(-1);
  assert.deepEqual([last?.action, last?.subject], ['apply.environment', 'Environment/acme/prod']);
  assert.equal(brokenAt(await auditRows(store)), undefined);
});

// What is changed -> which targets are visited: of dev, of prod, of app `pay` (another namespace, dev only).
const touches: readonly (readonly [string, string, readonly string[]])[] = [
  ['an environment', environment('dev', ', parameters: {a: b}'), ['web/dev', 'pay/dev']],
  ['an app', app(`[${to('dev')}, ${to('prod', ', parameters: {a: b}')}]`), ['web/dev', 'web/prod']],
  ['a tenant', tenant('acme', '[shop, pay, more]'), ['web/dev', 'web/prod', 'pay/dev']],
  ['a label: where the cluster was, and where it is', cluster('c1', 'prod'), ['web/dev', 'web/prod', 'pay/dev']],
  ['a parameter of a cluster', cluster('c2', 'prod', '{a: b}'), ['web/prod']],
  ['a new cluster', cluster('c9', 'prod'), ['web/prod']],
  ['a new cluster that nothing selects', cluster('c9', 'test'), []],
];
for (const [what, document, expected] of touches)
  test(`${what}: exactly the targets that it concerns are visited`, async () => {
    await using store = await open();
    await apply(store, [...whole, app(`[{environment: dev, namespace: pay}]`, undefined, 'pay')]);
    await forget(store);
    await apply(store, [document]);
    const ids = (await asked(store)).map((key) => Number(key.split(':')[1]));
    const targets = await Promise.all(ids.map((id) => targetById(store.read, id)));
    assert.deepEqual(targets.map((target) => `${target?.app.name}/${target?.environment.name}`).sort(), expected.toSorted());
  });

test('an environment that an app names no more is reported, and its target stays', async () => {
  await using store = await open();
  await apply(store, whole);
  const { retire } = await apply(store, [app(`[${to('dev')}]`)]);
  assert.deepEqual(retire, ['Target/acme/web.prod']);
  const web = await appByName(store.read, (await tenantByName(store.read, 'acme'))?.id ?? 0, 'web');
  const targets = await targetsOf(store.read, web?.id ?? 0);
  assert.deepEqual(
    targets.map(({ environment, declared }) => [environment.name, declared?.namespace]),
    [
      ['dev', 'shop'],
      ['prod', undefined],
    ],
  );
  assert.deepEqual((await apply(store, [app(`[${to('dev')}]`)])).retire, ['Target/acme/web.prod']);
  assert.deepEqual((await apply(store, [app(`[${to('dev')}, ${to('prod')}]`)])).retire, []);
  assert.equal((await store.read.selectFrom('targets').selectAll().execute()).length, 2);
});

test('a second app into the same environments gets targets of its own', async () => {
  await using store = await open();
  await apply(store, whole);
  await apply(store, [app('[{environment: dev, namespace: pay}]', undefined, 'pay')]);
  const rows = await store.read.selectFrom('targets').select(['app_id', 'environment_id']).orderBy('id').execute();
  assert.equal(new Set(rows.map((row) => `${row.app_id}/${row.environment_id}`)).size, 3);
});

test('declaring a cluster again leaves its identity alone', async () => {
  await using store = await open();
  await apply(store, [cluster('c1', 'dev')]);
  const row = await store.read.selectFrom('clusters').selectAll().executeTakeFirstOrThrow();
  assert.deepEqual([row.state, row.uid], ['Declared', null]);
  const enrolled: ClusterRow = { ...row, state: 'Accepted', uid: 'cabc', kube_system_uid: 'k', facts: '{"nodes":3}' };
  await store.decide(
    async () => undefined,
    () => ({ result: undefined, writes: [put('clusters', enrolled)], audit: { actor: 'a', action: 'b', subject: 'Cluster/c1' } }),
  );
  await apply(store, [cluster('c1', 'prod')]);
  const after = await store.read.selectFrom('clusters').selectAll().executeTakeFirstOrThrow();
  assert.deepEqual(
    { ...after, source_digest: '' },
    { ...enrolled, labels: '{"env":"prod"}', generation: 2, source_digest: '', updated_at: after.updated_at },
  );
  assert.equal((await clusterByName(store.read, 'c1'))?.uid, 'cabc');
});

test('a row belongs to its manager until another takes it over', async () => {
  await using store = await open();
  await apply(store, [cluster('c1', 'dev')]);
  assert.deepEqual(await actions(store, [cluster('c1', 'dev')], { manager: 'git' }), ['Cluster/c1 unchanged']);
  await refused(store, [cluster('c1', 'prod')], ['OTHER_MANAGER at c1}'], { manager: 'git' });
  await apply(store, [cluster('c1', 'prod')], { manager: 'git', takeOver: true });
  assert.equal((await store.read.selectFrom('clusters').selectAll().executeTakeFirstOrThrow()).manager, 'git');
});

test('clusters are found by what the hub set', async () => {
  await using store = await open();
  await apply(store, whole);
  const prod = await environmentByName(store.read, (await tenantByName(store.read, 'acme'))?.id ?? 0, 'prod');
  assert.ok(prod);
  assert.deepEqual(
    (await clustersSelectedBy(store.read, prod.spec.clusterSelector)).map(({ name }) => name),
    ['c2'],
  );
});

/** Each expected line: the code, and the text that the problem's place begins with. */
async function refused(
  store: Store,
  documents: readonly string[],
  expected: readonly string[],
  options: Partial<ApplyOptions> = {},
): Promise<void> {
  const error = await apply(store, documents, options).then(
    () => assert.fail('accepted'),
    (error: unknown) => error,
  );
  assert.ok(error instanceof ResourceError, String(error));
  const lines = documents.join('---\n').split('\n');
  const wanted = expected.map((line) => line.split(' at '));
  assert.deepEqual(
    error.problems.map(({ line, column, code }, i) => [
      code,
      lines[line - 1]?.slice(column - 1, column - 1 + (wanted[i]?.[1] ?? '').length),
    ]),
    wanted,
  );
}

// Declared before -> written now -> problems.
const wrongs: readonly (readonly [string, readonly string[], readonly string[], readonly string[]])[] = [
  ['an unknown tenant', [], [environment('dev')], ['UNKNOWN_TENANT at acme']],
  ['an unknown environment', fleet, [app(`[${to('dev')}, ${to('stage')}]`)], ['UNKNOWN_ENVIRONMENT at stage']],
  ['an unknown predecessor', fleet, [environment('prod', ', after: [none]')], ['UNKNOWN_ENVIRONMENT at none]']],
  ['a cycle with what was declared', fleet, [environment('dev', ', after: [prod]')], ['ENVIRONMENTS_CYCLE at [']],
  ['after itself', fleet, [environment('dev', ', after: [dev]')], ['ENVIRONMENTS_CYCLE at [']],
  ["a namespace that is not the tenant's", fleet, [app('[{environment: dev, namespace: other}]')], ['NAMESPACE_REFUSED at other}']],
  ['a source of another host', fleet, [app(`[${to('dev')}]`, 'https://evil.example.com/acme/web')], ["SOURCE_REFUSED at 'https://evil"]],
  ['a tenant that leaves its app outside', whole, [tenant('acme', '[pay]')], ['NAMESPACE_REFUSED at [pay]', 'NAMESPACE_REFUSED at [pay]']],
  ['a second environment over the same cluster', whole, [environment('prod', '', 'dev')], ['ENVIRONMENTS_OVERLAP at {matchLabels']],
  [
    'overlapping in the same set',
    [],
    [...fleet.slice(0, 4), environment('prod', '', 'dev'), whole[5] ?? ''],
    ['ENVIRONMENTS_OVERLAP at prod'],
  ],
];
for (const [what, before, now, expected] of wrongs)
  test(`${what} is refused at its place, and nothing of the set is taken`, async () => {
    await using store = await open();
    if (before.length > 0) await apply(store, before);
    const rows = (await auditRows(store)).length;
    await refused(store, now, expected);
    assert.equal((await auditRows(store)).length, rows);
  });

test('relabelling a cluster into two environments of an app is refused', async () => {
  await using store = await open();
  const either = `${head('Environment', '{tenant: acme, name: eu}')}spec: {clusterSelector: {matchLabels: {region: eu}}, promotion: {mode: Manual}}\n`;
  await apply(store, [...fleet, either, app(`[${to('dev')}, ${to('eu')}]`)]);
  const relabelled = `${head('Cluster', '{name: c1}')}spec: {labels: {env: dev, region: eu}}\n`;
  await refused(store, [relabelled], ['ENVIRONMENTS_OVERLAP at {env: dev, region']);
  // In different namespaces both may have it.
  await apply(store, [app(`[${to('dev')}, {environment: eu, namespace: pay}]`)]);
  await apply(store, [relabelled]);
});

test('what has mistakes of its own is not said to be missing as well', async () => {
  await using store = await open();
  const broken = environment('dev', ', rollout: {maxConcurrent: 0}');
  await refused(store, [tenant(), broken, app(`[${to('dev')}]`)], ['BAD_VALUE at 0}']);
});

test('inputs at their largest stay within their bound, and come in one order', async () => {
  await using store = await open();
  const big = `{${Array.from({ length: 3 }, (_, i) => `p${'x'.repeat(60)}${i}: '${'v'.repeat(440)}'`).join(', ')}}`;
  const names = Array.from({ length: 42 }, (_, i) => `n${'a'.repeat(60)}${i}`.slice(0, 63));
  const tall = `${head('Tenant', '{name: acme}')}spec: {sources: ['https://git.example.com/acme/*'], namespaces: [shop, ${names.join(', ')}], kinds: ['*'], serviceAccount: acme}\n`;
  await apply(store, [
    tall,
    cluster('c1', 'dev', big.replaceAll('p', 'q')),
    environment('dev', `, parameters: ${big}`),
    app(`[${to('dev', `, parameters: ${big.replaceAll('p', 'r')}`)}]`),
  ]);
  const [row] = await store.read.selectFrom('targets').selectAll().execute();
  const target = await targetById(store.read, row?.id ?? 0);
  const c1 = await clusterByName(store.read, 'c1');
  assert.ok(target?.declared && c1);
  const inputs = resolveInputs({ ...target, target: target.declared, cluster: c1 });
  assert.deepEqual(parseInputs(inputsBytes(inputs)), inputs);
  assert.deepEqual(inputs.allow.namespaces, [...names, 'shop'].toSorted());
  assert.equal(inputs.health.timeoutMs, 300_000);
});

test('a uid says what it names', async () => {
  await using store = await open();
  await apply(store, whole);
  const first = async (table: 'tenants' | 'environments' | 'apps'): Promise<string> =>
    (await store.read.selectFrom(table).select('uid').executeTakeFirstOrThrow()).uid.slice(0, 1);
  assert.deepEqual([await first('tenants'), await first('environments'), await first('apps')], ['t', 'e', 'a']);
});
