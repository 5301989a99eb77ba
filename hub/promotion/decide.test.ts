import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { decide, type Offer, type Predecessor } from './decide.ts';

const release = (id: number, hasVariant = true): Offer['releases'][number] => ({ id, alias: `v${id}`, hasVariant });
const proven = (id: number | null, more: Partial<Predecessor> = {}): Predecessor => ({
  environment: 'dev',
  currentReleaseId: id,
  exercised: true,
  running: false,
  placements: 2,
  unenrolled: [],
  unproven: [],
  leftOut: [],
  proven: true,
  ...more,
});
const offer = (more: Partial<Offer> = {}): Offer => ({
  environment: 'prod',
  mode: 'Automatic',
  allowUnexercised: false,
  releases: [release(3), release(2), release(1)],
  currentReleaseId: 1,
  runningReleaseId: null,
  approvedReleaseId: null,
  predecessors: [],
  enrolled: 2,
  unenrolled: [],
  frozen: undefined,
  suspended: undefined,
  settling: false,
  recordBehind: false,
  ...more,
});

const frozen = { reason: 'EnvironmentFrozen', message: 'environment prod is frozen' };
const suspended = { reason: 'RolloutSuspended', message: 'rollout r1 is suspended' };

const rows: readonly [string, Partial<Offer>, string][] = [
  ['the first environment takes the newest release', {}, '3'],
  ['the newest that has something for it', { releases: [release(3, false), release(2)] }, '2'],
  ['nothing newer', { currentReleaseId: 3 }, '3'],
  ['no release at all', { releases: [], currentReleaseId: null }, 'null NoRelease'],
  ['none for this environment', { releases: [release(3, false)], currentReleaseId: null }, 'null NoRelease'],
  ['on its way already', { runningReleaseId: 3 }, '3'],
  ['on its way to one before', { runningReleaseId: 2 }, '3'],
  ['a later environment takes what was proved, not the newest', { predecessors: [proven(2)] }, '2'],
  ['never goes back by itself', { currentReleaseId: 3, predecessors: [proven(2)] }, '3'],
  ['the one before has nothing yet', { predecessors: [proven(null)] }, '1 PredecessorNotThere'],
  ['the one before has no clusters', { predecessors: [proven(2, { placements: 0 })] }, '1 PredecessorHasNoClusters'],
  [
    'the one before waits for its clusters to enrol',
    { predecessors: [proven(2, { placements: 0, unenrolled: ['d1'] })] },
    '1 PredecessorNotEnrolled',
  ],
  ['the one before is rolling out', { predecessors: [proven(2, { running: true })] }, '1 PredecessorRollingOut'],
  ['nothing was changed before', { predecessors: [proven(2, { exercised: false })] }, '1 NotExercised'],
  ['nothing was changed before, approved by hand', { predecessors: [proven(2, { exercised: false })], approvedReleaseId: 2 }, '2'],
  [
    'nothing was changed before, another one approved',
    { predecessors: [proven(2, { exercised: false })], approvedReleaseId: 3 },
    '1 NotExercised',
  ],
  ['nothing was changed before, which is allowed', { predecessors: [proven(2, { exercised: false })], allowUnexercised: true }, '2'],
  ['not healthy now', { predecessors: [proven(2, { unproven: ['d1 (SpokeSilent)'] })] }, '1 PredecessorNotHealthy'],
  ['two before, of different releases', { predecessors: [proven(2), proven(3, { environment: 'qa' })] }, '1 PredecessorsDiffer'],
  [
    'two before, one not healthy',
    { predecessors: [proven(2), proven(2, { environment: 'qa', unproven: ['q1 (Crash)'] })] },
    '1 PredecessorNotHealthy',
  ],
  ['two before, both proved it', { predecessors: [proven(2), proven(2, { environment: 'qa' })] }, '2'],
  ['proved, but not for this environment', { predecessors: [proven(2)], releases: [release(2, false)] }, '1 NoVariant'],
  ['manual waits', { mode: 'Manual' }, '1 ManualPromotion'],
  ['manual, approved', { mode: 'Manual', approvedReleaseId: 3 }, '3'],
  ['manual, another one approved', { mode: 'Manual', approvedReleaseId: 2 }, '1 ManualPromotion'],
  [
    'an approval replaces no evidence',
    { mode: 'Manual', approvedReleaseId: 2, predecessors: [proven(2, { unproven: ['d1 (Crash)'] })] },
    '1 PredecessorNotHealthy',
  ],
  ['what is left out proves nothing and hinders nothing', { predecessors: [proven(2, { leftOut: ['d1 (Suspended)'] })] }, '2'],
  [
    'all that could prove it is left out',
    { predecessors: [proven(2, { leftOut: ['d1 (Suspended)'], proven: false })] },
    '1 PredecessorLeftOut',
  ],
  [
    'all that could prove it is left out: not what allowUnexercised is for',
    { predecessors: [proven(2, { exercised: false, leftOut: ['d1 (Frozen)'], proven: false })], allowUnexercised: true },
    '1 PredecessorLeftOut',
  ],
  [
    'all that could prove it is left out, approved by hand',
    { predecessors: [proven(2, { leftOut: ['d1 (Suspended)'], proven: false })], approvedReleaseId: 2 },
    '2',
  ],
  ['frozen: nothing begins', { frozen }, 'null EnvironmentFrozen'],
  ['frozen, and approved by hand', { frozen, approvedReleaseId: 3 }, 'null EnvironmentFrozen'],
  ['frozen with an old record', { frozen, recordBehind: true }, 'null RecordBehind'],
  ['a suspended rollout is not superseded by itself', { suspended, runningReleaseId: 2 }, 'null RolloutSuspended'],
  ['nor joined', { suspended, runningReleaseId: 3 }, 'null RolloutSuspended'],
  ['a person supersedes it', { suspended, runningReleaseId: 2, approvedReleaseId: 3 }, '3'],
  ['with a release that may begin, no other', { suspended, runningReleaseId: 3, approvedReleaseId: 2 }, 'null RolloutSuspended'],
  ['settling', { settling: true }, '1 Settling'],
  ['settling, nothing to take', { settling: true, currentReleaseId: 3 }, '3'],
  ['an old record', { recordBehind: true }, 'null RecordBehind'],
  ['selects nothing', { enrolled: 0 }, '3 NothingSelected'],
  ['nobody has enrolled', { enrolled: 0, unenrolled: ['p1'] }, 'null NotEnrolled'],
  ['some have not enrolled', { unenrolled: ['p1'] }, '3 NotEnrolled'],
];
for (const [name, more, expected] of rows)
  test(`promotion: ${name}`, () => {
    const { releaseId, wait } = decide(offer(more));
    assert.equal(`${releaseId} ${wait.reason}`.trim(), expected);
  });

