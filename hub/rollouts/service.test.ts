import assert from 'node:assert/strict';
import test from 'node:test';
import type { PlacementRow, TargetRow } from '#hub/store/mod.ts';
import { decide } from './decide.ts';
import type { Situation } from './model.ts';
import type { Loaded } from './record.ts';
import { context, evidence, rollout, row, situation, subject } from './rows.fixture.ts';
import { decisionOf } from './service.ts';

const target = { id: 1, app_id: 9, current_release_id: 1, exercised: 1 } as TargetRow;
const placement = { id: 1, uid: 'p1', cluster_id: 101, wanted_revision_id: 1, mode: 'Enforce' } as PlacementRow;
const ready = evidence('Progressing', 'NotReceived');

function decided(given: Situation, more: Partial<Loaded> = {}) {
  const loaded: Loaded = {
    situation: given,
    tenant: 'acme',
    target,
    placements: new Map([[1, placement]]),
    siblings: [1, 2],
    oldEvents: [],
    exercised: false,
    ...more,
  };
  return decisionOf(loaded, decide(given), context());
}

test('a start writes rollout, row, placement and event with one audit entry, and asks for the dispatch', () => {
  const decision = decided(situation([subject(row(1), ready)]));
  assert.deepEqual(
    decision.writes?.map(({ table }) => table),
    ['rollouts', 'rollout_clusters', 'placements', 'rollout_events'],
  );
  const moved = decision.writes?.find(({ table }) => table === 'placements');
  assert.ok(moved?.op === 'put');
  assert.deepEqual(moved.row, {
    ...placement,
    wanted_revision_id: 2,
    wanted_variant_id: 3,
    rollout_id: 1,
    traceparent: '00-trace',
    updated_at: 1_000,
  });
  assert.deepEqual([decision.audit?.action, decision.audit?.detail?.['moved']], ['advance.rollout', 1]);
  assert.deepEqual(decision.outbox, ['dispatch:101']);
});

test('events that are too many leave with the next one, and with nothing else', () => {
  const removed = (given: Situation): unknown[] =>
    (decided(given, { oldEvents: [5, 6] }).writes ?? []).flatMap((write) => (write.op === 'remove' ? [write.key] : []));
  assert.deepEqual(removed(situation([subject(row(1), ready)])), [{ id: 5 }, { id: 6 }]);
  const given = situation([subject(row(1, { state: 'Started', reason: 'NotReceived', started_at: 5 }), ready)]);
  assert.deepEqual(removed({ ...given, rollout: decide(given).rollout }), []);
});

test('nothing new is nothing written', () => {
  const given = situation([subject(row(1, { state: 'Started', reason: 'NotReceived', started_at: 5 }), ready)]);
  const settled = { ...given, rollout: decide(given).rollout };
  assert.deepEqual(decided(settled), { result: undefined });
});

test('the end makes the release current and wakes every target of the app', () => {
  const decision = decided(
    situation([subject(row(1, { state: 'Started', started_at: 5 }), evidence('Healthy'))], { rollout: rollout({ release_id: 7 }) }),
  );
  assert.deepEqual(decision.outbox, ['target:1', 'target:2']);
  const put = decision.writes?.find(({ table }) => table === 'targets');
  assert.ok(put?.op === 'put');
  assert.deepEqual(put.row, { ...target, current_release_id: 7, exercised: 1 });
});

test('a release that changed nobody has proved nothing; one that was proved before stays so', () => {
  const unchanged = [subject(row(1, { state: 'Unchanged' }), ready)];
  const exercisedAfter = (releaseId: number): unknown => {
    const decision = decided(situation(unchanged, { rollout: rollout({ release_id: releaseId }) }));
    const put = decision.writes?.find(({ table }) => table === 'targets');
    return put?.op === 'put' && (put.row as TargetRow).exercised;
  };
  assert.deepEqual([exercisedAfter(7), exercisedAfter(1)], [0, 1]);
});

test('what was left out has proved nothing, whatever else was unchanged', () => {
  const leftOut = { reason: 'Frozen', message: '' };
  const given = situation([subject(row(1), ready, { leftOut }), subject(row(2, { state: 'Unchanged' }), ready)]);
  const put = decided({ ...given, rollout: rollout({ release_id: 7 }) }).writes?.find(({ table }) => table === 'targets');
  assert.ok(put?.op === 'put');
  assert.deepEqual(put.row, { ...target, current_release_id: 7, exercised: 0 });
});

test('what has ended is suspended no more', () => {
  const paused = situation([subject(row(1, { state: 'Started', started_at: 5 }), evidence('Healthy'))], {
    rollout: rollout({ state: 'Paused' }),
  });
  const removed = decided(paused).writes?.filter(({ op }) => op === 'remove');
  assert.deepEqual(removed, [{ op: 'remove', table: 'holds', key: { scope: 'Rollout', subject_id: 1 } }]);
});

test('another wave is looked at at once', () => {
  const given = situation([subject(row(1, { state: 'Started', started_at: 5 }), evidence('Healthy'))], { rollout: rollout({ waves: 2 }) });
  assert.deepEqual(decided(given).outbox, ['rollout:1']);
});
