import type { Assignment } from '../../proto/mod.ts';
import { span } from '../../shared/telemetry/mod.ts';
import { changesText, dryRun } from '../apply/mod.ts';
import { compared, contestedVerdict, forgiven, nextLookMs } from '../drift/mod.ts';
import { summarise, type HealthSummary } from '../health/mod.ts';
import { refText } from '../kube/mod.ts';
import { applyRevision, contentOf, measure, prepare, type Ground } from './appliers.ts';
import { causesAgainMs, explained, lookForCauses } from './causes.ts';
import { kindIn } from './cluster.ts';
import { correctDrift, driftIn, keepWritten, lookAtDrift, nowOf, outcomesOf } from './corrections.ts';
import { decide, type Step } from './decide.ts';
import { checkWanted, inputsOf, say, type Entry } from './entries.ts';
import { ProblemError, problemOf, problemOfFailures } from './problems.ts';
import { prune, remove } from './removers.ts';
import { reportOf, type Problem, type Status } from './reports.ts';

/** What was said beside the health is old news after this long. */
const noteMs = 5 * 60_000;
const timeoutDefaultMs = 5 * 60_000;

/** One visit: looks at everything, does the one next step, says how it is. Whatever goes wrong is reported, never thrown. */
export async function visit(ground: Ground, entry: Entry, signal: AbortSignal): Promise<void> {
  const { assignment } = entry;
  // Between two visits nothing was said, so it was healthy until now.
  if (entry.wasHealthy) entry.healthyAtMs = ground.clock.now();
  try {
    await watchInventory(ground, entry);
    const drift = driftIn(ground, entry);
    const step = decide({ assignment, record: entry.record, drift });
    lookAtDrift(ground, entry, step, drift);
    await span('spoke.reconcile', { parent: assignment?.cause?.traceparent ?? '', attributes: { 'wheelhouse.step': step.do } }, () =>
      take(ground, entry, step, signal),
    ).finally(() => lookAtDrift(ground, entry, step, driftIn(ground, entry)));
    await lookForCauses(ground, entry, summaryOf(ground, entry), signal);
    checkWanted(entry, assignment);
    // Only now: while it is tried again, what was wrong is still the last that is known.
    entry.problem = undefined;
  } catch (error) {
    signal.throwIfAborted();
    // What was found out is about what was wanted before; the visit that follows says how it is now.
    if (entry.assignment !== assignment) return;
    const { reason, message } = entry.problem ?? {};
    setProblem(ground, entry, problemOf(error));
    if (entry.problem?.reason !== reason || entry.problem?.message !== message)
      ground.log.warn('assignment not reconciled', {
        assignment: entry.uid,
        reason: entry.problem?.reason,
        message: entry.problem?.message,
      });
  } finally {
    // What was looked at or judged, and not written, is free for others.
    ground.claims.keep(
      entry.uid,
      (entry.record?.inventory ?? []).map(({ ref }) => ref),
    );
  }
  report(ground, entry);
}

async function take(ground: Ground, entry: Entry, step: Step, signal: AbortSignal): Promise<void> {
  const { assignment } = entry;
  entry.observedKey = step.do === 'observe' ? entry.observedKey : '';
  if (step.do === 'keep' || step.do === 'suspend' || !assignment) return;
  switch (step.do) {
    case 'refuse':
      throw new ProblemError({ reason: step.reason, message: step.message, waits: false, retryable: false });
    case 'remove':
      entry.removed ||= await remove(ground, entry, assignment, signal);
      return;
    case 'observe':
      return observe(ground, entry, assignment, signal);
    case 'apply':
      await applyOrKeep(ground, entry, assignment, signal);
      break;
    case 'correct':
      await correctDrift(ground, entry, assignment, signal);
      break;
    case 'watch':
      break;
  }
  await pruneWhenHealthy(ground, entry, assignment, signal);
}

/** The wanted revision; while that cannot be had, what is there is kept as it was written. */
async function applyOrKeep(ground: Ground, entry: Entry, assignment: Assignment, signal: AbortSignal): Promise<void> {
  const { problem } = entry;
  try {
    // What can never be right is not asked for again only because something moved.
    if (problem && !problem.retryable) throw new ProblemError(problem);
    if (!problem) say(ground, entry, '');
    report(ground, entry);
    await applyRevision(ground, entry, assignment, signal);
    entry.drift = forgiven(entry.drift);
  } catch (error) {
    checkWanted(entry, assignment);
    await keepWritten(ground, entry, signal);
    throw error;
  }
}

