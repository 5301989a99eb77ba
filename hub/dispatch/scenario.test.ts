import assert from 'node:assert/strict';
import test from 'node:test';
import { encodeDesired, Envelope, Health, type Fence } from '#proto/mod.ts';
import { seededRandom } from '#shared/clock/mod.ts';
import { digestOf, sha256 } from '#shared/kernel/mod.ts';
import { generateKey } from '#shared/signing/mod.ts';
import { put } from '#hub/store/mod.ts';
import { clusterRow, FakeSpoke, Fleet } from './fleet.fixture.ts';
import { signerOf } from './mod.ts';

// The hub below its transports: releases, targets, rollouts, dispatch and reports together, in virtual time.

const threeStages = { environments: { dev: ['d1'], staging: ['s1', 's2'], prod: ['p1'] } };
const degraded = { health: Health.HEALTH_DEGRADED, reason: 'Unschedulable', message: 'apps/Deployment/web/web: 0/3 nodes match' };

test('a release goes from the first environment to the last, on evidence', async () => {
  await using fleet = await Fleet.start(threeStages);
  await fleet.connectAll();
  const { id, digest } = await fleet.release();
  await fleet.tick(12);
  assert.deepEqual(fleet.errors, []);
  for (const environment of ['dev', 'staging', 'prod']) {
    assert.deepEqual(await fleet.rollouts(environment), ['Release Succeeded AllHealthy'], environment);
    const target = await fleet.target(environment);
    assert.deepEqual([target.current_release_id, target.exercised, target.waiting_reason], [id, 1, '']);
  }
  const desired = fleet.desiredOf(fleet.spoke('p1').uid)?.desired;
  assert.equal(desired?.assignments[0]?.indexDigest, digest);
  assert.match(desired?.assignments[0]?.cause?.traceparent ?? '', /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  assert.equal((await fleet.evidence('p1')).health, 'Healthy');
});

test('steady state writes nothing: not to the record, not to the bus', async () => {
  await using fleet = await Fleet.start(threeStages);
  await fleet.connectAll();
  await fleet.release();
  await fleet.tick(12);
  const before = await counts(fleet);
  await fleet.tick(20);
  assert.deepEqual(await counts(fleet), before);
});

const counts = async (fleet: Fleet): Promise<number[]> => {
  const { count } = await fleet.store.read
    .selectFrom('audit')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  const reports = await fleet.store.read.selectFrom('reports').selectAll().execute();
  const refusals = await fleet.refusals();
  return [count, fleet.bus.writes, refusals.length, ...reports.map((row) => row.received_at)];
};

test('what never becomes healthy stops the rollout, and is named there and in the environment behind it', async () => {
  await using fleet = await Fleet.start({ environments: { dev: ['d1', 'd2', 'd3'], prod: ['p1'] } });
  fleet.spoke('d1').fares = () => degraded;
  await fleet.connectAll();
  await fleet.release();
  await fleet.tick(20);
  const rollout = await fleet.store.read.selectFrom('rollouts').selectAll().executeTakeFirstOrThrow();
  assert.equal(rollout.reason, 'ClustersDegraded');
  assert.match(rollout.message, /d1 \(Unschedulable: apps\/Deployment\/web\/web/);
  assert.equal(fleet.desiredOf(fleet.spoke('d2').uid), undefined);
  assert.equal((await fleet.target('prod')).waiting_reason, 'PredecessorNotThere');

  fleet.spoke('d1').fares = () => ({ health: Health.HEALTH_HEALTHY });
  await fleet.tick(12);
  assert.deepEqual(await fleet.rollouts('dev'), ['Release Succeeded AllHealthy']);
  assert.deepEqual(await fleet.rollouts('prod'), ['Release Succeeded AllHealthy']);
});

test('a newer release repairs a broken one although the limit is used up by it', async () => {
  await using fleet = await Fleet.start({ environments: { dev: ['d1', 'd2'] } });
  const { digest: broken } = await fleet.release();
  for (const spoke of fleet.spokes.values())
    spoke.fares = ({ indexDigest }) => (indexDigest === broken ? degraded : { health: Health.HEALTH_HEALTHY });
  await fleet.connectAll();
  await fleet.tick(6);
  assert.deepEqual(await fleet.rollouts('dev'), ['Release Progressing ClustersDegraded']);
  await fleet.release();
  await fleet.tick(8);
  assert.deepEqual(await fleet.rollouts('dev'), ['Release Superseded Superseded', 'Release Succeeded AllHealthy']);
});

test('a carried cluster gets its turn however many wait before it', async () => {
  await using fleet = await Fleet.start({ environments: { dev: ['d1', 'd2', 'd3'] } });
  const { digest: broken } = await fleet.release('one');
  for (const spoke of [fleet.spoke('d1'), fleet.spoke('d2')]) await spoke.connect();
  await fleet.tick(4);
  // d3 comes last and alone, with a release that breaks it; then both others wait before it.
  fleet.spoke('d3').fares = ({ indexDigest }) => (indexDigest === broken ? degraded : { health: Health.HEALTH_HEALTHY });
  await fleet.spoke('d3').connect();
  await fleet.tick(6);
  assert.deepEqual(await fleet.rollouts('dev'), ['Release Progressing ClustersDegraded']);
  await fleet.release('two');
  await fleet.tick(10);
  assert.equal((await fleet.rollouts('dev')).at(-1), 'Release Succeeded AllHealthy');
});

test('what a superseded rollout has broken counts on, also while it is silent', async () => {
  await using fleet = await Fleet.start({ environments: { dev: ['d1', 'd2', 'd3', 'd4', 'd5', 'd6'] } });
  fleet.spoke('d1').fares = () => degraded;
  await fleet.connectAll();
  const first = await fleet.release();
  await fleet.tick(4);
  fleet.spoke('d1').observing = false;
  await fleet.tick(2);
  await fleet.release();
  await fleet.tick(6);
  assert.deepEqual(await fleet.rollouts('dev'), ['Release Superseded Superseded', 'Release Progressing ClustersUnreachable']);
  for (const name of ['d2', 'd3', 'd4', 'd5', 'd6']) assert.equal(fleet.desiredOf(fleet.spoke(name).uid), undefined, name);
  assert.equal(fleet.desiredOf(fleet.spoke('d1').uid)?.desired.assignments[0]?.indexDigest, first.digest);
  fleet.spoke('d1').observing = true;
  fleet.spoke('d1').fares = () => ({ health: Health.HEALTH_HEALTHY });
  await fleet.tick(20);
  assert.equal((await fleet.rollouts('dev'))[1], 'Release Succeeded AllHealthy');
});

test('a cluster that breaks after it has succeeded brakes the rest', async () => {
  await using fleet = await Fleet.start({ environments: { dev: ['d1', 'd2', 'd3'] } });
  fleet.spoke('d2').fares = () => ({ health: Health.HEALTH_PROGRESSING });
  await fleet.connectAll();
  await fleet.release();
  await fleet.tick(5);
  fleet.spoke('d1').fares = () => degraded;
  await fleet.tick(2);
  fleet.spoke('d2').fares = () => ({ health: Health.HEALTH_HEALTHY });
  await fleet.tick(4);
  assert.deepEqual(await fleet.rollouts('dev'), ['Release Progressing ClustersDegraded']);
  assert.equal(fleet.desiredOf(fleet.spoke('d3').uid), undefined);
  fleet.spoke('d1').fares = () => ({ health: Health.HEALTH_HEALTHY });
  await fleet.tick(6);
  assert.deepEqual(await fleet.rollouts('dev'), ['Release Succeeded AllHealthy']);
});

test('a release that changes nothing in an environment touches nothing and proves nothing', async () => {
  await using fleet = await Fleet.start({ environments: { dev: ['d1'], prod: ['p1'] } });
  await fleet.connectAll();
  const first = await fleet.release('same');
  await fleet.tick(8);
  const writes = fleet.bus.writes;
  await fleet.release('same');
  await fleet.tick(8);
  assert.deepEqual(await fleet.rollouts('dev'), ['Release Succeeded AllHealthy', 'Release Succeeded AllUnchanged']);
  assert.equal(fleet.bus.writes, writes);
  const prod = await fleet.target('prod');
  assert.deepEqual([prod.current_release_id, prod.waiting_reason], [first.id, 'NotExercised']);
});

test('an environment of no clusters succeeds without proving anything', async () => {
  await using fleet = await Fleet.start({ environments: { dev: [], prod: ['p1'] } });
  await fleet.connectAll();
  await fleet.release();
  await fleet.tick(6);
  assert.deepEqual(await fleet.rollouts('dev'), ['Release Succeeded NoClusters']);
  assert.equal((await fleet.target('dev')).waiting_reason, 'NothingSelected');
  const prod = await fleet.target('prod');
  assert.deepEqual([prod.waiting_reason, await fleet.rollouts('prod')], ['PredecessorHasNoClusters', []]);
  assert.match(prod.waiting_message, /dev/);
});

test('a cluster that enrols later is what its environment waited for', async () => {
  await using fleet = await Fleet.start({ environments: { dev: ['d1'] } });
  const row = await fleet.cluster('d1');
  await fleet.write([put('clusters', { ...row, state: 'Declared', uid: null })]);
  await fleet.release();
  await fleet.tick(3);
  assert.deepEqual([(await fleet.target('dev')).waiting_reason, await fleet.rollouts('dev')], ['NotEnrolled', []]);
  await fleet.write([put('clusters', row)]);
  await fleet.connectAll();
  await fleet.tick(5);
  assert.deepEqual(await fleet.rollouts('dev'), ['Release Succeeded AllHealthy']);
  assert.equal((await fleet.target('dev')).waiting_reason, '');
});

test('an environment that was healthy once has to be healthy now', async () => {
  await using fleet = await Fleet.start({ environments: { dev: ['d1'], prod: ['p1'] } });
  const p1 = await fleet.cluster('p1');
  await fleet.write([put('clusters', { ...p1, state: 'Declared', uid: null })]);
  await fleet.connectAll();
  await fleet.release();
  await fleet.tick(6);
  assert.deepEqual([(await fleet.target('prod')).waiting_reason, await fleet.rollouts('prod')], ['NotEnrolled', []]);
  fleet.spoke('d1').fares = () => degraded;
  await fleet.tick(2);
  await fleet.write([put('clusters', p1)]);
  await fleet.spoke('p1').connect();
  await fleet.tick(2);
  const { waiting_reason, waiting_message } = await fleet.target('prod');
  assert.deepEqual([waiting_reason, waiting_message], ['PredecessorNotHealthy', 'environment dev is not healthy now: d1 (Unschedulable)']);
  fleet.spoke('d1').fares = () => ({ health: Health.HEALTH_HEALTHY });
  await fleet.tick(5);
  assert.deepEqual(await fleet.rollouts('prod'), ['Release Succeeded AllHealthy']);
});

test('a rollout that changed nobody does not take back what the environment has proved', async () => {
  await using fleet = await Fleet.start({ environments: { dev: ['d1'] } });
  await fleet.connectAll();
  await fleet.release();
  await fleet.tick(6);
  const target = `target:${(await fleet.target('dev')).id}`;
  const joining = { ...clusterRow(9_001, 'd2', 'dev', 0), uid: 'cjoining' };
  await fleet.write([put('clusters', joining)], [target]);
  await fleet.tick(2);
  await fleet.write([put('clusters', { ...joining, labels: '{}' })], [target]);
  await fleet.tick(2);
  await fleet.restartHub();
  await fleet.connectAll();
  await fleet.tick(3);
  assert.deepEqual(await fleet.rollouts('dev'), ['Release Succeeded AllHealthy', 'Join Succeeded AllUnchanged']);
  assert.equal((await fleet.target('dev')).exercised, 1);
});

test('a predecessor that the app does not target is skipped', async () => {
  await using fleet = await Fleet.start({ ...threeStages, targets: ['dev', 'prod'] });
  await fleet.connectAll();
  await fleet.release();
  await fleet.tick(10);
  assert.deepEqual(await fleet.rollouts('prod'), ['Release Succeeded AllHealthy']);
});

test('a manual environment waits, and takes what a person promotes', async () => {
  await using fleet = await Fleet.start({ environments: { dev: ['d1'], prod: ['p1'] }, promotion: { prod: { mode: 'Manual' } } });
  await fleet.connectAll();
  const { id } = await fleet.release();
  const prod = await fleet.target('prod');
  const early = await fleet.promotion.promote(prod.id, id, { actor: 'user:ann', reason: 'hurry' });
  assert.deepEqual([early.rollout, early.wait.reason], [null, 'PredecessorHasNoClusters']);
  await fleet.tick(8);
  assert.equal((await fleet.target('prod')).waiting_reason, 'ManualPromotion');
  const promoted = await fleet.promotion.promote(prod.id, id, { actor: 'user:ann', reason: 'tested' });
  assert.equal(promoted.wait.reason, '');
  await fleet.tick(6);
  assert.deepEqual(await fleet.rollouts('prod'), ['Release Succeeded AllHealthy']);
  const entry = await fleet.store.read
    .selectFrom('audit')
    .selectAll()
    .where('actor', '=', 'user:ann')
    .where('action', '=', 'start.rollout')
    .execute();
  assert.equal(entry[0]?.reason, 'tested');
});

test('changed inputs are a rollout of the same release; nothing reaches a cluster by the side door', async () => {
  await using fleet = await Fleet.start({ environments: { dev: ['d1', 'd2'] } });
  await fleet.connectAll();
  await fleet.release();
  await fleet.tick(8);
  const row = await fleet.cluster('d1');
  await fleet.write([put('clusters', { ...row, parameters: '{"size":"large"}' })], [`target:${(await fleet.target('dev')).id}`]);
  const untouched = fleet.bus.values.get(fleet.spoke('d2').uid)?.sequence;
  await fleet.tick(6);
  assert.deepEqual(await fleet.rollouts('dev'), ['Release Succeeded AllHealthy', 'Inputs Succeeded AllHealthy']);
  assert.equal(fleet.bus.values.get(fleet.spoke('d2').uid)?.sequence, untouched);
  assert.match(String(fleet.desiredOf(fleet.spoke('d1').uid)?.desired.assignments[0]?.inputs), /large/);
  assert.equal((await fleet.target('dev')).exercised, 1);
});

test('a cluster that joins gets the current release by a rollout; one that leaves keeps what it runs', async () => {
  await using fleet = await Fleet.start({ environments: { dev: ['d1'] } });
  await fleet.connectAll();
  await fleet.release();
  await fleet.tick(6);
  const target = `target:${(await fleet.target('dev')).id}`;
  await fleet.write([put('clusters', { ...clusterRow(9_001, 'd2', 'dev', 0), uid: 'cjoining' })], [target]);
  const d2 = new FakeSpoke(fleet, 'cjoining', 'kube-d2');
  fleet.spokes.set('d2', d2);
  await d2.connect();
  await fleet.tick(5);
  assert.deepEqual(await fleet.rollouts('dev'), ['Release Succeeded AllHealthy', 'Join Succeeded AllHealthy']);

  await fleet.write([put('clusters', { ...(await fleet.cluster('d1')), labels: '{"stage":"none"}' })], [target]);
  await fleet.release();
  await fleet.tick(6);
  const held = await fleet.store.read
    .selectFrom('placements')
    .innerJoin('clusters', 'clusters.id', 'placements.cluster_id')
    .select(['placements.state', 'placements.hold_reason'])
    .where('clusters.name', '=', 'd1')
    .executeTakeFirstOrThrow();
  assert.deepEqual(held, { state: 'Held', hold_reason: 'NotSelected' });
  const [d1, joined] = [fleet.desiredOf(fleet.spoke('d1').uid)?.desired, fleet.desiredOf('cjoining')?.desired];
  assert.equal(d1?.assignments[0]?.indexDigest, digestOf('index 1'));
  assert.equal(joined?.assignments[0]?.indexDigest, digestOf('index 2'));
});

test('a relabelled cluster moves to the other environment with its placement', async () => {
  await using fleet = await Fleet.start({ environments: { dev: ['d1', 'd2'], prod: ['p1'] } });
  await fleet.connectAll();
  await fleet.release();
  await fleet.tick(12);
  const before = fleet.desiredOf(fleet.spoke('d2').uid)?.desired.assignments[0];
  const relabelled = put('clusters', { ...(await fleet.cluster('d2')), labels: '{"stage":"prod"}' });
  await fleet.write([relabelled], [`target:${(await fleet.target('prod')).id}`]);
  await fleet.outbox.idle();
  assert.equal((await fleet.target('prod')).waiting_reason, 'ClusterSelectedTwice');
  await fleet.write([], [`target:${(await fleet.target('dev')).id}`]);
  await fleet.outbox.idle();
  assert.equal((await fleet.target('prod')).waiting_reason, '');
  await fleet.tick(8);
  const after = fleet.desiredOf(fleet.spoke('d2').uid)?.desired.assignments;
  assert.equal(after?.length, 1);
  assert.deepEqual([after?.[0]?.uid, after?.[0]?.environment], [before?.uid, 'prod']);
  assert.equal((await fleet.target('prod')).waiting_reason, '');
});

test('an API server that stops is Unknown within three beats although the beats go on', async () => {
  await using fleet = await Fleet.start({ environments: { dev: ['d1'] } });
  await fleet.connectAll();
  await fleet.release();
  await fleet.tick(6);
  fleet.spoke('d1').observing = false;
  await fleet.tick(3);
  const evidence = await fleet.evidence('d1');
  assert.deepEqual([evidence.health, evidence.reason, evidence.vouched], ['Unknown', 'ClusterApiSilent', false]);
  fleet.spoke('d1').observing = true;
  await fleet.tick(1);
  assert.equal((await fleet.evidence('d1')).health, 'Healthy');
});

test('a hub that restarts in the middle fails nobody, starts nobody blindly, and goes on', async () => {
  await using fleet = await Fleet.start({ environments: { dev: ['d1', 'd2', 'd3'], prod: ['p1'] } });
  await fleet.connectAll();
  await fleet.release();
  await fleet.tick(2);
  await fleet.restartHub();
  await fleet.outbox.idle();
  assert.equal((await fleet.evidence('d1')).health, 'Unknown');
  const states = await fleet.store.read.selectFrom('rollout_clusters').select('state').distinct().execute();
  assert.ok(states.every(({ state }) => state !== 'Degraded' && state !== 'Unreachable'));
  const [rollout] = await fleet.rollouts('dev');
  assert.equal(rollout, 'Release Progressing Settling');
  await fleet.connectAll();
  await fleet.tick(12);
  assert.deepEqual(await fleet.rollouts('dev'), ['Release Succeeded AllHealthy']);
  assert.deepEqual(await fleet.rollouts('prod'), ['Release Succeeded AllHealthy']);
  const warnings = await fleet.store.read.selectFrom('rollout_events').select('reason').where('type', '=', 'Warning').execute();
  assert.deepEqual(warnings, []);
});

test('a cluster that goes silent after its start holds the rollout, which names it, and goes on when it is back', async () => {
  await using fleet = await Fleet.start({ environments: { dev: ['d1', 'd2', 'd3', 'd4', 'd5', 'd6'] } });
  fleet.spoke('d1').fares = () => ({ health: Health.HEALTH_PROGRESSING });
  await fleet.connectAll();
  await fleet.release();
  await fleet.tick(3);
  fleet.spoke('d1').disconnect();
  await fleet.tick(8);
  const rollout = await fleet.store.read.selectFrom('rollouts').selectAll().executeTakeFirstOrThrow();
  assert.equal(rollout.reason, 'ClustersUnreachable');
  assert.match(rollout.message, /policy: wait: d1 \(NotConnected/);
  fleet.spoke('d1').fares = () => ({ health: Health.HEALTH_HEALTHY });
  await fleet.spoke('d1').connect();
  await fleet.tick(16);
  assert.deepEqual(await fleet.rollouts('dev'), ['Release Succeeded AllHealthy']);
});

test('a cluster that was never heard is passed over, not started, and named in the end', async () => {
  await using fleet = await Fleet.start({ environments: { dev: ['d1', 'd2'] } });
  await fleet.spoke('d2').connect();
  await fleet.release();
  await fleet.tick(6);
  const rollout = await fleet.store.read.selectFrom('rollouts').selectAll().executeTakeFirstOrThrow();
  assert.deepEqual([rollout.state, rollout.reason], ['Progressing', 'ClustersUnreachable']);
  assert.match(rollout.message, /not heard from.*d1/);
  assert.equal(fleet.desiredOf(fleet.spoke('d1').uid), undefined);
  await fleet.spoke('d1').connect();
  await fleet.tick(5);
  assert.deepEqual(await fleet.rollouts('dev'), ['Release Succeeded AllHealthy']);
});

/** What this hub would have given to a cluster at a generation that its record has not. */
const stateAt = (fleet: Fleet, clusterUid: string, generation: number, fleetId = 'tfleet'): { envelope: Uint8Array; fence: Fence } => {
  const state = { fleetId, clusterUid, epoch: 1, generation, ancestors: [], keysetVersion: 1, requires: [], assignments: [] };
  const payload = encodeDesired(state);
  return { envelope: fleet.signer.seal(payload), fence: { epoch: 1, generation, hash: Buffer.from(sha256(payload)) } };
};

test('a spoke that shows a state of this hub above the record stops the fleet: nothing is published any more', async () => {
  await using fleet = await Fleet.start({ environments: { dev: ['d1', 'd2'] } });
  Object.assign(fleet.spoke('d1'), stateAt(fleet, fleet.spoke('d1').uid, 50));
  await fleet.connectAll();
  await fleet.release();
  await fleet.tick(4);
  assert.equal(fleet.bus.writes, 0);
  assert.equal((await fleet.target('dev')).waiting_reason, 'RecordBehind');
  assert.deepEqual(await fleet.refusals(), ['RecordBehind']);
});

const stranger = signerOf(generateKey(seededRandom(99)));
const unproven: readonly (readonly [string, (fleet: Fleet, uid: string) => Uint8Array | undefined])[] = [
  ['nothing', () => undefined],
  ["another cluster's state", (fleet) => stateAt(fleet, fleet.spoke('d2').uid, 50).envelope],
  ['a state that somebody else signed', (fleet, uid) => stranger.seal(Envelope.decode(stateAt(fleet, uid, 50).envelope).payload)],
  ['a state of another fleet', (fleet, uid) => stateAt(fleet, uid, 50, 'tother').envelope],
  ['signed bytes that are no state', (fleet) => fleet.signer.seal(Buffer.from('{}'))],
];
for (const [shown, envelopeOf] of unproven)
  test(`a spoke that claims to be above the record and shows ${shown} is the suspect itself, and the fleet goes on`, async () => {
    await using fleet = await Fleet.start({ environments: { dev: ['d1', 'd2'] } });
    const liar = fleet.spoke('d1');
    liar.deaf = true;
    liar.fence = { epoch: 1, generation: 50, hash: Buffer.alloc(32, 1) };
    liar.envelope = envelopeOf(fleet, liar.uid);
    await fleet.connectAll();
    await fleet.release();
    await fleet.tick(8);
    assert.equal(fleet.health.recordBehind, undefined);
    assert.deepEqual(await fleet.refusals(), ['FenceUnproven']);
    assert.deepEqual([(await fleet.evidence('d1')).health, (await fleet.evidence('d1')).reason], ['Unknown', 'FenceUnproven']);
    assert.equal((await fleet.evidence('d2')).health, 'Healthy');
  });

test('NATS lost everything: the bus is made to hold what the record holds, byte for byte', async () => {
  await using fleet = await Fleet.start({ environments: { dev: ['d1', 'd2'] } });
  await fleet.connectAll();
  await fleet.release();
  await fleet.tick(8);
  const held = new Map(fleet.bus.values);
  fleet.bus.values.clear();
  await fleet.dispatch.verify(AbortSignal.timeout(120_000));
  assert.deepEqual(
    [...fleet.bus.values].map(([uid, { bytes }]) => [uid, Buffer.compare(bytes, held.get(uid)?.bytes ?? Buffer.alloc(0))]),
    [...held.keys()].map((uid) => [uid, 0]),
  );
});

test('NATS forgets a state that a spoke has not read: the beats show it, and it is published again', async () => {
  await using fleet = await Fleet.start({ environments: { dev: ['d1'] } });
  await fleet.connectAll();
  await fleet.release();
  await fleet.outbox.idle();
  fleet.bus.values.clear();
  await fleet.tick(1);
  assert.equal(fleet.spoke('d1').fence, undefined);
  await fleet.tick(6);
  assert.deepEqual(await fleet.rollouts('dev'), ['Release Succeeded AllHealthy']);
  assert.equal(fleet.bus.writes, 2);
});

test('a spoke that was given a state of another cluster gets its own again, and the refusal is in the record', async () => {
  await using fleet = await Fleet.start({ environments: { dev: ['d1', 'd2'] } });
  await fleet.connectAll();
  await fleet.release();
  await fleet.tick(8);
  const [d1, d2] = [fleet.spoke('d1'), fleet.spoke('d2')];
  const [own, other] = [fleet.bus.values.get(d1.uid), fleet.bus.values.get(d2.uid)];
  assert.ok(own && other);
  fleet.bus.values.set(d1.uid, { ...own, bytes: other.bytes });
  await d1.send({ $case: 'refusal', value: { outcome: 'NotMine', message: 'of another cluster', seen: undefined } });
  await fleet.outbox.idle();
  assert.deepEqual(Buffer.from(fleet.bus.values.get(d1.uid)?.bytes ?? []), Buffer.from(own.bytes));
  assert.deepEqual([await fleet.refusals(), fleet.health.recordBehind], [['NotMine'], undefined]);
});

test('a cluster that goes back and forth for weeks leaves a bounded trail', async () => {
  await using fleet = await Fleet.start({ environments: { dev: ['d1', 'd2'] } });
  fleet.spoke('d1').fares = () => degraded;
  await fleet.connectAll();
  await fleet.release();
  await fleet.tick(4);
  const { id } = await fleet.store.read.selectFrom('rollouts').select('id').executeTakeFirstOrThrow();
  const trail = Array.from({ length: 2_300 }, (_, i) =>
    put('rollout_events', { id: 1_000_000 + i, rollout_id: id, at: i, type: 'Warning', reason: 'ClusterDegraded', message: 'again' }),
  );
  await fleet.write(trail);
  fleet.spoke('d1').fares = () => ({ health: Health.HEALTH_HEALTHY });
  await fleet.tick(8);
  const events = await fleet.store.read.selectFrom('rollout_events').select('id').execute();
  assert.ok(events.length <= 2_010, `${events.length} events`);
  assert.deepEqual(await fleet.rollouts('dev'), ['Release Succeeded AllHealthy']);
});

test('a release that proved itself is promoted, however many came after it that are not for these environments', async () => {
  await using fleet = await Fleet.start({ environments: { dev: ['d1'], prod: ['p1'] } });
  const { id } = await fleet.release();
  const release = await fleet.store.read.selectFrom('releases').selectAll().executeTakeFirstOrThrow();
  const later = Array.from({ length: 120 }, (_, i) =>
    put('releases', { ...release, id: 1_000_000 + i, uid: `later${i}`, digest: digestOf(`later ${i}`), alias: `later${i}` }),
  );
  await fleet.write(later);
  await fleet.connectAll();
  await fleet.tick(12);
  for (const environment of ['dev', 'prod']) assert.equal((await fleet.target(environment)).current_release_id, id, environment);
});

test('who waits for an environment whose clusters have not enrolled is told which', async () => {
  await using fleet = await Fleet.start({ environments: { dev: ['d1'], prod: ['p1'] } });
  await fleet.write([put('clusters', { ...(await fleet.cluster('d1')), uid: null, state: 'Declared' })]);
  await fleet.spoke('p1').connect();
  await fleet.release();
  await fleet.tick(6);
  const prod = await fleet.target('prod');
  assert.deepEqual(
    [prod.waiting_reason, prod.waiting_message],
    ['PredecessorNotEnrolled', 'environment dev has no clusters yet; selected, but not enrolled: d1'],
  );
});

test('from A to B and back: what was said of A before proves nothing, until the spoke has accepted the way back', async () => {
  await using fleet = await Fleet.start({ environments: { dev: ['d1'] } });
  await fleet.connectAll();
  await fleet.release('a');
  await fleet.tick(4);
  assert.equal((await fleet.evidence('d1')).health, 'Healthy');
  const spoke = fleet.spoke('d1');
  const a = (await fleet.evidence('d1')).revisionApplied;

  spoke.deaf = true;
  await fleet.release('b');
  await fleet.tick(3);
  assert.equal((await fleet.evidence('d1')).reason, 'NotReceived');
  await fleet.release('a');
  await fleet.tick(3);
  // It runs A, is healthy and beats. But B is on its way to it, and it may be about to take it up.
  const { health, reason, revisionApplied, vouched } = await fleet.evidence('d1');
  assert.deepEqual([health, reason, revisionApplied, vouched], ['Progressing', 'NotReceived', a, true]);
  assert.equal((await fleet.rollouts('dev')).at(-1), 'Release Progressing Progressing');

  spoke.deaf = false;
  await fleet.tick(3);
  assert.equal((await fleet.evidence('d1')).health, 'Healthy');
  assert.equal((await fleet.rollouts('dev')).at(-1), 'Release Succeeded AllHealthy');
});

test('from A to B and back while the bus is away: the way back has to arrive first', async () => {
  await using fleet = await Fleet.start({ environments: { dev: ['d1'] } });
  await fleet.connectAll();
  await fleet.release('a');
  await fleet.tick(4);
  const { generation } = await fleet.store.read.selectFrom('dispatched').selectAll().executeTakeFirstOrThrow();
  await fleet.setBusDown(true);
  await fleet.release('b');
  await fleet.tick(2);
  assert.deepEqual([(await fleet.evidence('d1')).health, (await fleet.evidence('d1')).reason], ['Progressing', 'NotPublished']);
  await fleet.release('a');
  await fleet.tick(2);
  assert.equal((await fleet.evidence('d1')).health, 'Progressing');
  await fleet.setBusDown(false);
  await fleet.tick(4);
  assert.equal((await fleet.evidence('d1')).health, 'Healthy');
  const now = await fleet.store.read.selectFrom('dispatched').selectAll().executeTakeFirstOrThrow();
  assert.equal(now.generation, generation + 2);
});
