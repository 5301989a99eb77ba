import assert from 'node:assert/strict';
import test from 'node:test';
import { startRig, type Rig } from './testing/rig.ts';

const json = { 'content-type': 'application/json' };
const post = (rig: Rig, path: string, body?: object) =>
  rig.call('POST', path, body === undefined ? {} : { body: JSON.stringify(body), headers: json });

/** How each kind is stopped, and where that is seen. */
const rows: readonly [scope: string, path: string, hold: string, release: string, field: string][] = [
  ['Cluster', '/v1alpha1/clusters/c-00001', 'freeze', 'unfreeze', 'frozen'],
  ['Environment', '/v1alpha1/tenants/team-0/environments/dev', 'freeze', 'unfreeze', 'frozen'],
  ['App', '/v1alpha1/tenants/team-0/apps/app-0', 'suspend', 'resume', 'suspended'],
  ['Rollout', '/v1alpha1/tenants/team-0/rollouts/o0-0-dev', 'suspend', 'resume', 'suspended'],
];
for (const [scope, path, hold, release, field] of rows)
  test(`${hold} and ${release}: ${scope}: seen there, audited once each, among the events, and the same again is no change`, async () => {
    await using rig = await startRig();
    await rig.store.read.updateTable('rollouts').set({ state: 'Progressing', finished_at: null }).where('uid', '=', 'o0-0-dev').execute();
    const audits = async () => (await rig.get('/v1alpha1/audit?limit=500')).body.items.length;
    const before = await audits();
    const made = await post(rig, `${path}/${hold}?reason=the+fair`, { forMs: 60_000 });
    assert.equal(made.status, 200, JSON.stringify(made.body));
    const shown = made.body.hold;
    assert.deepEqual([made.body.changed, shown.scope, shown.by, shown.reason], [true, scope, 'user:local-admin', 'the fair']);
    assert.equal(Date.parse(shown.until) - Date.parse(shown.since), 60_000);
    const seen = await rig.get(path);
    assert.deepEqual(seen.body.status[field], shown);
    const again = await post(rig, `${path}/${hold}?reason=the+fair`, { until: shown.until });
    assert.deepEqual([again.body.changed, await audits()], [false, before + 1]);
    const [event] = (await rig.get('/v1alpha1/events?limit=1')).body.items;
    assert.deepEqual(
      [event.spec.reason, event.spec.message, event.spec.actor],
      [`${hold}.${scope.toLowerCase()}`, 'the fair', 'user:local-admin'],
    );
    assert.equal(event.spec.regarding.kind, scope);
    assert.equal(event.spec.regarding.name, path.split('/').at(-1));

    const undone = await post(rig, `${path}/${release}?reason=over`);
    assert.deepEqual([undone.body.changed, undone.body.hold], [true, null]);
    assert.equal((await rig.get(path)).body.status[field], null);
    assert.deepEqual([(await post(rig, `${path}/${release}`)).body.changed, await audits()], [false, before + 2]);
  });

