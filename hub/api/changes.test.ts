import assert from 'node:assert/strict';
import test from 'node:test';
import { startRig, type Rig } from './testing/rig.ts';

const cluster = (name: string, env = 'none', more = ''): string =>
  `apiVersion: wheelhouse.dev/v1alpha1\nkind: Cluster\nmetadata: {name: ${name}${more}}\nspec: {labels: {env: ${env}}}\n`;

test('a set is applied whole, with the reason and the actor in the audit log and among the events', async () => {
  await using rig = await startRig();
  const { body } = await rig.call('POST', '/v1alpha1/apply?reason=more+room', { body: `${cluster('n1')}---\n${cluster('n2')}` });
  assert.deepEqual(body.items, [
    { subject: 'Cluster/n1', action: 'created' },
    { subject: 'Cluster/n2', action: 'created' },
  ]);
  const [record] = (await rig.get('/v1alpha1/audit?limit=1')).body.items;
  assert.deepEqual([record.spec.actor, record.spec.action, record.spec.reason], ['user:local-admin', 'apply.resources', 'more room']);
  const [event] = (await rig.get('/v1alpha1/events?limit=1')).body.items;
  assert.deepEqual([event.spec.actor, event.spec.message], ['user:local-admin', 'more room']);
});

test('every mistake of every file is answered at once, with its place, and nothing is taken', async () => {
  await using rig = await startRig();
  const files = [
    { file: 'a.yaml', text: cluster('n1').replace('labels', 'lables') },
    { file: 'b.yaml', text: `${cluster('n2')}---\n${cluster('Bad_Name')}` },
  ];
  const { status, headers, body } = await rig.call('POST', '/v1alpha1/apply', {
    body: JSON.stringify({ files }),
    headers: { 'content-type': 'application/json' },
  });
  assert.equal(status, 422);
  assert.match(headers.get('content-type') ?? '', /^application\/problem\+json/);
  assert.equal(body.code, 'RESOURCES_INVALID');
  assert.deepEqual(
    body.problems.map(({ file, line, code }: { file: string; line: number; code: string }) => [file, line, code]),
    [
      ['a.yaml', 4, 'UNKNOWN_FIELD'],
      ['b.yaml', 8, 'BAD_VALUE'],
    ],
  );
  assert.equal((await rig.get('/v1alpha1/clusters/n2')).status, 404);
});

test('JSON is YAML: one resource as application/json', async () => {
  await using rig = await startRig();
  const resource = { apiVersion: 'wheelhouse.dev/v1alpha1', kind: 'Cluster', metadata: { name: 'n1' }, spec: { labels: {} } };
  const { body } = await rig.call('POST', '/v1alpha1/apply', {
    body: JSON.stringify(resource),
    headers: { 'content-type': 'application/json' },
  });
  assert.equal(body.items[0].action, 'created');
});

test('a dry run says what would happen and changes nothing', async () => {
  await using rig = await startRig();
  const { body } = await rig.call('POST', '/v1alpha1/apply?dryRun=true', { body: cluster('n1') });
  assert.deepEqual([body.dryRun, body.items[0].action], [true, 'created']);
  assert.equal((await rig.get('/v1alpha1/clusters/n1')).status, 404);
  await rig.call('POST', '/v1alpha1/apply', { body: cluster('n1') });
  assert.equal((await rig.call('DELETE', '/v1alpha1/clusters/n1?dryRun=true')).body.dryRun, true);
  assert.equal((await rig.get('/v1alpha1/clusters/n1')).status, 200);
});

test('what was read can be edited and given back, unless somebody else was faster: both versions are named', async () => {
  await using rig = await startRig();
  await rig.call('POST', '/v1alpha1/apply', { body: cluster('n1') });
  const read = (await rig.get('/v1alpha1/clusters/n1')).body;
  const edited = (env: string): string => JSON.stringify({ ...read, spec: { ...read.spec, labels: { env } } });
  const again = await rig.call('POST', '/v1alpha1/apply', { body: edited('dev') });
  assert.deepEqual(again.body.items, [{ subject: 'Cluster/n1', action: 'configured' }]);
  const late = await rig.call('POST', '/v1alpha1/apply', { body: edited('prod') });
  assert.equal(late.status, 412);
  assert.equal(late.body.code, 'VERSION_MISMATCH');
  const now = (await rig.get('/v1alpha1/clusters/n1')).body;
  assert.ok(
    late.body.detail.includes(read.metadata.resourceVersion) && late.body.detail.includes(now.metadata.resourceVersion),
    late.body.detail,
  );
  assert.equal(now.spec.labels.env, 'dev');
});

