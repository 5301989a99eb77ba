import assert from 'node:assert/strict';
import test from 'node:test';
import { decide } from './decide.ts';
import type { Step } from './model.ts';
import { evidence, rollout, row, situation, subject } from './rows.fixture.ts';

const ready = evidence('Progressing', 'NotReceived');
const started = (id: number) => row(id, { state: 'Started', started_at: 5 });

const skippedRow = (id: number) => row(id, { state: 'Skipped', reason: 'Frozen' });
const frozen = { reason: 'Frozen', message: 'frozen by user:ada' };
const stopped = { reason: 'EnvironmentFrozen', message: 'environment dev is frozen by user:ada' };

/** id:State of the rows that changed, then the rollout. */
const told = ({ clusterRows, rollout: r }: Step): string =>
  [
    ...clusterRows.map((c) => `${c.placement_id}:${c.state}`),
    r.state === 'Progressing' || r.state === 'Paused' ? r.reason : `${r.state} ${r.reason}`,
  ].join(' ');

const rows: readonly [string, Parameters<typeof situation>, string][] = [
  [
    'starts as many as the limit',
    [[subject(row(1), ready), subject(row(2), ready), subject(row(3), ready)]],
    '1:Started 2:Started Progressing',
  ],
  ['in flight counts', [[subject(started(1), ready), subject(row(2), ready), subject(row(3), ready)]], '1:Started 2:Started Progressing'],
  [
    'degraded counts, and is named',
    [[subject(started(1), evidence('Degraded', 'Crash')), subject(started(2), ready), subject(row(3), ready)]],
    '1:Degraded 2:Started ClustersDegraded',
  ],
  [
    'unreachable after its start counts, and is named',
    [[subject(started(1), evidence('Unknown', 'SpokeSilent')), subject(started(2), ready), subject(row(3), ready)]],
    '1:Unreachable 2:Started ClustersUnreachable',
  ],
  [
    'who only has newer reports than the hub is reachable',
    [[subject(started(1), evidence('Unknown', 'ReportsOutOfDate')), subject(row(2), ready)]],
    '1:Started 2:Started Progressing',
  ],
  [
    'and reachable again, when it was not',
    [[subject(row(1, { state: 'Unreachable', started_at: 5 }), evidence('Unknown', 'ReportsOutOfDate'))]],
    '1:Started Progressing',
  ],
  [
    'newer reports on their way take nothing back that was bad',
    [[subject(row(1, { state: 'Degraded', started_at: 5, reason: 'Crash' }), evidence('Unknown', 'ReportsOutOfDate'))]],
    'ClustersDegraded',
  ],
  [
    'while settling nobody is unreachable and nobody starts',
    [[subject(started(1), evidence('Unknown')), subject(row(2), ready)], { settling: true }],
    'Settling',
  ],
  [
    'settling still believes good news',
    [[subject(started(1), evidence('Healthy'))], { settling: true }],
    '1:Succeeded Succeeded AllHealthy',
  ],
  ['an old record starts nothing', [[subject(row(1), ready)], { recordBehind: true }], 'RecordBehind'],
  ['paused starts none', [[subject(row(1), ready)], { rollout: rollout({ state: 'Paused' }) }], 'Paused'],
  [
    'paused still sees what happens',
    [[subject(started(1), evidence('Healthy')), subject(row(2), ready)], { rollout: rollout({ state: 'Paused' }) }],
    '1:Succeeded Paused',
  ],
  [
    'a frozen cluster is left out',
    [[subject(row(1), ready, { leftOut: frozen }), subject(row(2), ready)]],
    '1:Skipped 2:Started Progressing',
  ],
  [
    'nothing vouches for it: left out all the same',
    [[subject(row(1), evidence('Unknown'), { leftOut: frozen })]],
    '1:Skipped Succeeded AllSkipped',
  ],
  ['all are left out', [[subject(row(1), ready, { leftOut: frozen })]], '1:Skipped Succeeded AllSkipped'],
  [
    'some left out, the others there already',
    [[subject(row(1), ready, { leftOut: frozen }), subject(row(2), ready, { wantedRevisionId: 2 })]],
    '1:Skipped 2:Unchanged Succeeded AllUnchanged',
  ],
  ['frozen and there already', [[subject(row(1), ready, { leftOut: frozen, wantedRevisionId: 2 })]], '1:Unchanged Succeeded AllUnchanged'],
  [
    'what an earlier rollout had started there does not hold it up',
    [[subject(row(1, { started_at: 5 }), ready, { leftOut: frozen })]],
    '1:Skipped Succeeded AllSkipped',
  ],
  [
    'frozen after its start: it stays and counts',
    [[subject(started(1), ready, { leftOut: frozen }), subject(row(2), ready)], { rollout: rollout({ max_concurrent: 1 }) }],
    '1:Started Progressing',
  ],
  [
    'left out no more: its turn has come',
    [[subject(skippedRow(1), ready, { wantedRevisionId: 1 })], { candidates: [subject(skippedRow(1), ready, { wantedRevisionId: 1 })] }],
    '1:Started Progressing',
  ],
  [
    'left out no more, but there is no place: it waits',
    [
      [subject(started(2), ready)],
      { rollout: rollout({ max_concurrent: 1 }), candidates: [subject(skippedRow(1), ready, { wantedRevisionId: 1 })] },
    ],
    '2:Started 1:Waiting Progressing',
  ],
  [
    'a frozen environment starts none, and is named',
    [[subject(started(1), evidence('Healthy')), subject(row(2), ready)], { hold: stopped }],
    '1:Succeeded EnvironmentFrozen',
  ],
  [
    'where nothing is left to start, a freeze is not what it waits for',
    [[subject(started(1), evidence('Degraded', 'Crash'))], { hold: stopped }],
    '1:Degraded ClustersDegraded',
  ],
  [
    'what it started is still judged, and may end it',
    [[subject(started(1), evidence('Healthy'))], { hold: stopped }],
    '1:Succeeded Succeeded AllHealthy',
  ],
  [
    'suspended by a person',
    [[subject(row(1), ready)], { hold: { ...stopped, reason: 'RolloutSuspended' }, rollout: rollout({ state: 'Paused' }) }],
    'RolloutSuspended',
  ],
  [
    'suspended after its start: named',
    [
      [
        subject(row(1, { state: 'Started', reason: 'Suspended', started_at: 5 }), evidence('Suspended'), {
          leftOut: { reason: 'Suspended', message: 'by a' },
        }),
      ],
    ],
    'ClustersSuspended',
  ],
  ['nothing vouches for the next', [[subject(row(1), evidence('Unknown'))], { candidates: [], passedOver: ['c1'] }], 'ClustersUnreachable'],
  ['a candidate that nothing vouches for is not started', [[subject(row(1), evidence('Unknown'))]], 'Progressing'],
  [
    'healthy makes room at once',
    [[subject(started(1), evidence('Healthy')), subject(started(2), ready), subject(row(3), ready)]],
    '1:Succeeded 2:Started 3:Started Progressing',
  ],
  [
    'degraded may recover',
    [[subject(row(1, { state: 'Degraded', started_at: 5 }), evidence('Healthy'))]],
    '1:Succeeded Succeeded AllHealthy',
  ],
  [
    'unreachable may come back',
    [[subject(row(1, { state: 'Unreachable', started_at: 5 }), evidence('Progressing'))]],
    '1:Started Progressing',
  ],
  ['succeeded stays succeeded in silence', [[subject(row(1, { state: 'Succeeded' }), evidence('Unknown'))]], 'Succeeded AllHealthy'],
  [
    'succeeded that breaks afterwards brakes the rest',
    [[subject(row(1, { state: 'Succeeded' }), evidence('Degraded')), subject(started(2), ready), subject(row(3), ready)]],
    '1:Degraded 2:Started ClustersDegraded',
  ],
  ['wanted already: not touched', [[subject(row(1), ready, { wantedRevisionId: 2 })]], '1:Unchanged Succeeded AllUnchanged'],
  [
    'held: gets nothing new',
    [[subject(row(1), ready, { placementState: 'Held' }), subject(row(2), ready)]],
    '1:Unchanged 2:Started Progressing',
  ],
  ['no clusters', [[]], 'Succeeded NoClusters'],
  ['superseded', [[subject(started(1), evidence('Healthy'))], { superseded: true }], 'Superseded Superseded'],
  [
    'ended stays ended',
    [[subject(started(1), evidence('Healthy'))], { rollout: rollout({ state: 'Superseded', reason: 'Superseded' }) }],
    'Superseded Superseded',
  ],
  [
    'a carried cluster counts, and its turn takes no further place',
    [[subject(row(1, { started_at: 5 }), ready), subject(row(2, { started_at: 5 }), ready), subject(row(3), ready)]],
    '1:Started 2:Started Progressing',
  ],
];
for (const [name, given, expected] of rows) test(`decide: ${name}`, () => assert.equal(told(decide(situation(...given))), expected));

