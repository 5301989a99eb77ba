import { isDigest } from '#shared/kernel/mod.ts';
import { AssignmentReport, type Facts } from '#proto/mod.ts';

export const healthLimits = {
  reportBytesMax: 64 * 1024,
  objectsMax: 20,
  conditionsMax: 20,
  /** Twice what a spoke lists: one that says more is hostile, not new. */
  driftMax: 20,
  driftFieldsMax: 10,
  /** Of each text in them; the longest is a reference to an object. */
  driftCharsMax: 1_024,
  reasonCharsMax: 128,
  messageCharsMax: 4_096,
  /** Remembered of one snapshot: twice what a desired state can assign. */
  snapshotUidsMax: 4_000,
  /** Of a message kept with a refusal. */
  refusalCharsMax: 512,
  refusalsPerClusterMax: 100,
  factLabelsMax: 64,
  factCharsMax: 256,
  /** Reports that wait for the next group commit; more make their streams wait. */
  queuedMax: 2_000,
} as const;

export const clip = (text: string, charsMax: number): string => (text.length <= charsMax ? text : `${text.slice(0, charsMax - 1)}…`);

/**
 * A report from the bytes that travelled, or what is wrong with it. It is refused whole: a shortened one would never again hash like the sender's. The bytes
 * themselves are what is kept: a field that this hub does not know yet is part of them.
 */
export function boundedReport(
  bytes: Uint8Array,
): { readonly ok: true; readonly report: AssignmentReport } | { readonly ok: false; readonly uid: string; readonly message: string } {
  if (bytes.byteLength > healthLimits.reportBytesMax)
    return { ok: false, uid: '', message: `${bytes.byteLength} bytes, at most ${healthLimits.reportBytesMax}` };
  let report: AssignmentReport;
  try {
    report = AssignmentReport.decode(bytes);
  } catch {
    return { ok: false, uid: '', message: 'not an AssignmentReport' };
  }
  const problem = problemOf(report);
  return problem ? { ok: false, uid: clip(report.assignmentUid, 63), message: problem } : { ok: true, report };
}

function problemOf(report: AssignmentReport): string | undefined {
  const { objectsMax, conditionsMax, reasonCharsMax, messageCharsMax } = healthLimits;
  if (report.objects.length > objectsMax) return `${report.objects.length} objects, at most ${objectsMax}`;
  if (report.conditions.length > conditionsMax) return `${report.conditions.length} conditions, at most ${conditionsMax}`;
  if (report.reason.length > reasonCharsMax) return `a reason of ${report.reason.length} characters, at most ${reasonCharsMax}`;
  if (report.message.length > messageCharsMax) return `a message of ${report.message.length} characters, at most ${messageCharsMax}`;
  for (const revision of [report.revisionWanted, report.revisionApplied])
    if (revision !== '' && !isDigest(revision)) return 'a revision that is no sha256 digest';
  return driftProblem(report.drift);
}

/** All of it becomes events that people read. */
function driftProblem(drift: AssignmentReport['drift']): string | undefined {
  const { driftMax, driftFieldsMax, driftCharsMax } = healthLimits;
  if (drift.length > driftMax) return `${drift.length} objects that drifted, at most ${driftMax}`;
  for (const { object, fields, manager, operation, subresource } of drift) {
    if (fields.length > driftFieldsMax) return `${fields.length} fields of one object that drifted, at most ${driftFieldsMax}`;
    const longest = Math.max(...[object, manager, operation, subresource, ...fields].map((text) => text.length));
    if (longest > driftCharsMax) return `a text of ${longest} characters about drift, at most ${driftCharsMax}`;
  }
  return undefined;
}

/** What a spoke says of itself, as the record keeps it: JSON with sorted keys, bounded. Shown, never selected on. */
export function factsText(facts: Facts | undefined, spokeVersion: string, capabilities: readonly string[]): string {
  const { factLabelsMax, factCharsMax } = healthLimits;
  const short = (text: string): string => clip(text, factCharsMax);
  const labels = Object.entries(facts?.labels ?? {})
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .slice(0, factLabelsMax)
    .map(([name, value]) => [short(name), short(value)] as const);
  return JSON.stringify({
    capabilities: capabilities.slice(0, factLabelsMax).map(short).toSorted(),
    kubernetesVersion: short(facts?.kubernetesVersion ?? ''),
    labels: Object.fromEntries(labels),
    nodes: facts?.nodes ?? 0,
    spokeVersion: short(spokeVersion),
  });
}