test('observing does not change the version of what was declared', async () => {
  await using rig = await startRig();
  const version = async (): Promise<string> => (await rig.get('/v1alpha1/clusters/c-00003')).body.metadata.resourceVersion;
  const before = await version();
  rig.fleet.set(rig.clusterIds[3] ?? 0, { connected: false, sinceMs: 5, beatMs: 1, vouchedMs: 1, doubt: '', doubtMessage: '' });
  assert.equal(await version(), before);
});

test('DELETE asks for the version when told to', async () => {
  await using rig = await startRig();
  await rig.call('POST', '/v1alpha1/apply', { body: cluster('n1') });
  const { resourceVersion } = (await rig.get('/v1alpha1/clusters/n1')).body.metadata;
  assert.equal((await rig.call('DELETE', '/v1alpha1/clusters/n1', { headers: { 'if-match': '"1.1"' } })).body.code, 'VERSION_MISMATCH');
  assert.equal((await rig.call('DELETE', '/v1alpha1/clusters/n1', { headers: { 'if-match': `"${resourceVersion}"` } })).status, 200);
  assert.equal((await rig.call('DELETE', '/v1alpha1/clusters/n1')).body.code, 'NOT_DECLARED');
});

const inUse: readonly (readonly [path: string, RegExp])[] = [
  ['clusters/c-00000', /Placement\/c-00000\.app-0\.shop.*the enrolled agent/],
  ['tenants/team-0', /Environment\/team-0\/dev.*App\/team-0\/app-0/],
  ['tenants/team-0/environments/dev', /App\/team-0\/app-0.*Environment\/team-0\/staging.*Target\/team-0\/app-0\.dev/],
  ['tenants/team-0/apps/app-0', /Target\/team-0\/app-0\.dev.*Release\/team-0\/app-0\./],
];
for (const [path, names] of inUse)
  test(`${path} is not deleted while something depends on it, which is named`, async () => {
    await using rig = await startRig();
    const { status, body } = await rig.call('DELETE', `/v1alpha1/${path}`);
    assert.deepEqual([status, body.code], [409, 'IN_USE']);
    assert.match(body.detail, names);
    assert.match(body.detail, /retire/);
    assert.equal((await rig.get(`/v1alpha1/${path}`)).status, 200);
  });

test('the same Idempotency-Key gets the first answer; with another body it is refused; another caller has keys of its own', async () => {
  await using rig = await startRig();
  const send = (body: string, key = 'k1', token?: string) =>
    rig.call('POST', '/v1alpha1/apply', { body, headers: { 'idempotency-key': key }, ...(token === undefined ? {} : { token }) });
  const first = await send(cluster('n1'));
  assert.deepEqual([first.body.items[0].action, first.headers.get('idempotency-replayed')], ['created', null]);
  const again = await send(cluster('n1'));
  assert.deepEqual([again.body.items[0].action, again.headers.get('idempotency-replayed')], ['created', 'true']);
  const other = await send(cluster('n2'));
  assert.deepEqual([other.status, other.body.code], [422, 'IDEMPOTENCY_KEY_REUSED']);
  assert.equal((await send(cluster('n2'), 'k1', await rig.tokenOf('admin'))).status, 200);
  await rig.clock.advance(24 * 3_600_000 + 1);
  assert.equal((await send(cluster('n1'))).body.items[0].action, 'unchanged');
  assert.equal((await send(cluster('n1'), 'two words')).body.code, 'REQUEST_INVALID');
});

test('what failed is not kept: the same key may try again', async () => {
  await using rig = await startRig();
  const headers = { 'idempotency-key': 'k1' };
  assert.equal((await rig.call('DELETE', '/v1alpha1/clusters/n1', { headers })).status, 404);
  await rig.call('POST', '/v1alpha1/apply', { body: cluster('n1') });
  assert.equal((await rig.call('DELETE', '/v1alpha1/clusters/n1', { headers })).status, 200);
});

