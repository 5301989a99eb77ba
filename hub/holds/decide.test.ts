import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { HoldRow, PlacementRow, RolloutRow } from '#hub/store/mod.ts';
import { decide, type Ask, type Found } from './decide.ts';
import { HoldError } from './errors.ts';
import { holdText, waitOf, type Scope } from './model.ts';

const hour = 3_600_000;
const now = 10 * hour;
const hold = (more: Partial<HoldRow> = {}): HoldRow => ({
  scope: 'Cluster',
  subject_id: 7,
  actor: 'user:ada',
  reason: 'the fair',
  since: hour,
  until: null,
  ...more,
});
const placement = (id: number, mode: PlacementRow['mode'] = 'Enforce'): PlacementRow =>
  ({ id, cluster_id: 100 + id, app_id: 7, mode, updated_at: 1 }) as PlacementRow;
const found = (scope: Scope, more: Partial<Found> = {}): Found => ({
  scope,
  id: 7,
  name: 'x',
  subject: `${scope}/x`,
  existing: undefined,
  placements: [],
  heldOtherwise: new Set(),
  rollout: undefined,
  rolloutIds: [3],
  targetIds: [1, 2],
  ...more,
});
const ask = (does: Ask['does'], more: Partial<Ask> = {}): Ask => ({
  does,
  actor: 'user:ada',
  reason: 'the fair',
  until: null,
  dryRun: false,
  ...more,
});

/** `table:op` of every write, with what matters of it. */
function told(given: Found, asked: Ask): string {
  const { writes = [], audit, result } = decide(given, asked, now);
  const words = writes.map((write) => {
    if (write.op === 'remove') return `-${write.table}`;
    const row = write.row as { id?: number; mode?: string; state?: string; reason?: string };
    return `${write.table}${write.table === 'placements' ? `:${row.id}:${row.mode}` : write.table === 'rollouts' ? `:${row.state}:${row.reason}` : ''}`;
  });
  return [audit?.action ?? (result.changed ? 'would' : 'unchanged'), ...words].join(' ');
}

const running = { id: 7, state: 'Progressing', reason: 'Progressing', finished_at: null } as RolloutRow;
const paused = { ...running, state: 'Paused' } as RolloutRow;
const ended = { ...running, state: 'Succeeded', reason: 'AllHealthy', finished_at: 1 } as RolloutRow;
const three = [placement(1), placement(2), placement(3, 'Observe')];
const suspended = [placement(1, 'Suspended'), placement(2, 'Suspended')];

const rows: readonly [name: string, Found, Ask, want: string][] = [
  ['a cluster is frozen', found('Cluster'), ask('hold'), 'freeze.cluster holds'],
  ['the same again', found('Cluster', { existing: hold() }), ask('hold'), 'unchanged'],
  ['the same again, said by another', found('Cluster', { existing: hold() }), ask('hold', { actor: 'user:bob' }), 'unchanged'],
  ['for another reason', found('Cluster', { existing: hold() }), ask('hold', { reason: 'the sale' }), 'freeze.cluster holds'],
  ['until another moment', found('Cluster', { existing: hold() }), ask('hold', { until: now + 1 }), 'freeze.cluster holds'],
  ['unfrozen', found('Cluster', { existing: hold() }), ask('release'), 'unfreeze.cluster -holds'],
  ['unfrozen for no reason', found('Cluster', { existing: hold() }), ask('release', { reason: '' }), 'unfreeze.cluster -holds'],
  ['nothing to unfreeze', found('Cluster'), ask('release'), 'unchanged'],
  ['a dry run', found('Cluster'), ask('hold', { dryRun: true }), 'would'],
  ['the fleet', found('Fleet', { id: 0 }), ask('hold'), 'freeze.fleet holds'],
  ['an environment', found('Environment'), ask('hold'), 'freeze.environment holds'],
  ['a rollout', found('Rollout', { rollout: running }), ask('hold'), 'suspend.rollout holds rollouts:Paused:RolloutSuspended'],
  [
    'a rollout goes on',
    found('Rollout', { rollout: paused, existing: hold({ scope: 'Rollout' }) }),
    ask('release'),
    'resume.rollout -holds rollouts:Progressing:Progressing',
  ],
  ['a rollout that has ended has nothing to resume', found('Rollout', { rollout: ended }), ask('release'), 'unchanged'],
  [
    'an app: what is enforced',
    found('App', { placements: three }),
    ask('hold'),
    'suspend.app holds placements:1:Suspended placements:2:Suspended',
  ],
  ['an app that is placed nowhere', found('App'), ask('hold'), 'suspend.app holds'],
  [
    'an app is resumed, but what is suspended for itself stays so',
    found('App', { placements: suspended, heldOtherwise: new Set([2]), existing: hold() }),
    ask('release'),
    'resume.app -holds placements:1:Enforce',
  ],
  [
    'a placement of a suspended app stays so',
    found('Placement', { placements: [placement(1, 'Suspended')], heldOtherwise: new Set([1]), existing: hold() }),
    ask('release'),
    'resume.placement -holds',
  ],
  [
    'a hold of what is gone',
    found('Cluster', { existing: hold(), rolloutIds: [], targetIds: [] }),
    ask('release', { actor: 'system:holds' }),
    'unfreeze.cluster -holds',
  ],
];
for (const [name, given, asked, want] of rows) test(`holds: ${name}`, () => assert.equal(told(given, asked), want));