/** Kinds of what the record holds, for a process that has not written them itself. */
async function watchInventory(ground: Ground, entry: Entry): Promise<void> {
  const unwatched = (entry.record?.inventory ?? []).filter(({ ref }) => !ground.observer.isWatched(ref));
  if (unwatched.length === 0) return;
  const discovery = await ground.discoveries.get();
  ground.observer.watch(unwatched.map(({ ref }) => kindIn(discovery, ref)).filter((kind) => kind !== undefined));
}

async function pruneWhenHealthy(ground: Ground, entry: Entry, assignment: Assignment, signal: AbortSignal): Promise<void> {
  if (summaryOf(ground, entry).health !== 'Healthy') return;
  // Somebody else's change that is still to be corrected: then this is not the revision.
  if (driftIn(ground, entry).length > 0) return;
  await keepHealthy(ground, entry, assignment, signal);
  if (entry.unlisted.length > 0) return;
  const failures = await prune(ground, entry, assignment, signal);
  if (failures.length > 0) say(ground, entry, `not all could be pruned: ${problemOfFailures(failures).message}`);
}

/** Written once for a revision: a later process must not take what was healthy and is disturbed for what never was. */
async function keepHealthy(ground: Ground, entry: Entry, assignment: Assignment, signal: AbortSignal): Promise<void> {
  const { record } = entry;
  if (!record?.applied || record.applied.healthy) return;
  if (entry.hops.applied !== undefined) measure(ground, entry, assignment, 'healthy');
  await ground.save(entry, { ...record, applied: { ...record.applied, healthy: entry.hops } }, signal);
}

/** What would be done, by asking the API server and writing nothing; asked again only when something differs. */
async function observe(ground: Ground, entry: Entry, assignment: Assignment, signal: AbortSignal): Promise<void> {
  const drift = driftIn(ground, entry);
  const differs = drift.map(({ ref, kind }) => `${refText(ref)} ${kind} ${ground.observer.fieldsHash(ref)}`);
  const key = [assignment.revision, assignment.state, ...differs].join('\n');
  if (key === entry.observedKey && !entry.problem?.retryable) {
    if (entry.problem) throw new ProblemError(entry.problem);
    return;
  }
  entry.observedKey = key;
  if (assignment.state === 'ASSIGNMENT_STATE_REMOVED') {
    say(ground, entry, `would remove ${entry.record?.inventory.length ?? 0} objects`);
  } else {
    const content = await contentOf(ground, entry, assignment, signal);
    const { stages, writes, applier } = await prepare(ground, entry, content, signal);
    const { changes, failures } = await dryRun(stages, writes, applier, signal);
    if (failures.length > 0) throw new ProblemError(problemOfFailures(failures));
    if (entry.record?.applied?.revision === assignment.revision)
      entry.drift = compared(entry.drift, outcomesOf(entry.record.inventory, changes));
    say(ground, entry, `would be: ${changesText(changes)}`);
  }
}

const timeoutOf = (entry: Entry): number => inputsOf(entry)?.health.timeoutMs ?? timeoutDefaultMs;

export function setProblem(ground: Pick<Ground, 'clock'>, entry: Entry, problem: Problem): void {
  if (!entry.problem) entry.problemAtMs = ground.clock.monotonicMs();
  entry.problem = problem;
}

/** Since when the wanted revision is waited for: a trouble that comes later has its own time to pass. */
const waitingSinceMs = ({ problem, problemAtMs, receivedAtMs }: Entry): number => (problem ? problemAtMs : receivedAtMs);

/** When what is applied would be called late, wall time: counted from the apply, or from when it was last seen healthy. */
const lateAtMs = (entry: Entry): number => Math.max(entry.record?.applied?.appliedAtMs ?? 0, entry.healthyAtMs) + timeoutOf(entry);