const heard = { connected: true, sinceMs: 0, beatMs: 1e6, vouchedMs: 1e6, doubt: '', doubtMessage: '' } as const;
const json = { 'content-type': 'application/json' };
const promotion = (rig: Rig, release: string, more: { target?: string; query?: string; headers?: Record<string, string> } = {}) =>
  rig.call('POST', `/v1alpha1/tenants/team-0/targets/${more.target ?? 'app-0.dev'}/promote${more.query ?? ''}`, {
    body: JSON.stringify({ release }),
    headers: { ...json, ...more.headers },
  });
const rollouts = async (rig: Rig): Promise<number> => (await rig.store.read.selectFrom('rollouts').select('id').execute()).length;

test('a release is promoted by digest, alias, name or uid, with a plan and a record', async () => {
  await using rig = await startRig();
  const { metadata, spec } = (await rig.get('/v1alpha1/releases/r0-0')).body;
  const { body } = await promotion(rig, spec.alias, { query: '?reason=hot+fix' });
  assert.deepEqual([body.dryRun, typeof body.rollout, body.plan.release, body.plan.clusters > 0], [false, 'string', spec.alias, true]);
  const [record] = (await rig.get('/v1alpha1/audit?limit=1')).body.items;
  assert.deepEqual([record.spec.action, record.spec.subject, record.spec.reason], ['start.rollout', 'Target/team-0/app-0.dev', 'hot fix']);
  for (const named of [spec.digest, metadata.name, metadata.uid]) assert.equal((await promotion(rig, named)).status, 200);
});

test('what a promotion waits for is answered', async () => {
  await using rig = await startRig();
  await rig.call('POST', '/v1alpha1/tenants/team-0/environments/dev/freeze?reason=fair', { body: '{}', headers: json });
  const { alias } = (await rig.get('/v1alpha1/releases/r0-0')).body.spec;
  const { rollout, plan, waiting } = (await promotion(rig, alias)).body;
  assert.deepEqual([rollout, plan, waiting.reason], [null, null, 'EnvironmentFrozen']);
  assert.ok(waiting.message);
});

test('another release than the one that a person names is not promoted in its stead, and that is said', async () => {
  await using rig = await startRig();
  const { read } = rig.store;
  const older = await read.selectFrom('releases').selectAll().where('uid', '=', 'r0-0').executeTakeFirstOrThrow();
  const variants = await read.selectFrom('variants').selectAll().where('release_id', '=', older.id).execute();
  const { id } = await read.selectFrom('releases').select('id').orderBy('id', 'desc').executeTakeFirstOrThrow();
  const newer = { ...older, id: id + 1, uid: 'newer', alias: 'newer', digest: `sha256:${'d'.repeat(64)}` as const };
  await read.insertInto('releases').values(newer).execute();
  const free = 1_000_000;
  await read
    .insertInto('variants')
    .values(variants.map((one, i) => ({ ...one, id: free + i, release_id: newer.id })))
    .execute();
  const before = await rollouts(rig);
  const { rollout, plan, waiting } = (await promotion(rig, older.alias)).body;
  assert.deepEqual([rollout, plan, waiting?.reason], [null, null, 'NotOffered']);
  assert.match(waiting.message, /newer/);
  assert.equal(await rollouts(rig), before);
  assert.equal((await rig.get('/v1alpha1/tenants/team-0/targets/app-0.dev')).body.status.waiting, null, 'it waits for nothing');
  assert.equal((await promotion(rig, 'newer')).body.plan.release, 'newer');
});

test('a dry run of a promotion has the very plan, and begins nothing', async () => {
  await using rig = await startRig();
  const { alias } = (await rig.get('/v1alpha1/releases/r0-0')).body.spec;
  const before = await rollouts(rig);
  const dry = (await promotion(rig, alias, { query: '?dryRun=true' })).body;
  assert.deepEqual([dry.dryRun, dry.rollout, await rollouts(rig)], [true, null, before]);
  const real = (await promotion(rig, alias)).body;
  assert.deepEqual(dry.plan, real.plan);
  assert.equal(await rollouts(rig), before + 1);
});

