import assert from 'node:assert/strict';
import test from 'node:test';
import { AssignmentMode, Health } from '#proto/mod.ts';
import type { Subject } from '#hub/holds/mod.ts';
import { beatMs, Fleet, type FleetOptions } from './fleet.fixture.ts';

// Freezing and suspending in a whole hub below its transports: releases, rollouts, dispatch and reports together, in virtual time.

const cluster = (name: string): Subject => ({ scope: 'Cluster', name });
const environment = (name: string): Subject => ({ scope: 'Environment', tenant: 'acme', name });
const web: Subject = { scope: 'App', tenant: 'acme', name: 'web' };
const placed = (name: string): Subject => ({ scope: 'Placement', tenant: 'acme', name: `${name}.web.web` });
const rolloutNamed = (name: string): Subject => ({ scope: 'Rollout', tenant: 'acme', name });

const assignment = (fleet: Fleet, name: string) => fleet.desiredOf(fleet.spoke(name).uid)?.desired.assignments[0];
const runs = (fleet: Fleet, name: string): string | undefined => assignment(fleet, name)?.indexDigest;
const isSuspended = (fleet: Fleet, name: string): boolean => assignment(fleet, name)?.mode === AssignmentMode.ASSIGNMENT_MODE_SUSPENDED;

const newest = async (fleet: Fleet, name: string) => {
  const { id } = await fleet.target(name);
  return fleet.store.read.selectFrom('rollouts').selectAll().where('target_id', '=', id).orderBy('id', 'desc').executeTakeFirstOrThrow();
};

/** cluster:state of the rows of an environment's newest rollout. */
async function rowsOf(fleet: Fleet, name: string): Promise<string> {
  const { id } = await newest(fleet, name);
  const rows = await fleet.store.read
    .selectFrom('rollout_clusters as rc')
    .innerJoin('clusters as c', 'c.id', 'rc.cluster_id')
    .select(['c.name', 'rc.state'])
    .where('rc.rollout_id', '=', id)
    .orderBy('c.name')
    .execute();
  return rows.map((row) => `${row.name}:${row.state}`).join(' ');
}

async function auditsOf(fleet: Fleet): Promise<string[]> {
  const rows = await fleet.store.read.selectFrom('audit').selectAll().orderBy('id').execute();
  return rows
    .filter(({ action }) => /freeze|suspend|resume/.test(action))
    .map((row) => `${row.actor} ${row.action} ${row.subject}: ${row.reason}`);
}

/** A fleet that has its first release everywhere. */
async function settled(options: FleetOptions): Promise<Fleet> {
  const fleet = await Fleet.start(options);
  await fleet.connectAll();
  await fleet.release();
  await fleet.tick(16);
  return fleet;
}

const progressing = () => ({ health: Health.HEALTH_PROGRESSING });
const healthy = () => ({ health: Health.HEALTH_HEALTHY });

test('a frozen cluster is left out for weeks, holds nobody up, and joins what is current when it is unfrozen', async () => {
  await using fleet = await settled({ environments: { dev: ['d1', 'd2', 'd3'], prod: ['p1'] } });
  const first = runs(fleet, 'd2');
  await fleet.hold(cluster('d2'));
  for (let releases = 0; releases < 2; releases++) {
    const { digest } = await fleet.release();
    await fleet.tick(14);
    assert.equal(await rowsOf(fleet, 'dev'), 'd1:Succeeded d2:Skipped d3:Succeeded');
    assert.deepEqual(
      ['d1', 'd2', 'd3', 'p1'].map((name) => runs(fleet, name)),
      [digest, first, digest, digest],
    );
  }
  assert.match((await newest(fleet, 'dev')).message, /^2 clusters healthy, 0 unchanged, 1 left out/);
  // Nothing is begun for its sake again and again.
  const writes = fleet.bus.writes;
  await fleet.tick(10);
  assert.deepEqual([fleet.bus.writes, (await fleet.rollouts('dev')).length], [writes, 3]);

  await fleet.unhold(cluster('d2'));
  await fleet.tick(6);
  assert.equal((await fleet.rollouts('dev')).at(-1), 'Join Succeeded AllHealthy');
  assert.equal(await rowsOf(fleet, 'dev'), 'd1:Unchanged d2:Succeeded d3:Unchanged');
  assert.equal(runs(fleet, 'd2'), runs(fleet, 'd1'));
  assert.deepEqual(await auditsOf(fleet), ['user:ada freeze.cluster Cluster/d2: the fair', 'user:ada unfreeze.cluster Cluster/d2: over']);
  assert.deepEqual(fleet.errors, []);
});

