import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { digestOf, revisionOf } from '#shared/kernel/mod.ts';
import type { PlacementRow, ReleaseRow, RolloutClusterRow, TargetRow, VariantRow, Write } from '#hub/store/mod.ts';
import { plan, type Member, type Plan, type PlanFacts } from './plan.ts';
import { context, rollout, row } from './rows.fixture.ts';

const target: TargetRow = {
  id: 1,
  app_id: 9,
  environment_id: 8,
  current_release_id: 4,
  offered_release_id: null,
  offered_at: null,
  exercised: 1,
  waiting_reason: '',
  waiting_message: '',
};
const release: ReleaseRow = {
  id: 5,
  uid: 'r5',
  app_id: 9,
  digest: digestOf('index'),
  alias: 'v5',
  repository: 'registry/acme/web',
  commit_id: 1,
  images: '[]',
  created_at: 0,
};
const variant: VariantRow = {
  id: 6,
  release_id: 5,
  environment: 'dev',
  digest: digestOf('v'),
  layer_hash: digestOf('layer'),
  layer_bytes: 1,
};
const bytes = (text: string): Uint8Array => Buffer.from(text);
const member = (clusterId: number, inputs = 'same'): Member => ({ clusterId, clusterName: `c${clusterId}`, inputs: bytes(inputs) });
const placement = (id: number, clusterId: number, more: Partial<PlacementRow> = {}): PlacementRow => ({
  id,
  uid: `p${id}`,
  cluster_id: clusterId,
  app_id: 9,
  namespace: 'web',
  target_id: 1,
  state: 'Active',
  hold_reason: '',
  mode: 'Enforce',
  wanted_revision_id: 50,
  wanted_variant_id: 60,
  rollout_id: null,
  traceparent: '',
  updated_at: 0,
  ...more,
});
const wanted = 70;
const facts = (more: Partial<PlanFacts> = {}): PlanFacts => ({
  target,
  release,
  variant,
  namespace: 'web',
  maxConcurrent: 2,
  traceparents: { release: 'commit', other: 'other' },
  members: [member(1), member(2)],
  unenrolledIds: new Set(),
  placements: [placement(11, 1), placement(12, 2)],
  frozenIds: new Set(),
  appSuspended: false,
  sameContentIds: new Set([60]),
  running: undefined,
  inFlightElsewhere: new Set(),
  inputsIds: new Map([[digestOf('same'), 30]]),
  revisionIds: new Map([[revisionOf(variant.layer_hash, bytes('same')), wanted]]),
  ...more,
});

const rowsOf = ({ writes }: Plan): RolloutClusterRow[] =>
  writes.filter((w: Write) => w.table === 'rollout_clusters').flatMap((w) => (w.op === 'put' ? [w.row as RolloutClusterRow] : []));
const puts = <R>({ writes }: Plan, table: string): R[] => writes.flatMap((w) => (w.op === 'put' && w.table === table ? [w.row as R] : []));
const told = (p: Plan): string =>
  `${p.rollout?.kind ?? 'none'} ${rowsOf(p)
    .map(
      (r) =>
        `${r.placement_id > 1_000 ? 'new' : r.placement_id}:${r.state}${r.state === 'Waiting' && r.started_at !== null ? '(carried)' : ''}`,
    )
    .join(' ')}`.trim();

const current = { ...target, current_release_id: 5 };
const there = { wanted_revision_id: wanted };
const inFlight = (state: RolloutClusterRow['state'], to: number) => ({
  rollout: rollout({ id: 3, uid: 'rold', release_id: 4 }),
  rows: [row(11, { rollout_id: 3, state, to_revision_id: to, started_at: 7 })],
});

