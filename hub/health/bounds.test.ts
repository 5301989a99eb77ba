import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AssignmentReport, Drift, ObjectReport } from '#proto/mod.ts';
import { boundedReport, healthLimits } from './bounds.ts';

const { objectsMax, reasonCharsMax, messageCharsMax, driftMax, driftFieldsMax, driftCharsMax } = healthLimits;
const drift = (count: number, over: Partial<Drift> = {}): Pick<AssignmentReport, 'drift'> => ({
  drift: Array.from({ length: count }, () => Drift.fromPartial(over)),
});

const rows: readonly (readonly [what: string, report: Partial<AssignmentReport>, problem: RegExp | undefined])[] = [
  ['as much as there may be', { ...drift(driftMax, { fields: Array.from({ length: driftFieldsMax }, () => '.spec') }) }, undefined],
  ['too many objects', { objects: Array.from({ length: objectsMax + 1 }, () => ObjectReport.fromPartial({})) }, /^21 objects/],
  ['a reason that is a novel', { reason: 'R'.repeat(reasonCharsMax + 1) }, /^a reason of 129 characters/],
  ['a message that is a library', { message: 'm'.repeat(messageCharsMax + 1) }, /^a message of 4097 characters/],
  ['a revision that is none', { revisionWanted: 'latest' }, /no sha256 digest/],
  ['too many that drifted', drift(driftMax + 1), /^21 objects that drifted/],
  ['too many fields', drift(1, { fields: Array.from({ length: driftFieldsMax + 1 }, () => '.spec') }), /^11 fields/],
  ['a path that never ends', drift(1, { fields: ['.a'.repeat(driftCharsMax)] }), /^a text of 2048 characters/],
  ['a manager that is a book', drift(2, { manager: 'm'.repeat(driftCharsMax + 1) }), /^a text of 1025 characters/],
  ['more bytes than a report may have', { message: 'm'.repeat(healthLimits.reportBytesMax) }, /bytes, at most 65536/],
];
for (const [what, report, problem] of rows)
  test(`a report with ${what}`, () => {
    const judged = boundedReport(AssignmentReport.encode(AssignmentReport.fromPartial({ assignmentUid: 'a', ...report })).finish());
    assert.equal(judged.ok, problem === undefined);
    if (!judged.ok) assert.match(judged.message, problem ?? /^$/);
  });

test('bytes that are no report', () => assert.deepEqual(boundedReport(Buffer.from([255, 255, 255])).ok, false));