test('a placement shows every hold that keeps something from it, the nearest first, and who has suspended it', async () => {
  await using rig = await startRig();
  const { items } = (await rig.get('/v1alpha1/tenants/team-0/placements?fieldSelector=status.health=Healthy&limit=1')).body;
  const { metadata, spec } = items[0];
  const path = `/v1alpha1/tenants/team-0/placements/${metadata.name}`;
  for (const stop of [
    '/v1alpha1/freeze',
    `/v1alpha1/tenants/team-0/environments/${spec.environment}/freeze`,
    `/v1alpha1/clusters/${spec.cluster}/freeze`,
    `/v1alpha1/tenants/team-0/apps/${spec.app}/suspend`,
    `${path}/suspend`,
  ])
    assert.equal((await post(rig, `${stop}?reason=the+fair`)).status, 200, stop);
  const { body } = await rig.get(path);
  assert.deepEqual(
    body.status.holds.map(({ scope }: { scope: string }) => scope),
    ['Placement', 'App', 'Cluster', 'Environment', 'Fleet'],
  );
  // Not before the spoke says so itself.
  assert.deepEqual([body.spec.mode, body.status.health, body.status.reason], ['Suspended', 'Progressing', 'NotReceived']);
  const { id } = await rig.store.read.selectFrom('placements').select('id').where('uid', '=', metadata.uid).executeTakeFirstOrThrow();
  await rig.store.read.updateTable('reports').set({ health: 'Suspended' }).where('placement_id', '=', id).execute();
  const { status } = (await rig.get(path)).body;
  assert.deepEqual([status.health, status.reason], ['Suspended', 'Suspended']);
  assert.match(status.message, /^suspended here by user:local-admin since \S+: "the fair"$/);
  const { holds } = (await rig.get('/v1alpha1/status')).body;
  assert.deepEqual(
    { ...holds, fleet: holds.fleet.scope },
    { fleet: 'Fleet', environments: 1, clusters: 1, rollouts: 0, apps: 1, placements: 1 },
  );
  // The app is suspended still.
  await post(rig, `${path}/resume`);
  assert.equal((await rig.get(path)).body.spec.mode, 'Suspended');
  await post(rig, `/v1alpha1/tenants/team-0/apps/${spec.app}/resume`);
  assert.equal((await rig.get(path)).body.spec.mode, 'Enforce');
});

const cluster = '/v1alpha1/clusters/c-00001';
const refused: readonly [name: string, path: string, body: object | undefined, status: number, code: string][] = [
  ['without a reason', `${cluster}/freeze`, undefined, 400, 'HOLD_INVALID'],
  ['until the past', `${cluster}/freeze?reason=x`, { until: '2020-01-01T00:00:00Z' }, 400, 'HOLD_INVALID'],
  ['for and until', `${cluster}/freeze?reason=x`, { until: '2090-01-01T00:00:00Z', forMs: 60_000 }, 400, 'REQUEST_INVALID'],
  ['an end that is no time', `${cluster}/freeze?reason=x`, { until: 'tomorrow' }, 400, 'REQUEST_INVALID'],
  ['a word that nobody knows', `${cluster}/freeze?reason=x`, { for: '2h' }, 400, 'REQUEST_INVALID'],
  ['what is not there', '/v1alpha1/clusters/nope/freeze?reason=x', undefined, 404, 'NOT_FOUND'],
  ['what another tenant has', '/v1alpha1/tenants/team-1/apps/nope/suspend?reason=x', undefined, 404, 'NOT_FOUND'],
  ['to be unfrozen and not there', '/v1alpha1/clusters/nope/unfreeze', undefined, 404, 'NOT_FOUND'],
];
test('refused, each with its code, and nothing is written', async () => {
  await using rig = await startRig();
  for (const [name, path, body, status, code] of refused) {
    const answer = await post(rig, path, body);
    assert.deepEqual([answer.status, answer.body.code], [status, code], name);
  }
  assert.equal((await rig.get(cluster)).body.status.frozen, null);
});

test('a rollout that has ended cannot be suspended', async () => {
  await using rig = await startRig();
  await rig.store.read.updateTable('rollouts').set({ state: 'Succeeded', finished_at: 1 }).where('uid', '=', 'o0-0-dev').execute();
  const answer = await post(rig, '/v1alpha1/tenants/team-0/rollouts/o0-0-dev/suspend?reason=x');
  assert.deepEqual([answer.status, answer.body.code], [409, 'ROLLOUT_ENDED']);
});

test('a dry run says what would be, and changes nothing', async () => {
  await using rig = await startRig();
  const { body } = await post(rig, '/v1alpha1/tenants/team-0/apps/app-0/suspend?reason=x&dryRun=true');
  assert.deepEqual([body.changed, body.dryRun, body.hold.reason], [true, true, 'x']);
  assert.ok(body.placements > 0);
  assert.equal((await rig.get('/v1alpha1/tenants/team-0/apps/app-0')).body.status.suspended, null);
});

