import assert from 'node:assert/strict';
import test from 'node:test';
import { put, type EventRow, type Write } from '#hub/store/mod.ts';
import { startRig, type Rig } from './testing/rig.ts';

const observed: EventRow = {
  id: 800_001,
  seq: 800_001,
  kind: 'Placement',
  tenant: 'team-0',
  name: 'c-00001.app-0.shop',
  cluster: 'c-00001',
  app: 'app-0',
  environment: 'dev',
  type: 'Warning',
  reason: 'Degraded',
  cause: 'CrashLoopBackOff',
  message: 'CrashLoopBackOff: apps/Deployment/shop/web',
  actor: '',
  rollout_id: null,
  count: 3,
  first_at: 1_000,
  at: 61_000,
};
const write = (rig: Rig, ...writes: Write[]): Promise<void> =>
  rig.store.decide(
    async () => undefined,
    () => ({ result: undefined, writes }),
  );
const audited = (rig: Rig, subject: string, detail: Record<string, string> = {}): Promise<void> =>
  rig.store.decide(
    async () => undefined,
    () => ({ result: undefined, audit: { actor: 'user:ada', action: 'change.thing', subject, reason: subject, detail } }),
  );
const said = async (rig: Rig, query: string): Promise<string[]> =>
  (await rig.get(`/v1alpha1/events?${query}`)).body.items.map(
    ({ spec }: { spec: { reason: string; regarding: { kind: string; name: string } } }) =>
      `${spec.reason} ${spec.regarding.kind}/${spec.regarding.name}`,
  );

test('what was observed says how often, since when, what it concerns and who had changed it', async () => {
  await using rig = await startRig();
  const rollout = await rig.store.read.selectFrom('rollouts').select(['id', 'uid']).where('uid', '=', 'o0-0-dev').executeTakeFirstOrThrow();
  await write(rig, put('events', { ...observed, rollout_id: rollout.id }));
  const [{ metadata, spec }] = (await rig.get('/v1alpha1/events?limit=1')).body.items;
  assert.deepEqual(
    [metadata.tenant, spec.at, spec.firstAt, spec.count],
    ['team-0', '1970-01-01T00:01:01.000Z', '1970-01-01T00:00:01.000Z', 3],
  );
  assert.deepEqual(spec.regarding, { kind: 'Placement', tenant: 'team-0', name: 'c-00001.app-0.shop' });
  assert.deepEqual(spec.related, { cluster: 'c-00001', app: 'app-0', environment: 'dev' });
  assert.equal(spec.changedBy.rollout, rollout.uid);
});

test('what happens again comes last again, under the same uid', async () => {
  await using rig = await startRig();
  await write(rig, put('events', observed), put('events', { ...observed, id: 800_002, seq: 800_002, reason: 'Healthy' }));
  assert.deepEqual(await said(rig, 'limit=2'), ['Healthy Placement/c-00001.app-0.shop', 'Degraded Placement/c-00001.app-0.shop']);
  await write(rig, put('events', { ...observed, seq: 800_003, count: 4 }));
  const [{ metadata, spec }] = (await rig.get('/v1alpha1/events?limit=1')).body.items;
  assert.deepEqual([metadata.uid, spec.count], ['800001', 4]);
});

const concerns: readonly (readonly [subject: string, selector: string])[] = [
  ['Cluster/c-9', 'spec.related.cluster=c-9'],
  ['App/team-0/web', 'spec.related.app=web'],
  ['Environment/team-0/prod', 'spec.related.environment=prod'],
  ['Target/team-0/web.prod', 'spec.related.app=web,spec.related.environment=prod'],
  ['Placement/team-0/c-9.web.shop', 'spec.related.cluster=c-9,spec.related.app=web'],
];
for (const [subject, selector] of concerns)
  test(`what a person did to ${subject} is found by what it concerns`, async () => {
    await using rig = await startRig();
    await audited(rig, subject);
    await audited(rig, 'Tenant/team-0');
    const { items } = (await rig.get(`/v1alpha1/events?fieldSelector=${encodeURIComponent(selector)}`)).body;
    assert.deepEqual(
      items.map(({ spec }: { spec: { message: string } }) => spec.message),
      [subject],
    );
  });

test('what is done to a tenant is among its own events and records', async () => {
  await using rig = await startRig();
  await audited(rig, 'Tenant/team-1');
  for (const collection of ['events', 'audit'])
    assert.equal((await rig.get(`/v1alpha1/tenants/team-1/${collection}?limit=1`)).body.items[0]?.metadata.tenant, 'team-1', collection);
});

test('a record of a set is found by everything that the set changed, and by nothing else', async () => {
  await using rig = await startRig();
  await audited(rig, 'Resources/2', { 'App/team-0/web': 'created', 'Cluster/c-9': 'configured' });
  await audited(rig, 'Cluster/c-99');
  const found = async (selector: string): Promise<string[]> =>
    (await rig.get(`/v1alpha1/audit?fieldSelector=${encodeURIComponent(selector)}`)).body.items.map(
      ({ spec }: { spec: { subject: string } }) => spec.subject,
    );
  assert.deepEqual(await found('spec.subject=Cluster/c-9'), ['Resources/2']);
  assert.deepEqual(await found('spec.subject in (App/team-0/web,Cluster/c-99)'), ['Cluster/c-99', 'Resources/2']);
  assert.ok(!(await found('spec.subject!=Cluster/c-9')).includes('Resources/2'));
});

test('the latest events are read from the ends of their tables, without looking at the rest', async () => {
  await using rig = await startRig();
  const { events } = await import('./kinds/records.ts');
  const { sql } = await import('#hub/store/mod.ts');
  const { rows } = await sql<{ detail: string }>`
    EXPLAIN QUERY PLAN SELECT id, seq FROM (${events.stored.select}) AS v ORDER BY seq DESC, id ASC LIMIT 5`.execute(rig.store.read);
  const plan = rows.map(({ detail }) => detail).join('\n');
  assert.doesNotMatch(plan, /TEMP B-TREE/, plan);
});