const cases: readonly [string, Partial<PlanFacts>, string][] = [
  ['a new release', {}, 'Release 11:Waiting 12:Waiting'],
  [
    'a new release that changes one cluster',
    { placements: [placement(11, 1, there), placement(12, 2)] },
    'Release 11:Unchanged 12:Waiting',
  ],
  ['first placements', { placements: [] }, 'Release new:Waiting new:Waiting'],
  ['no clusters', { members: [], placements: [] }, 'Release'],
  ['nothing to do', { target: current, placements: [placement(11, 1, there), placement(12, 2, there)] }, 'none'],
  ['changed inputs', { target: current, placements: [placement(11, 1, there), placement(12, 2)] }, 'Inputs 11:Unchanged 12:Waiting'],
  [
    'a cluster that is behind joins',
    { target: current, placements: [placement(11, 1, there), placement(12, 2, { wanted_variant_id: 59 })] },
    'Join 11:Unchanged 12:Waiting',
  ],
  [
    'a frozen cluster that is behind begins nothing',
    { target: current, placements: [placement(11, 1, there), placement(12, 2)], frozenIds: new Set([2]) },
    'none',
  ],
  ['nor does one that is new', { target: current, placements: [placement(11, 1, there)], frozenIds: new Set([2]) }, 'none'],
  [
    'a suspended app begins nothing',
    { target: current, placements: [placement(11, 1, there), placement(12, 2, { mode: 'Suspended' })] },
    'none',
  ],
  ['nor where it is new', { target: current, placements: [placement(11, 1, there)], appSuspended: true }, 'none'],
  [
    'a new release is recorded, frozen or not: the rollout leaves them out',
    { frozenIds: new Set([1, 2]) },
    'Release 11:Waiting 12:Waiting',
  ],
  ['a joining cluster', { target: current, placements: [placement(11, 1, there)] }, 'Join 11:Unchanged new:Waiting'],
  ['in flight to another revision: carried', { running: inFlight('Degraded', 50) }, 'Release 11:Waiting(carried) 12:Waiting'],
  [
    'in flight to the same revision: goes on as started',
    { running: inFlight('Started', wanted), placements: [placement(11, 1, there), placement(12, 2)] },
    'Release 11:Started 12:Waiting',
  ],
  [
    'running already, with everybody in it',
    { running: { rollout: rollout({ release_id: 5 }), rows: [row(11, { to_revision_id: wanted }), row(12, { to_revision_id: wanted })] } },
    'none',
  ],
  [
    'joins a rollout that is running',
    {
      running: { rollout: rollout({ release_id: 5, waves: 3 }), rows: [row(11, { to_revision_id: wanted })] },
      placements: [placement(11, 1)],
    },
    'Release new:Waiting',
  ],
  [
    'inputs change while it runs',
    { running: { rollout: rollout({ release_id: 5 }), rows: [row(11, { to_revision_id: 51 }), row(12, { to_revision_id: wanted })] } },
    'Release 11:Waiting 12:Waiting',
  ],
];
for (const [name, more, expected] of cases) test(`plan: ${name}`, () => assert.equal(told(plan(facts(more), context())), expected));

test('who joins a running rollout joins its last wave', () => {
  const running = { rollout: rollout({ release_id: 5, waves: 3 }), rows: [row(11, { to_revision_id: wanted })] };
  assert.equal(rowsOf(plan(facts({ running, placements: [placement(11, 1)] }), context()))[0]?.wave, 3);
});

test('equal inputs and revisions are one row; known ones none', () => {
  const given = facts({ members: [member(1, 'new'), member(2, 'new')], placements: [] });
  const result = plan(given, context());
  assert.deepEqual([puts(result, 'inputs').length, puts(result, 'revisions').length], [1, 1]);
  const known = plan(facts({ placements: [] }), context());
  assert.deepEqual([puts(known, 'inputs').length, puts(known, 'revisions').length], [0, 0]);
});

test('the rollout before is superseded in the same breath', () => {
  const result = plan(facts({ running: inFlight('Started', 50) }), context());
  const [, old] = puts<{ state: string; finished_at: number | null }>(result, 'rollouts');
  assert.deepEqual([old?.state, old?.finished_at], ['Superseded', 1_000]);
});

test('a rollout that a person had stopped leaves no hold behind when it is superseded', () => {
  const running = inFlight('Started', 50);
  const removed = (state: 'Paused' | 'Progressing') =>
    plan(facts({ running: { ...running, rollout: { ...running.rollout, state } } }), context()).writes.filter((w) => w.op === 'remove');
  assert.deepEqual(removed('Paused'), [{ op: 'remove', table: 'holds', key: { scope: 'Rollout', subject_id: 3 } }]);
  assert.deepEqual(removed('Progressing'), []);
});

test('where an app is suspended, what it comes to is suspended from the first', () => {
  const modes = (appSuspended: boolean) =>
    puts<PlacementRow>(plan(facts({ placements: [], appSuspended }), context()), 'placements').map(({ mode }) => mode);
  assert.deepEqual(
    [modes(true), modes(false)],
    [
      ['Suspended', 'Suspended'],
      ['Enforce', 'Enforce'],
    ],
  );
});

