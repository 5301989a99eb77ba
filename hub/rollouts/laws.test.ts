import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { Evidence } from '#hub/health/mod.ts';
import type { RolloutClusterRow, RolloutRow } from '#hub/store/mod.ts';
import { decide } from './decide.ts';
import { isCarried, recount, type Step, type Subject } from './model.ts';
import { evidence, rollout, row, situation } from './rows.fixture.ts';

// Random schedules against the laws of a rollout. The world is the dumb one: all rows in an array, counted from scratch.

type Fate = 'Healthy' | 'Degraded' | 'Progressing' | 'Unknown';
type Event =
  | { readonly at: 'fate'; readonly cluster: number; readonly fate: Fate }
  | { readonly at: 'settling'; readonly on: boolean }
  | { readonly at: 'paused'; readonly on: boolean }
  | { readonly at: 'behind'; readonly on: boolean }
  | { readonly at: 'held'; readonly on: boolean }
  | { readonly at: 'frozen'; readonly cluster: number; readonly on: boolean }
  /** Unknown everywhere, for a while. */
  | { readonly at: 'restart' }
  | { readonly at: 'look' };

class World {
  rollout: RolloutRow;
  rows: RolloutClusterRow[];
  fates: Fate[];
  wanted: number[];
  frozen: boolean[];
  held = false;
  settling = false;
  behind = false;
  readonly limit: number;

  constructor(clusters: number, limit: number, carried: number) {
    this.limit = limit;
    this.rollout = rollout({ max_concurrent: limit });
    this.rows = Array.from({ length: clusters }, (_, i) => row(i, i < carried ? { started_at: 1 } : {}));
    this.fates = this.rows.map(() => 'Progressing');
    this.wanted = this.rows.map(() => 1);
    this.frozen = this.rows.map(() => false);
  }

  happen(event: Event): void {
    if (event.at === 'fate') this.fates[event.cluster % this.fates.length] = event.fate;
    if (event.at === 'settling') this.settling = event.on;
    if (event.at === 'frozen') this.frozen[event.cluster % this.frozen.length] = event.on;
    if (event.at === 'held') this.held = event.on;
    if (event.at === 'behind') this.behind = event.on;
    if (event.at === 'restart') {
      this.fates = this.fates.map(() => 'Unknown');
      this.settling = true;
    }
    if (event.at === 'paused' && this.rollout.finished_at === null)
      this.rollout = { ...this.rollout, state: event.on ? 'Paused' : 'Progressing' };
    this.look();
  }

  #evidence(i: number): Evidence {
    const fate = this.fates[i] ?? 'Unknown';
    return fate === 'Unknown' || this.wanted[i] === 2 ? evidence(fate) : evidence('Progressing', 'NotReceived');
  }

  /** As the service: few rows in, a step out, carried out; and every law checked. */
  look(): Step {
    const subjects = this.rows.map((r, i): Subject => ({
      row: r,
      clusterName: `c${i}`,
      placementState: 'Active',
      leftOut: this.frozen[i] ? { reason: 'Frozen', message: 'for a test' } : undefined,
      wantedRevisionId: this.wanted[i] ?? null,
      evidence: this.#evidence(i),
    }));
    const back = subjects.filter((s) => s.row.state === 'Skipped' && !s.leftOut);
    const ready = [...subjects.filter((s) => s.row.state === 'Waiting' && (s.evidence.vouched || s.leftOut)), ...back];
    const given = situation(subjects, {
      rollout: this.rollout,
      candidates: ready.toSorted((a, b) => Number(isCarried(b.row)) - Number(isCarried(a.row))),
      passedOver: subjects.filter((s) => s.row.state === 'Waiting' && !s.evidence.vouched && !s.leftOut).map((s) => s.clusterName),
      hold: this.held ? { reason: 'EnvironmentFrozen', message: 'for a test' } : undefined,
      settling: this.settling,
      recordBehind: this.behind,
    });
    const step = decide(given);
    const fresh = step.moves.filter(({ placementId }) => this.rows[placementId]?.started_at === null);

    if (step.moves.length > 0) assert.ok(!this.held && !this.settling && !this.behind && this.rollout.state === 'Progressing');
    for (const { placementId } of step.moves) {
      assert.ok(this.#evidence(placementId).vouched, 'started on no evidence');
      assert.ok(!this.frozen[placementId], 'started while frozen');
    }
    for (const after of step.clusterRows) {
      const before = this.rows[after.placement_id];
      const about = this.#evidence(after.placement_id);
      if (after.state === 'Succeeded' && before?.state !== 'Succeeded') assert.equal(about.health, 'Healthy');
      if (after.state === 'Degraded') assert.equal(about.health, 'Degraded');
      if (after.state === 'Unreachable') assert.ok(!this.settling && !about.vouched);
      if (after.state === 'Skipped') assert.ok(this.frozen[after.placement_id] && before?.state === 'Waiting', 'left out for nothing');
      if (before?.state === 'Skipped') assert.ok(!this.frozen[after.placement_id], 'taken back while frozen');
      this.rows[after.placement_id] = after;
    }
    for (const { placementId, revisionId } of step.moves) this.wanted[placementId] = revisionId;
    const unproven = this.rows.filter((r) => r.started_at !== null && r.state !== 'Succeeded' && r.state !== 'Unchanged').length;
    if (fresh.length > 0) assert.ok(unproven <= this.limit, `${unproven} started and not proven, limit ${this.limit}`);
    assert.deepEqual(step.counters, recount(this.rows), 'the running counters differ from a recount');
    this.rollout = step.rollout;
    if (this.rollout.reason === 'AllSkipped') assert.ok(this.rows.every((r) => r.state === 'Skipped'));
    if (this.rollout.reason === 'AllHealthy') assert.ok(this.rows.some((r) => r.state === 'Succeeded'));
    if (this.rollout.finished_at === null) assert.notEqual(this.rollout.reason, '', 'waits for nothing that it names');
    return step;
  }
}