test('unfrozen while the rollout still runs, a cluster has its turn in it', async () => {
  await using fleet = await settled({ environments: { dev: ['d1', 'd2'] } });
  await fleet.hold(cluster('d2'));
  fleet.spoke('d1').fares = progressing;
  await fleet.release();
  await fleet.tick(4);
  assert.equal(await rowsOf(fleet, 'dev'), 'd1:Started d2:Skipped');
  assert.match((await newest(fleet, 'dev')).message, /left out: 1/);
  await fleet.unhold(cluster('d2'));
  await fleet.tick(2);
  assert.equal(await rowsOf(fleet, 'dev'), 'd1:Started d2:Waiting');
  fleet.spoke('d1').fares = healthy;
  await fleet.tick(6);
  assert.equal(await rowsOf(fleet, 'dev'), 'd1:Succeeded d2:Succeeded');
  assert.equal((await fleet.rollouts('dev')).length, 2);
});

test('a cluster that was started stays in its rollout and counts, frozen or not', async () => {
  await using fleet = await settled({ environments: { dev: ['d1', 'd2'] } });
  fleet.spoke('d1').fares = progressing;
  const { digest } = await fleet.release();
  await fleet.tick(3);
  await fleet.hold(cluster('d1'));
  await fleet.tick(3);
  assert.equal(await rowsOf(fleet, 'dev'), 'd1:Started d2:Waiting');
  fleet.spoke('d1').fares = healthy;
  await fleet.tick(6);
  assert.equal(await rowsOf(fleet, 'dev'), 'd1:Succeeded d2:Succeeded');
  assert.equal(runs(fleet, 'd1'), digest);
});

test('where all are frozen a release proves nothing; unfrozen, it proves itself and goes on', async () => {
  // Nor where an unexercised environment would do: it is not exercised because somebody stopped it.
  await using fleet = await settled({ environments: { dev: ['d1'], prod: ['p1'] }, promotion: { prod: { allowUnexercised: true } } });
  const first = runs(fleet, 'p1');
  await fleet.hold(cluster('d1'));
  const { digest } = await fleet.release();
  await fleet.tick(10);
  assert.deepEqual([(await fleet.rollouts('dev')).at(-1), (await fleet.target('dev')).exercised], ['Release Succeeded AllSkipped', 0]);
  assert.equal((await fleet.target('prod')).waiting_reason, 'PredecessorLeftOut');
  assert.equal(runs(fleet, 'p1'), first);
  await fleet.unhold(cluster('d1'));
  await fleet.tick(12);
  assert.deepEqual([runs(fleet, 'd1'), runs(fleet, 'p1')], [digest, digest]);
  assert.equal((await fleet.target('dev')).exercised, 1);
});

test('a frozen cluster at another content says nothing of the release, be it well or not', async () => {
  await using fleet = await settled({ environments: { dev: ['d1', 'd2'], prod: ['p1'] } });
  await fleet.hold(cluster('d2'));
  fleet.spoke('d2').fares = () => ({ health: Health.HEALTH_DEGRADED, reason: 'Crash', message: '' });
  const { digest } = await fleet.release();
  await fleet.tick(14);
  assert.equal(runs(fleet, 'p1'), digest);
});

test('a frozen cluster that has the content of the release speaks for it, and against it', async () => {
  await using fleet = await settled({ environments: { dev: ['d1', 'd2'], prod: ['p1'] }, promotion: { prod: { mode: 'Manual' } } });
  await fleet.release();
  await fleet.tick(8);
  await fleet.hold(cluster('d1'));
  assert.equal((await fleet.target('prod')).waiting_reason, 'ManualPromotion');
  fleet.spoke('d1').fares = () => ({ health: Health.HEALTH_DEGRADED, reason: 'Crash', message: '' });
  await fleet.tick(3);
  assert.equal((await fleet.target('prod')).waiting_reason, 'PredecessorNotHealthy');
});

test('a frozen cluster that is not heard from holds nobody up either', async () => {
  await using fleet = await settled({ environments: { dev: ['d1', 'd2'] } });
  await fleet.hold(cluster('d1'));
  fleet.spoke('d1').disconnect();
  await fleet.tick(5);
  await fleet.release();
  await fleet.tick(10);
  assert.equal((await fleet.rollouts('dev')).at(-1), 'Release Succeeded AllHealthy');
  assert.equal(await rowsOf(fleet, 'dev'), 'd1:Skipped d2:Succeeded');
});