const refused: readonly [name: string, Found, Ask, code: string][] = [
  ['without a reason', found('Cluster'), ask('hold', { reason: ' ' }), 'HOLD_INVALID'],
  ['that would have ended', found('Cluster'), ask('hold', { until: now }), 'HOLD_INVALID'],
  ['of a rollout that has ended', found('Rollout', { rollout: ended }), ask('hold'), 'ROLLOUT_ENDED'],
];
for (const [name, given, asked, code] of refused)
  test(`holds: refused ${name}, be it a dry run`, () => {
    for (const dryRun of [false, true])
      assert.throws(
        () => decide(given, { ...asked, dryRun }, now),
        (error) => error instanceof HoldError && error.code === code,
      );
  });

test('one audit row says who, why, until when, and whose hold it was before', () => {
  const { audit } = decide(found('Cluster', { existing: hold() }), ask('release', { actor: 'user:bob', reason: 'over' }), now);
  assert.deepEqual(
    [audit?.actor, audit?.reason, audit?.subject, audit?.detail],
    ['user:bob', 'over', 'Cluster/x', { until: null, since: '1970-01-01T01:00:00Z', by: 'user:ada', rollouts: 1, placements: 0 }],
  );
});

test('who is told: dispatch of what changes its mode, then targets, then rollouts', () => {
  const { outbox } = decide(found('App', { placements: three }), ask('hold'), now);
  assert.deepEqual(outbox, ['dispatch:101', 'dispatch:102', 'target:1', 'target:2', 'rollout:3']);
});

test('since stays when a hold is said anew', () => {
  const { result } = decide(found('Cluster', { existing: hold() }), ask('hold', { reason: 'longer', until: now + hour }), now);
  assert.deepEqual([result.hold?.since, result.hold?.until], [hour, now + hour]);
});

test('everybody who waits is told who, why, since and until when', () => {
  assert.equal(holdText(hold({ until: 2 * hour })), 'by user:ada since 1970-01-01T01:00:00Z: "the fair" (until 1970-01-01T02:00:00Z)');
  const text = 'by user:ada since 1970-01-01T01:00:00Z: "the fair"';
  const waits = (['Fleet', 'Environment', 'Cluster', 'Rollout', 'App', 'Placement'] as const).map((scope) => waitOf(hold({ scope }), 'x'));
  assert.deepEqual(waits, [
    { reason: 'FleetFrozen', message: `the fleet is frozen ${text}` },
    { reason: 'EnvironmentFrozen', message: `environment x is frozen ${text}` },
    { reason: 'Frozen', message: `cluster x is frozen ${text}` },
    { reason: 'RolloutSuspended', message: `rollout x is suspended ${text}` },
    { reason: 'Suspended', message: `app x is suspended ${text}` },
    { reason: 'Suspended', message: `suspended here ${text}` },
  ]);
});

test('whatever is held and released: a repeat writes nothing, a mode is Suspended exactly while something holds it', () => {
  const step = fc.record({
    scope: fc.constantFrom('App' as const, 'Placement' as const),
    does: fc.constantFrom('hold' as const, 'release' as const),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const holds = new Map<Scope, HoldRow>();
      let one = placement(1);
      for (const { scope, does } of steps) {
        const look = () =>
          decide(
            found(scope, {
              existing: holds.get(scope),
              placements: [one],
              heldOtherwise: new Set(holds.has(scope === 'App' ? 'Placement' : 'App') ? [1] : []),
            }),
            ask(does),
            now,
          );
        const { writes = [], audit } = look();
        assert.equal(writes.length > 0, audit !== undefined);
        for (const write of writes) {
          if (write.table === 'holds') void (write.op === 'put' ? holds.set(scope, write.row as HoldRow) : holds.delete(scope));
          else if (write.op === 'put') one = write.row as PlacementRow;
        }
        assert.equal(one.mode, holds.size > 0 ? 'Suspended' : 'Enforce');
        assert.equal(look().writes, undefined);
      }
    }),
  );
});