test('what it waits for is named', () => {
  const { wait } = decide(offer({ predecessors: [proven(2, { unproven: ['d1 (Crash)', 'd2 (SpokeSilent)'] })] }));
  assert.equal(wait.message, 'environment dev is not healthy now: d1 (Crash), d2 (SpokeSilent)');
});

test('never older than it has, never without evidence of every predecessor, never into what is frozen or stopped', () => {
  const ids = fc.option(fc.integer({ min: 1, max: 3 }), { nil: null });
  const predecessors = fc.array(
    fc.record({
      environment: fc.constantFrom('a', 'b'),
      currentReleaseId: ids,
      exercised: fc.boolean(),
      running: fc.boolean(),
      placements: fc.nat(2),
      unenrolled: fc.constant([]),
      unproven: fc.array(fc.constant('c (Crash)'), { maxLength: 1 }),
      leftOut: fc.constant([]),
      proven: fc.boolean(),
    }),
    { maxLength: 2 },
  );
  const stops = fc.constantFrom({}, {}, { frozen }, { suspended });
  fc.assert(
    fc.property(ids, ids, predecessors, fc.boolean(), fc.nat(1), stops, (current, running, before, settling, enrolled, stop) => {
      const { releaseId } = decide(
        offer({ currentReleaseId: current, runningReleaseId: running, predecessors: before, settling, enrolled, ...stop }),
      );
      const kept = Math.max(current ?? 0, running ?? 0);
      // Whether or not there is anything to take: what is stopped begins nothing.
      if ('frozen' in stop || 'suspended' in stop) return assert.equal(releaseId, null);
      assert.ok((releaseId ?? 0) >= kept);
      if (releaseId === null || releaseId === kept) return;
      assert.ok(!settling);
      for (const p of before)
        assert.ok(p.currentReleaseId === releaseId && p.exercised && !p.running && p.placements > 0 && p.unproven.length === 0 && p.proven);
    }),
    { numRuns: 2_000 },
  );
});