test('a move says everything that the placement will want', () => {
  const step = decide(situation([subject(row(1), ready)]));
  assert.deepEqual(step.moves, [{ placementId: 1, revisionId: 2, variantId: 3, rolloutId: 1, traceparent: '00-trace' }]);
  assert.deepEqual(step.dispatches, [101]);
});

test('untouched clusters are not dispatched', () => {
  const step = decide(situation([subject(row(1), ready, { wantedRevisionId: 2 }), subject(row(2), ready, { placementState: 'Held' })]));
  assert.deepEqual([step.moves, step.dispatches], [[], []]);
});

test('what it waits for names cluster, object and reason', () => {
  const bad = evidence('Degraded', 'Unschedulable', 'apps/Deployment/web/web: 0/3 nodes match');
  const step = decide(
    situation(
      [1, 2, 3, 4].map((id) => subject(started(id), bad)),
      { rollout: rollout({ max_concurrent: 4 }) },
    ),
  );
  assert.match(step.rollout.message, /^4 degraded: c1 \(Unschedulable: apps\/Deployment\/web\/web: 0\/3 nodes match\), .* and 1 more$/);
});

test('the end of a wave begins the next', () => {
  const step = decide(situation([subject(started(1), evidence('Healthy'))], { rollout: rollout({ waves: 2 }) }));
  assert.deepEqual([step.rollout.state, step.rollout.wave, step.again], ['Progressing', 2, true]);
});

test('more in flight than one look holds are looked at next, but only after these have moved on', () => {
  const again = (health: 'Healthy' | 'Progressing'): boolean =>
    decide(
      situation([subject(row(1, { state: 'Started', reason: 'Progressing' }), evidence(health)), subject(started(2), ready)], {
        more: true,
        changed: [subject(row(1, { state: 'Started', reason: 'Progressing' }), evidence(health))],
      }),
    ).again;
  assert.deepEqual([again('Healthy'), again('Progressing')], [true, false]);
});

test('events say each change once', () => {
  const first = decide(situation([subject(started(1), evidence('Degraded', 'Crash'))]));
  assert.deepEqual(
    first.events.map(({ type, reason }) => `${type} ${reason}`),
    ['Warning ClusterDegraded', 'Warning ClustersDegraded'],
  );
  const [after] = first.clusterRows;
  assert.ok(after);
  const second = decide(situation([subject(after, evidence('Degraded', 'Crash'))], { rollout: first.rollout }));
  assert.deepEqual([second.events, second.clusterRows, second.rollout], [[], [], first.rollout]);
});