test('a promotion onto what was looked at is refused when something else was decided meanwhile, and not when something was only observed', async () => {
  await using rig = await startRig();
  const version = async (): Promise<string> => (await rig.get('/v1alpha1/tenants/team-0/targets/app-0.dev')).body.metadata.resourceVersion;
  const { alias } = (await rig.get('/v1alpha1/releases/r0-0')).body.spec;
  const read = await version();
  for (const id of rig.clusterIds) rig.fleet.set(id, heard);
  assert.equal(await version(), read);
  const headers = { 'if-match': `"${read}"` };
  assert.equal((await promotion(rig, alias, { headers })).status, 200);
  const before = await rollouts(rig);
  const late = await promotion(rig, alias, { headers });
  assert.deepEqual([late.status, late.body.code], [412, 'VERSION_MISMATCH']);
  assert.ok(late.body.detail.includes(read) && late.body.detail.includes(await version()), late.body.detail);
  assert.equal(await rollouts(rig), before);
});

test('a set is deleted by what its documents name, with one record; what is in the way is named with its place', async () => {
  await using rig = await startRig();
  const set = `${cluster('n1')}---\n${cluster('n2')}`;
  await rig.call('POST', '/v1alpha1/apply', { body: set });
  const refused = await rig.call('POST', '/v1alpha1/delete', { body: `${set}---\n${cluster('c-00000')}---\n${cluster('n9')}` });
  assert.deepEqual([refused.status, refused.body.code], [409, 'IN_USE']);
  assert.deepEqual(
    refused.body.problems.map(({ file, line, code }: { file: string; line: number; code: string }) => `${file}:${line} ${code}`),
    ['request:13 IN_USE', 'request:18 NOT_DECLARED'],
  );
  assert.equal((await rig.call('POST', '/v1alpha1/delete?dryRun=true', { body: set })).body.items.length, 2);
  assert.equal((await rig.get('/v1alpha1/clusters/n1')).status, 200);
  const { body } = await rig.call('POST', '/v1alpha1/delete?ignoreNotFound=true&reason=moved', { body: `${set}---\n${cluster('n9')}` });
  assert.deepEqual(body.items, [
    { subject: 'Cluster/n1', action: 'deleted' },
    { subject: 'Cluster/n2', action: 'deleted' },
    { subject: 'Cluster/n9', action: 'absent' },
  ]);
  const [record] = (await rig.get('/v1alpha1/audit?fieldSelector=spec.subject%3DCluster/n2&limit=1')).body.items;
  assert.deepEqual([record.spec.action, record.spec.reason], ['delete.resources', 'moved']);
  assert.equal((await rig.get('/v1alpha1/clusters/n1')).status, 404);
});

test('an app is synced with an audit record that has the reason; a dry run and one that is not there leave none', async () => {
  await using rig = await startRig();
  const sync = (app: string, query = '') => rig.call('POST', `/v1alpha1/tenants/team-0/apps/${app}/sync${query}`);
  const records = async (): Promise<unknown[]> =>
    (await rig.get('/v1alpha1/audit?fieldSelector=spec.action%3Dsync.app')).body.items.map(
      ({ spec }: { spec: { subject: string; reason: string } }) => [spec.subject, spec.reason],
    );
  await sync('app-1', '?dryRun=true');
  const { status, body } = await sync('app-9', '?reason=x');
  assert.deepEqual([status, body.detail], [404, 'there is no App team-0/app-9; did you mean team-0/app-0?']);
  assert.deepEqual([rig.synced, await records()], [[], []]);
  await sync('app-0', '?reason=cannot+wait');
  assert.deepEqual([rig.synced.length, await records()], [1, [['App/team-0/app-0', 'cannot wait']]]);
});

test('one app of a cluster is synced: the cluster is asked, and its answer given to who waits for it', async () => {
  await using rig = await startRig();
  for (const id of rig.clusterIds) rig.fleet.set(id, heard);
  const path = '/v1alpha1/tenants/team-0/placements/c-00000.app-0.shop/sync';
  const answer = async (query: string) => (await rig.call('POST', path + query)).body;
  assert.deepEqual(await answer('?dryRun=true'), { dryRun: true, acknowledged: false, problem: null });
  assert.deepEqual(await answer(''), { dryRun: false, acknowledged: false, problem: null });
  assert.deepEqual(await answer('?waitMs=5000&reason=now'), { dryRun: false, acknowledged: true, problem: null });
  rig.fleet.answer = { ok: false, code: 'Forbidden', message: 'may not create deployments' };
  assert.deepEqual((await answer('?waitMs=5000')).problem, { reason: 'Forbidden', message: 'may not create deployments' });
  const { items } = (await rig.get('/v1alpha1/audit?fieldSelector=spec.action%3Dsync.placement')).body;
  assert.deepEqual(
    items.map(({ spec }: { spec: { subject: string; reason: string } }) => `${spec.subject} ${spec.reason}`),
    ['Placement/team-0/c-00000.app-0.shop ', 'Placement/team-0/c-00000.app-0.shop now', 'Placement/team-0/c-00000.app-0.shop '],
  );
});