test('scope operate is enough, read is too little', async () => {
  await using rig = await startRig();
  const [read, operate] = [await rig.tokenOf('read'), await rig.tokenOf('operate')];
  assert.equal((await rig.call('POST', `${cluster}/freeze?reason=x`, { token: read })).status, 403);
  assert.equal((await rig.call('POST', `${cluster}/freeze?reason=x`, { token: operate })).status, 200);
  assert.equal((await rig.get(cluster)).body.status.frozen.by, 'user:operate-person');
});

test('what has expired is released by the hub, and said so among the events', async () => {
  await using rig = await startRig();
  await post(rig, `${cluster}/freeze?reason=x`, { forMs: 60_000 });
  await rig.clock.advance(59_000);
  assert.notEqual((await rig.get(cluster)).body.status.frozen, null);
  await rig.clock.advance(2_000);
  // The release is a transaction of its own, behind the timer.
  for (let looks = 0; looks < 50 && (await rig.get(cluster)).body.status.frozen !== null; looks++);
  const [event] = (await rig.get('/v1alpha1/events?limit=1')).body.items;
  assert.deepEqual([event.spec.actor, event.spec.reason, event.spec.message], ['system:holds', 'unfreeze.cluster', 'expired']);
});

test('a watch of clusters sees the freeze', async () => {
  await using rig = await startRig();
  const { metadata } = (await rig.get('/v1alpha1/clusters?limit=1')).body;
  await post(rig, `${cluster}/freeze?reason=x`);
  await rig.clock.advance(200);
  const id = (await rig.store.read.selectFrom('clusters').select('id').where('name', '=', 'c-00001').executeTakeFirstOrThrow()).id;
  assert.ok(rig.feed.since(metadata.resourceVersion, 'clusters')?.includes(id));
});

test('what is deleted leaves no hold behind', async () => {
  await using rig = await startRig();
  const body = 'apiVersion: wheelhouse.dev/v1alpha1\nkind: Cluster\nmetadata: {name: brief}\nspec: {labels: {}}\n';
  await rig.call('POST', '/v1alpha1/apply', { body });
  await post(rig, '/v1alpha1/clusters/brief/freeze?reason=x');
  assert.equal((await rig.store.read.selectFrom('holds').selectAll().execute()).length, 1);
  assert.equal((await rig.call('DELETE', '/v1alpha1/clusters/brief')).status, 200);
  assert.deepEqual(await rig.store.read.selectFrom('holds').selectAll().execute(), []);
});

test('a target says how many placements do not run its release, because a person has stopped them', async () => {
  await using rig = await startRig();
  const { store } = rig;
  const [one] = (await rig.get('/v1alpha1/tenants/team-0/placements?fieldSelector=status.health=Healthy&limit=1')).body.items;
  const { app, environment, cluster } = one.spec;
  const target = `/v1alpha1/tenants/team-0/targets/${app}.${environment}`;
  const leftOut = async (): Promise<number> => (await rig.get(target)).body.status.leftOut;
  const freeze = `/v1alpha1/clusters/${cluster}`;
  await post(rig, `${freeze}/freeze?reason=the+fair`);
  assert.equal(await leftOut(), 0, 'frozen at what everybody has');
  const placement = await store.read.selectFrom('placements').selectAll().where('uid', '=', one.metadata.uid).executeTakeFirstOrThrow();
  const { current_release_id: current } = await store.read
    .selectFrom('targets')
    .select('current_release_id')
    .where('id', '=', placement.target_id)
    .executeTakeFirstOrThrow();
  const other = `sha256:${'e'.repeat(64)}` as const;
  const variants = store.read.updateTable('variants').set({ layer_hash: other });
  const { numUpdatedRows } = await variants.where('release_id', '=', current).where('environment', '=', environment).executeTakeFirst();
  assert.equal(Number(numUpdatedRows), 1);
  assert.equal(await leftOut(), 1, 'a release has come by');
  await post(rig, `/v1alpha1/tenants/team-0/placements/${one.metadata.name}/suspend?reason=hm`);
  assert.equal(await leftOut(), 1, 'stopped twice, counted once');
  await post(rig, `${freeze}/unfreeze`);
  await post(rig, `/v1alpha1/tenants/team-0/placements/${one.metadata.name}/resume`);
  assert.equal(await leftOut(), 0);
});