test('a frozen environment starts no further cluster and begins nothing; what it waits for says who, why and until when', async () => {
  await using fleet = await settled({ environments: { dev: ['d1', 'd2', 'd3'] } });
  fleet.spoke('d1').fares = progressing;
  const { digest } = await fleet.release();
  await fleet.tick(3);
  await fleet.hold(environment('dev'), 3_600_000);
  fleet.spoke('d1').fares = healthy;
  await fleet.tick(6);
  assert.equal(await rowsOf(fleet, 'dev'), 'd1:Succeeded d2:Waiting d3:Waiting');
  const { state, reason, message } = await newest(fleet, 'dev');
  assert.deepEqual([state, reason], ['Progressing', 'EnvironmentFrozen']);
  assert.match(message, /^environment dev is frozen by user:ada since \S+Z: "the fair" \(until \S+Z\)$/);

  await fleet.release();
  await fleet.tick(4);
  assert.equal((await fleet.rollouts('dev')).length, 2, 'nothing newer begins either');
  assert.equal((await fleet.target('dev')).waiting_reason, 'EnvironmentFrozen');

  await fleet.unhold(environment('dev'));
  await fleet.tick(14);
  assert.deepEqual((await fleet.rollouts('dev')).slice(1), ['Release Superseded Superseded', 'Release Succeeded AllHealthy']);
  assert.notEqual(runs(fleet, 'd1'), digest);
  assert.equal((await fleet.target('dev')).waiting_reason, '');
});

test('nothing is promoted into a frozen environment or fleet, and by nobody', async () => {
  for (const subject of [environment('prod'), { scope: 'Fleet' } as const]) {
    await using fleet = await settled({ environments: { dev: ['d1'], prod: ['p1'] } });
    const first = runs(fleet, 'p1');
    await fleet.hold(subject);
    const { id } = await fleet.release();
    await fleet.tick(10);
    const promoted = await fleet.promotion.promote((await fleet.target('prod')).id, id, { actor: 'user:bob', reason: 'now' });
    assert.match(promoted.wait.message, /is frozen by user:ada since/);
    assert.deepEqual([promoted.rollout, runs(fleet, 'p1')], [null, first]);
    assert.equal(runs(fleet, 'd1') === first, subject.scope === 'Fleet');
    await fleet.unhold(subject);
    await fleet.tick(12);
    assert.notEqual(runs(fleet, 'p1'), first);
  }
});

test('a suspended rollout stays stopped though newer commits come; only a person goes over it', async () => {
  await using fleet = await settled({ environments: { dev: ['d1', 'd2', 'd3'] } });
  fleet.spoke('d1').fares = progressing;
  await fleet.release();
  await fleet.tick(3);
  const { uid } = await newest(fleet, 'dev');
  await fleet.hold(rolloutNamed(uid));
  fleet.spoke('d1').fares = healthy;
  await fleet.tick(4);
  const { id } = await fleet.release();
  await fleet.tick(4);
  assert.equal(await rowsOf(fleet, 'dev'), 'd1:Succeeded d2:Waiting d3:Waiting');
  const { state, reason, message } = await newest(fleet, 'dev');
  assert.deepEqual([state, reason], ['Paused', 'RolloutSuspended']);
  assert.match(message, /is suspended by user:ada since \S+Z: "the fair"$/);
  assert.equal((await fleet.target('dev')).waiting_reason, 'RolloutSuspended');

  await fleet.promotion.promote((await fleet.target('dev')).id, id, { actor: 'user:bob', reason: 'the repair' });
  await fleet.tick(10);
  assert.deepEqual((await fleet.rollouts('dev')).slice(1), ['Release Superseded Superseded', 'Release Succeeded AllHealthy']);
  assert.deepEqual(await fleet.store.read.selectFrom('holds').selectAll().execute(), []);
});