test('a cluster that is out of reach is said to be so, and nothing is recorded as done', async () => {
  await using rig = await startRig();
  rig.fleet.set(rig.clusterIds[0] ?? 0, { ...heard, connected: false, beatMs: 1, vouchedMs: 1 });
  for (const query of ['', '?waitMs=1000', '?dryRun=true']) {
    const { status, body } = await rig.call('POST', `/v1alpha1/tenants/team-0/placements/c-00000.app-0.shop/sync${query}`);
    assert.deepEqual([status, body.code], [503, 'CLUSTER_UNREACHABLE'], query);
    assert.match(body.detail, /c-00000/);
  }
  assert.deepEqual((await rig.get('/v1alpha1/audit?fieldSelector=spec.action%3Dsync.placement')).body.items, []);
});

test('an agent is accepted once, refused when none has asked, and a join token of a dry run is none', async () => {
  await using rig = await startRig();
  await rig.call('POST', '/v1alpha1/apply', { body: cluster('n1') });
  const accept = async (name: string) => (await rig.call('POST', `/v1alpha1/clusters/${name}/accept`)).body;
  assert.deepEqual(await accept('c-00000'), { dryRun: false, changed: false });
  assert.equal((await accept('n1')).code, 'NOT_ASKED');
  assert.deepEqual(
    [(await accept('n2')).code, (await accept('n2')).detail],
    ['NO_SUCH_CLUSTER', 'there is no Cluster n2; did you mean n1?'],
  );
  const token = async (query: string, name = 'n1') =>
    (await rig.call('POST', `/v1alpha1/clusters/${name}/join-token${query}`, { body: '{}', headers: json })).body;
  assert.deepEqual([(await token('?dryRun=true')).token, (await token('')).token], ['', 'secret-of-n1']);
  assert.equal((await token('?dryRun=true', 'n9')).code, 'NO_SUCH_CLUSTER');
});

const lost: readonly (readonly [path: string, detail: string])[] = [
  ['clusters/c-0001', 'there is no Cluster c-0001; did you mean c-00001?'],
  ['tenants/team-2', 'there is no Tenant team-2; did you mean team-0?'],
  ['tenants/team-0/apps/app', 'there is no App team-0/app'],
  ['tenants/team-0/apps/ap-1', 'there is no App team-0/ap-1; did you mean team-0/app-1?'],
  ['tenants/team-9/apps/app-0', 'there is no App team-9/app-0; tenants team-0, team-1 have one'],
  ['tenants/tem-0/apps/web', 'there is no App tem-0/web; there is no tenant tem-0; did you mean team-0?'],
  ['tenants/team-0/targets/app-0.prd', 'there is no Target team-0/app-0.prd; did you mean team-0/app-0.prod?'],
  ['apps/app-1', 'there is no App app-1; tenants team-0, team-1 have one'],
  ['rollouts/nothing', 'there is no Rollout nothing'],
  ['events/123456', 'there is no Event 123456'],
];
for (const [path, detail] of lost)
  test(`${path} is not there: what was probably meant is named`, async () => {
    await using rig = await startRig();
    const { status, body } = await rig.get(`/v1alpha1/${path}`);
    assert.deepEqual([status, body.code, body.detail], [404, 'NOT_FOUND', detail]);
  });

test('a release that is not there names the one that was meant, or the newest', async () => {
  await using rig = await startRig();
  assert.match(
    (await promotion(rig, '20260101-0-O')).body.detail,
    /^App team-0\/app-0 has no Release 20260101-0-O; did you mean 20260101-0-0\?$/,
  );
  assert.match((await promotion(rig, 'nothing')).body.detail, /; its newest is 2026/);
  assert.equal((await promotion(rig, 'x', { target: 'app-9.dev' })).body.code, 'NOT_FOUND');
});