const fates = fc.constantFrom<Fate>('Healthy', 'Degraded', 'Progressing', 'Unknown');
const events: fc.Arbitrary<Event> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ at: fc.constant('fate' as const), cluster: fc.nat(20), fate: fates }) },
  { weight: 1, arbitrary: fc.record({ at: fc.constantFrom('settling', 'paused', 'behind', 'held'), on: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ at: fc.constant('frozen' as const), cluster: fc.nat(20), on: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant<Event>({ at: 'restart' }) },
  { weight: 2, arbitrary: fc.constant<Event>({ at: 'look' }) },
);
const worlds = fc
  .record({ clusters: fc.integer({ min: 0, max: 12 }), limit: fc.integer({ min: 1, max: 5 }), carried: fc.nat(3) })
  .map(({ clusters, limit, carried }) => ({ clusters, limit, carried: Math.min(carried, clusters) }));

test('never over the limit, never on no evidence, and always counted right, whatever comes', () => {
  fc.assert(
    fc.property(worlds, fc.array(events, { maxLength: 60 }), ({ clusters, limit, carried }, schedule) => {
      const world = new World(clusters, limit, carried);
      for (const event of schedule) world.happen(event);
    }),
    { numRuns: 500 },
  );
});

test('every rollout ends once its clusters are healthy and heard, be they frozen or not', () => {
  fc.assert(
    fc.property(worlds, fc.array(events, { maxLength: 40 }), ({ clusters, limit, carried }, schedule) => {
      const world = new World(clusters, limit, carried);
      for (const event of schedule) world.happen(event);
      world.happen({ at: 'settling', on: false });
      world.happen({ at: 'paused', on: false });
      world.happen({ at: 'behind', on: false });
      world.happen({ at: 'held', on: false });
      world.fates = world.fates.map(() => 'Healthy');
      for (let i = 0; i < 2 * clusters + 3; i++) world.look();
      assert.equal(world.rollout.state, 'Succeeded');
    }),
    { numRuns: 300 },
  );
});

test('a look that is repeated changes nothing', () => {
  fc.assert(
    fc.property(worlds, fc.array(events, { maxLength: 40 }), ({ clusters, limit, carried }, schedule) => {
      const world = new World(clusters, limit, carried);
      for (const event of schedule) world.happen(event);
      // What was started by the look before may be judged by the next; then all is said.
      for (let i = 0; i < 2 * clusters + 3; i++) world.look();
      const before = structuredClone([world.rollout, world.rows]);
      const again = world.look();
      assert.deepEqual([again.clusterRows, again.moves, again.events, world.rollout, world.rows], [[], [], [], ...before]);
    }),
    { numRuns: 200 },
  );
});

test('a restart, and silence while settling, fail nobody and take nothing back', () => {
  fc.assert(
    fc.property(
      worlds,
      fc.array(events, { maxLength: 30 }),
      fc.integer({ min: 1, max: 5 }),
      ({ clusters, limit, carried }, schedule, looks) => {
        const world = new World(clusters, limit, carried);
        for (const event of schedule) world.happen(event);
        const before = world.rows.map((r) => r.state);
        world.happen({ at: 'restart' });
        for (let i = 0; i < looks; i++) world.look();
        assert.deepEqual(
          world.rows.map((r) => r.state),
          before,
        );
      },
    ),
  );
});

test('who is frozen before its turn is never touched; who is unfrozen in time has its turn', () => {
  fc.assert(
    fc.property(worlds, fc.array(events, { maxLength: 30 }), fc.nat(20), fc.boolean(), ({ clusters, limit }, schedule, at, thaws) => {
      fc.pre(clusters > 0);
      const cluster = at % clusters;
      const world = new World(clusters, limit, 0);
      world.happen({ at: 'frozen', cluster, on: true });
      for (const event of schedule) if (event.at !== 'frozen' || event.cluster % clusters !== cluster) world.happen(event);
      assert.equal(world.wanted[cluster], 1);
      if (thaws) world.happen({ at: 'frozen', cluster, on: false });
      for (const on of ['settling', 'paused', 'behind', 'held'] as const) world.happen({ at: on, on: false });
      const running = world.rollout.finished_at === null;
      world.fates = world.fates.map(() => 'Healthy');
      for (let i = 0; i < 2 * clusters + 3; i++) world.look();
      assert.equal(world.rollout.state, 'Succeeded');
      if (!thaws) assert.deepEqual([world.wanted[cluster], world.rows[cluster]?.state], [1, 'Skipped']);
      else if (running) assert.deepEqual([world.wanted[cluster], world.rows[cluster]?.state], [2, 'Succeeded']);
    }),
    { numRuns: 300 },
  );
});
