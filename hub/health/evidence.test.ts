import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { AssignmentReport } from '#proto/mod.ts';
import { evidenceOf, reportRow, silenceOf } from './evidence.ts';
import { beatsMax, type Contact, type Dispatched, type Reported, type Timing } from './model.ts';

const beatMs = 4_000;
const now = 1_000_000;
const timing: Timing = { nowMs: now, beatMs, settling: false };
const fresh: Contact = {
  connected: true,
  sinceMs: now - 60_000,
  beatMs: now - 1_000,
  vouchedMs: now - 1_000,
  doubt: '',
  doubtMessage: '',
  fence: { epoch: 1, generation: 5 },
};
const sent = (generation: number, more: Partial<Dispatched> = {}): Dispatched => ({
  revision: 'r2',
  epoch: 1,
  generation,
  published: true,
  ...more,
});
const ran = (health: Reported['health'], applied = 'r2', wanted = 'r2'): Reported => ({
  revisionWanted: wanted,
  revisionApplied: applied,
  health,
  reason: 'Said',
  message: 'by the spoke',
  receivedAt: 0,
});

const rows: readonly [
  string,
  {
    wanted?: string;
    mode?: 'Observe' | 'Suspended';
    reported?: Reported | undefined;
    contact?: Contact | undefined;
    settling?: true;
    dispatched?: Dispatched | undefined;
  },
  string,
][] = [
  ['healthy for the wanted revision', { reported: ran('Healthy') }, 'Healthy Said'],
  ['healthy, but for another revision', { reported: ran('Healthy', 'r1', 'r1') }, 'Progressing NotReceived'],
  ['healthy with the old one while it works on the new one', { reported: ran('Healthy', 'r1') }, 'Progressing Said'],
  ['works on another one again', { reported: ran('Healthy', 'r2', 'r3') }, 'Progressing NotReceived'],
  ['could not apply the new one', { reported: ran('Degraded', 'r1') }, 'Degraded Said'],
  ['healthy, said by a spoke that has accepted the move to it', { reported: ran('Healthy'), dispatched: sent(5) }, 'Healthy Said'],
  ['healthy, but before it came back to it', { reported: ran('Healthy'), dispatched: sent(6) }, 'Progressing NotReceived'],
  [
    'the same, and the bus has not taken it',
    { reported: ran('Healthy'), dispatched: sent(6, { published: false }) },
    'Progressing NotPublished',
  ],
  [
    'healthy, and a move to it is not written yet',
    { reported: ran('Healthy'), dispatched: sent(4, { revision: 'r1' }) },
    'Progressing NotDispatched',
  ],
  ['healthy, and nothing was ever dispatched', { reported: ran('Healthy'), dispatched: undefined }, 'Progressing NotDispatched'],
  ['a higher epoch went out meanwhile', { reported: ran('Healthy'), dispatched: sent(1, { epoch: 2 }) }, 'Progressing NotReceived'],
  [
    'says what it has accepted of nothing',
    { reported: ran('Healthy'), contact: { ...fresh, fence: undefined } },
    'Progressing NotReceived',
  ],
  [
    'broken by the one before, the move not accepted',
    { reported: ran('Degraded', 'r1', 'r1'), dispatched: sent(6) },
    'Progressing NotReceived',
  ],
  ['degraded', { reported: ran('Degraded') }, 'Degraded Said'],
  ['progressing', { reported: ran('Progressing') }, 'Progressing Said'],
  ['no report', { reported: undefined }, 'Unknown NoReport'],
  ['nothing wanted', { wanted: '', reported: ran('Healthy', '', '') }, 'Unknown NothingWanted'],
  ['observed placements give no evidence', { mode: 'Observe', reported: ran('Healthy') }, 'Suspended Observe'],
  ['suspended, and the spoke says so', { mode: 'Suspended', reported: ran('Suspended') }, 'Suspended Suspended'],
  ['suspended, but the spoke goes on as before', { mode: 'Suspended', reported: ran('Healthy') }, 'Progressing NotReceived'],
  ['resumed, but the spoke leaves it alone still', { reported: ran('Suspended') }, 'Suspended Said'],
  ['never heard', { contact: undefined }, 'Unknown NotConnected'],
  ['never heard, hub just started', { contact: undefined, settling: true }, 'Unknown Settling'],
  ['beats that see nothing', { contact: { ...fresh, doubt: 'ClusterApiSilent' } }, 'Unknown ClusterApiSilent'],
  [
    'other reports than ours, for too long',
    { contact: { ...fresh, vouchedMs: now - 13_000, doubt: 'ReportsOutOfDate' } },
    'Unknown ReportsOutOfDate',
  ],
  ['other reports than ours, just now', { contact: { ...fresh, doubt: 'ReportsOutOfDate' } }, 'Healthy Said'],
  ['no beat for three intervals', { contact: { ...fresh, vouchedMs: now - 12_001 } }, 'Unknown SpokeSilent'],
  ['exactly three beats old', { contact: { ...fresh, vouchedMs: now - 12_000 } }, 'Healthy Said'],
  ['connected, no beat yet', { contact: { ...fresh, vouchedMs: undefined } }, 'Unknown SpokeSilent'],
  ['gone for long', { contact: { ...fresh, connected: false, vouchedMs: now - 20_000 } }, 'Unknown NotConnected'],
  ['gone a moment ago', { contact: { ...fresh, connected: false } }, 'Healthy Said'],
  ['gone for long, hub settling', { contact: { ...fresh, connected: false, vouchedMs: now - 20_000 }, settling: true }, 'Unknown Settling'],
];