test('who is selected no more is Held and keeps what it wants; who is only not enrolled stays', () => {
  const result = plan(
    facts({ members: [member(1)], unenrolledIds: new Set([2]), placements: [placement(11, 1), placement(12, 2), placement(13, 3)] }),
    context(),
  );
  const held = puts<PlacementRow>(result, 'placements');
  assert.deepEqual(
    held.map((p) => [p.id, p.state, p.hold_reason, p.wanted_revision_id]),
    [[13, 'Held', 'NotSelected', 50]],
  );
  assert.equal(result.membershipChanged, true);
});

test('a placement is moved only when its other environment has let it go', () => {
  const elsewhere = { target_id: 2 };
  const left = { ...elsewhere, state: 'Held' as const, hold_reason: 'NotSelected' };
  const taken = plan(facts({ placements: [placement(11, 1, elsewhere), placement(12, 2)] }), context());
  assert.deepEqual([taken.conflicts, told(taken)], [['c1'], 'Release 12:Waiting']);
  const busy = plan(facts({ placements: [placement(11, 1, left), placement(12, 2)], inFlightElsewhere: new Set([11]) }), context());
  assert.deepEqual(busy.conflicts, ['c1']);
  const moved = plan(facts({ placements: [placement(11, 1, left), placement(12, 2)] }), context());
  assert.deepEqual([moved.conflicts, told(moved)], [[], 'Release 11:Waiting 12:Waiting']);
  assert.deepEqual(
    puts<PlacementRow>(moved, 'placements').map((p) => [p.id, p.target_id, p.state, p.hold_reason]),
    [[11, 1, 'Active', '']],
  );
});

test('a namespace that is named again gets its placements back; they do not stay held for ever', () => {
  const left = { state: 'Held' as const, hold_reason: 'NamespaceChanged' };
  const back = plan(facts({ placements: [placement(11, 1, left), placement(12, 2)] }), context());
  assert.deepEqual(
    puts<PlacementRow>(back, 'placements').map((p) => [p.id, p.state, p.hold_reason]),
    [[11, 'Active', '']],
  );
});

test('what is held for another reason asks for nothing, or its rollouts would never end', () => {
  const held = { state: 'Held' as const, hold_reason: 'ByHand' };
  assert.equal(told(plan(facts({ target: current, placements: [placement(11, 1, held), placement(12, 2, there)] }), context())), 'none');
});

test('traces: a release belongs to its commit, the rest to what asked for it', () => {
  assert.equal(plan(facts(), context()).rollout?.traceparent, 'commit');
  assert.equal(plan(facts({ target: current, placements: [] }), context()).rollout?.traceparent, 'other');
});

test('a rollout of what is current begins exactly when somebody who may have it lacks it, and not again once they want it', () => {
  const one = fc.record({
    has: fc.constantFrom('it', 'another', 'nothing'),
    frozen: fc.boolean(),
    mode: fc.constantFrom('Enforce' as const, 'Suspended' as const),
    state: fc.constantFrom('Active' as const, 'Held' as const),
  });
  fc.assert(
    fc.property(fc.array(one, { maxLength: 6 }), (drawn) => {
      const members = drawn.map((_, i) => member(i + 1));
      const frozenIds = new Set(drawn.flatMap(({ frozen }, i) => (frozen ? [i + 1] : [])));
      const placements = drawn.map(({ has, mode, state }, i) =>
        placement(i + 11, i + 1, {
          wanted_revision_id: has === 'it' ? wanted : has === 'another' ? 50 : null,
          mode,
          state,
          hold_reason: state === 'Held' ? 'ByHand' : '',
        }),
      );
      const may = ({ frozen, mode, state }: (typeof drawn)[number]): boolean => !frozen && mode === 'Enforce' && state === 'Active';
      const look = (now: readonly PlacementRow[]) => plan(facts({ target: current, members, frozenIds, placements: now }), context());
      assert.equal(
        look(placements).rollout !== undefined,
        drawn.some((each) => may(each) && each.has !== 'it'),
      );
      // It has done what it may: the rest stays as it is, and begins nothing more.
      const after = placements.map((row, i) => (may(drawn[i] as (typeof drawn)[number]) ? { ...row, wanted_revision_id: wanted } : row));
      assert.equal(look(after).rollout, undefined);
    }),
  );
});