test('a suspended rollout goes on when it is resumed, or when the time is over, also over a restart of the hub', async () => {
  for (const way of ['resumed', 'expired', 'expired while away'] as const) {
    await using fleet = await settled({ environments: { dev: ['d1', 'd2'] } });
    fleet.spoke('d1').fares = progressing;
    await fleet.release();
    await fleet.tick(3);
    const { uid } = await newest(fleet, 'dev');
    await fleet.hold(rolloutNamed(uid), 10 * beatMs);
    fleet.spoke('d1').fares = healthy;
    await fleet.tick(4);
    assert.equal(await rowsOf(fleet, 'dev'), 'd1:Succeeded d2:Waiting');
    if (way === 'resumed') await fleet.unhold(rolloutNamed(uid));
    if (way === 'expired while away') {
      fleet.holds.stop();
      await fleet.clock.advance(20 * beatMs);
      await fleet.restartHub();
      await fleet.connectAll();
    }
    await fleet.tick(12);
    assert.equal(await rowsOf(fleet, 'dev'), 'd1:Succeeded d2:Succeeded', way);
    const last = (await auditsOf(fleet)).at(-1);
    assert.equal(
      last,
      `${way === 'resumed' ? 'user:ada' : 'system:holds'} resume.rollout Rollout/acme/${uid}: ${way === 'resumed' ? 'over' : 'expired'}`,
    );
  }
});

test('a suspended app is told so at once, frozen or not, is left out of rollouts, and comes after when it is resumed', async () => {
  await using fleet = await settled({ environments: { dev: ['d1', 'd2'], prod: ['p1'] } });
  const first = runs(fleet, 'd1');
  await fleet.hold(cluster('d1'));
  await fleet.hold(placed('d1'));
  await fleet.tick(1);
  assert.deepEqual(
    ['d1', 'd2'].map((name) => isSuspended(fleet, name)),
    [true, false],
  );
  assert.equal((await fleet.evidence('d1')).health, 'Suspended');
  await fleet.unhold(cluster('d1'));
  const { digest } = await fleet.release();
  await fleet.tick(14);
  assert.equal(await rowsOf(fleet, 'dev'), 'd1:Skipped d2:Succeeded');
  assert.deepEqual(
    ['d1', 'd2', 'p1'].map((name) => runs(fleet, name)),
    [first, digest, digest],
  );
  await fleet.unhold(placed('d1'));
  await fleet.tick(8);
  assert.deepEqual([isSuspended(fleet, 'd1'), runs(fleet, 'd1')], [false, digest]);
});

test('an app that is suspended everywhere moves nowhere, also where it comes to later, and proves nothing', async () => {
  await using fleet = await settled({ environments: { dev: ['d1'], prod: ['p1'] } });
  const first = runs(fleet, 'p1');
  await fleet.hold(web);
  await fleet.release();
  await fleet.tick(10);
  assert.deepEqual(
    ['d1', 'p1'].map((name) => [runs(fleet, name), isSuspended(fleet, name)]),
    [
      [first, true],
      [first, true],
    ],
  );
  assert.equal((await fleet.rollouts('dev')).at(-1), 'Release Succeeded AllSkipped');
  await fleet.unhold(web);
  await fleet.tick(16);
  assert.notEqual(runs(fleet, 'p1'), first);
  assert.ok(!isSuspended(fleet, 'p1'));
});

test('suspended after it was started, a cluster is named as what the rollout waits for', async () => {
  await using fleet = await settled({ environments: { dev: ['d1', 'd2'] } });
  fleet.spoke('d1').fares = progressing;
  await fleet.release();
  await fleet.tick(3);
  await fleet.hold(placed('d1'));
  await fleet.tick(3);
  const { reason, message } = await newest(fleet, 'dev');
  assert.equal(reason, 'ClustersSuspended');
  assert.match(message, /^suspended since their start: d1 \(suspended here by user:ada since \S+Z: "the fair"\)$/);
  fleet.spoke('d1').fares = healthy;
  await fleet.unhold(placed('d1'));
  await fleet.tick(8);
  assert.equal(await rowsOf(fleet, 'dev'), 'd1:Succeeded d2:Succeeded');
});

test('suspended after it had proved itself, an environment proves nothing any more', async () => {
  await using fleet = await settled({ environments: { dev: ['d1'], prod: ['p1'] }, promotion: { prod: { mode: 'Manual' } } });
  const { id } = await fleet.release();
  await fleet.tick(8);
  await fleet.hold(placed('d1'));
  await fleet.tick(2);
  assert.equal((await fleet.target('prod')).waiting_reason, 'PredecessorLeftOut');
  const promoted = await fleet.promotion.promote((await fleet.target('prod')).id, id, { actor: 'user:bob', reason: 'now' });
  assert.ok(promoted.rollout !== null, 'a person may take it on themselves');
});