for (const [name, given, expected] of rows)
  test(`evidence: ${name}`, () => {
    const reported = 'reported' in given ? given.reported : ran('Healthy');
    const contact = 'contact' in given ? given.contact : fresh;
    const dispatched = 'dispatched' in given ? given.dispatched : sent(5);
    const wanted = { revision: given.wanted ?? 'r2', mode: given.mode ?? ('Enforce' as const), dispatched };
    const evidence = evidenceOf(wanted, reported, contact, { ...timing, settling: given.settling ?? false });
    assert.equal(`${evidence.health} ${evidence.reason}`, expected);
  });

test('the age is that of the beat that vouched', () => {
  assert.equal(evidenceOf({ revision: 'r2', mode: 'Enforce', dispatched: sent(5) }, ran('Healthy'), fresh, timing).ageMs, 1_000);
});

test('healthy only by a vouched report about the wanted revision, whatever comes together', () => {
  const health = fc.constantFrom('Healthy', 'Progressing', 'Degraded', 'Suspended', 'Unknown' as const);
  const revision = fc.constantFrom('', 'r1', 'r2');
  const contacts = fc.record({
    connected: fc.boolean(),
    sinceMs: fc.nat(now),
    beatMs: fc.option(fc.nat(now), { nil: undefined }),
    vouchedMs: fc.option(fc.nat(now), { nil: undefined }),
    doubt: fc.constantFrom('', 'ClusterApiSilent', 'ReportsOutOfDate' as const),
    doubtMessage: fc.constant(''),
    fence: fc.option(fc.record({ epoch: fc.constant(1), generation: fc.integer({ min: 3, max: 7 }) }), { nil: undefined }),
  });
  fc.assert(
    fc.property(
      health,
      revision,
      revision,
      fc.option(contacts, { nil: undefined }),
      fc.boolean(),
      (said, applied, works, contact, settling) => {
        const evidence = evidenceOf({ revision: 'r2', mode: 'Enforce', dispatched: sent(5) }, ran(said, applied, works), contact, {
          ...timing,
          settling,
        });
        if (evidence.health !== 'Healthy') return;
        assert.ok(evidence.vouched && said === 'Healthy' && applied === 'r2');
        assert.ok((contact?.fence?.generation ?? 0) >= 5);
        assert.ok(contact?.vouchedMs !== undefined && now - contact.vouchedMs <= beatsMax * beatMs);
      },
    ),
  );
});

test('time alone never turns silence into evidence', () => {
  fc.assert(
    fc.property(fc.nat(60_000), fc.nat(60_000), (age, more) => {
      const at = (ms: number): boolean => silenceOf({ ...fresh, vouchedMs: 0 }, { nowMs: ms, beatMs, settling: false }) === undefined;
      assert.ok(at(age) || !at(age + more));
    }),
  );
});

// What the next report says -> since when it is so: the first one came at 1, the next at 9.
const transitions: readonly (readonly [string, Partial<AssignmentReport>, number])[] = [
  ['the same with another message', { message: 'still' }, 1],
  ['another revision wanted, the same still running', { revisionWanted: 'sha256:c' }, 1],
  ['another reason', { reason: 'OutOfMemory' }, 9],
  ['another health', { health: 'HEALTH_HEALTHY' }, 9],
  ['another revision running', { revisionApplied: 'sha256:c' }, 9],
];
for (const [what, change, since] of transitions)
  test(`since when: ${what}`, () => {
    const bytes = new Uint8Array();
    const said = {
      revisionWanted: 'sha256:b',
      revisionApplied: 'sha256:a',
      health: 'HEALTH_DEGRADED',
      reason: 'Crashing',
      message: '',
    } as const;
    const first = reportRow(1, bytes, AssignmentReport.fromPartial(said), 1);
    const next = reportRow(1, bytes, AssignmentReport.fromPartial({ ...said, ...change }), 9, first);
    assert.deepEqual([first.since, next.since, next.received_at], [1, since, 9]);
  });