export function summaryOf(ground: Ground, entry: Entry): HealthSummary {
  const { record } = entry;
  const seen = (record?.applied ? record.inventory : [])
    .filter(({ dropped, uid, rebuilt }) => !dropped && (uid !== undefined || rebuilt))
    .map(({ ref, uid }) => ({ ref, uid, state: ground.observer.look(ref), trouble: contestedVerdict(entry.drift.get(refText(ref))) }));
  const timeoutMs = timeoutOf(entry);
  return summarise(seen, { waitedMs: ground.clock.now() - (lateAtMs(entry) - timeoutMs), timeoutMs });
}

/** Milliseconds until time alone changes what is said; undefined: it does not. */
export function lookAgainMs(ground: Ground, entry: Entry): number | undefined {
  const delays: number[] = [];
  const { clock } = ground;
  const summary = summaryOf(ground, entry);
  if (summary.counts.Progressing > 0) delays.push(lateAtMs(entry) - clock.now(), causesAgainMs(entry, summary) ?? 0);
  if (entry.problem?.waits) delays.push(waitingSinceMs(entry) + timeoutOf(entry) - clock.monotonicMs());
  delays.push(nextLookMs(entry.drift, nowOf(ground)) ?? 0);
  if (entry.note !== '') delays.push(entry.noteAtMs + noteMs - clock.monotonicMs());
  if (entry.unlisted.length > 0) delays.push(rebuildAgainMs);
  // A kind that is not served, or was not when it was asked for.
  if (entry.record?.inventory.some(({ ref }) => !ground.observer.isWatched(ref))) delays.push(unservedLookMs);
  const coming = delays.filter((ms) => ms > 0);
  return coming.length === 0 ? undefined : Math.min(...coming) + 1;
}

const unlistedMax = 3;
const unservedLookMs = 30_000;
const rebuildAgainMs = 30_000;

const stanceOf = ({ assignment, removed }: Entry): Status['stance'] => {
  if (!assignment) return 'Unassigned';
  if (assignment.mode === 'ASSIGNMENT_MODE_SUSPENDED') return 'Suspended';
  if (assignment.mode === 'ASSIGNMENT_MODE_OBSERVE') return 'Observe';
  if (assignment.state === 'ASSIGNMENT_STATE_REMOVED') return removed ? 'Removed' : 'Removing';
  return 'Enforce';
};

/** Says how the assignment is, if that differs from what was said last. */
export function report(ground: Ground, entry: Entry): void {
  const { assignment, record } = entry;
  const { clock } = ground;
  if (entry.note !== '' && clock.monotonicMs() - entry.noteAtMs >= noteMs) entry.note = '';
  const summary = explained(summaryOf(ground, entry), entry);
  const applied = record?.applied && !record.applying ? record.applied.revision : '';
  const wanted = assignment?.revision ?? record?.applied?.revision ?? '';
  entry.wasHealthy = summary.health === 'Healthy';
  if (entry.wasHealthy) entry.healthyAtMs = clock.now();
  const value = reportOf(
    {
      uid: entry.uid,
      fence: entry.fence,
      wanted,
      applied,
      summary,
      drift: entry.drift,
      problem: entry.problem,
      stance: stanceOf(entry),
      note: notesOf(entry),
      late: clock.monotonicMs() - waitingSinceMs(entry) >= timeoutOf(entry),
      inventory: record?.inventory ?? [],
      prunePending: entry.prunePending,
      hops: (applied === wanted && record?.applied?.healthy) || entry.hops,
      traceparent: assignment?.cause?.traceparent ?? '',
    },
    entry.conditions,
    clock.now(),
  );
  entry.conditions = value.conditions;
  const text = JSON.stringify(value);
  if (text === entry.reported) return;
  entry.reported = text;
  ground.onReport(entry.uid, value);
}

function notesOf({ note, prunePending, record, unlisted }: Entry): string {
  const more = unlisted.length > unlistedMax ? ` and ${unlisted.length - unlistedMax} more` : '';
  const rebuilding =
    unlisted.length > 0 && record
      ? `Rebuilding: nothing is deleted until ${unlisted.slice(0, unlistedMax).join(', ')}${more} can be listed`
      : '';
  const pending = prunePending > 0 ? `PrunePending: ${prunePending} objects are kept until their deletion is approved` : '';
  const notHeld = record?.applied && !record.applied.layer ? 'ContentNotHeld: its content is only in the cache' : '';
  return [note, pending, rebuilding, notHeld].filter((text) => text !== '').join('; ');
}
