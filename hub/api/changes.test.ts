import assert from 'node:assert/strict';
import test from 'node:test';
import { startRig } from './testing/rig.ts';

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

test('a release is promoted by digest, alias, name or uid; what it waits for is answered', async () => {
  await using rig = await startRig();
  const release = (await rig.get('/v1alpha1/releases/r0-0')).body;
  const { alias, digest } = release.spec;
  const promote = (release: string, target = 'app-0.dev') =>
    rig.call('POST', `/v1alpha1/tenants/team-0/targets/${target}/promote`, {
      body: JSON.stringify({ release }),
      headers: { 'content-type': 'application/json' },
    });
  for (const named of [alias, digest, release.metadata.name, release.metadata.uid])
    assert.deepEqual((await promote(named)).body, { rollout: null, waiting: { reason: 'NotExercised', message: 'for a test' } });
  assert.equal((await promote('nothing')).body.code, 'NOT_FOUND');
  assert.equal((await promote(alias, 'app-9.dev')).body.code, 'NOT_FOUND');
});

test('sync looks at the source, a dry run does not', async () => {
  await using rig = await startRig();
  await rig.call('POST', '/v1alpha1/tenants/team-0/apps/app-1/sync?dryRun=true');
  await rig.call('POST', '/v1alpha1/tenants/team-0/apps/app-0/sync');
  assert.deepEqual(rig.synced, ['team-0/app-0']);
});
