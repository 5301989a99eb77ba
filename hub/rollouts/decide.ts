import type { RolloutClusterRow, RolloutRow } from '#hub/store/mod.ts';
import {
  exposed,
  isCarried,
  recounted,
  total,
  type Counters,
  type Move,
  type RolloutEvent,
  type Situation,
  type Step,
  type Subject,
} from './model.ts';
import { waitsFor } from './waits.ts';

/**
 * One look at a rollout: what the evidence says of its started clusters, who may start now, and whether it has ended. Sees counters and the few rows that
 * matter, never the whole fleet. Pure: the same situation gives the same step, and a step that was carried out gives nothing new.
 */
export function decide(situation: Situation): Step {
  const { rollout, superseded, now } = situation;
  if (rollout.state !== 'Progressing' && rollout.state !== 'Paused') return nothing(situation);
  if (superseded) return ended(nothing(situation), 'Superseded', 'Superseded', 'a newer rollout of the same target has begun', now);
  const judged = judge(situation);
  const step = start(situation, judged);
  if (step.counters.waiting > 0 || exposed(step.counters) > 0) return waiting(situation, judged, step);
  if (rollout.wave < rollout.waves) return { ...step, rollout: { ...rollout, wave: rollout.wave + 1 }, again: true };
  return succeeded(step, now);
}

const nothing = ({ rollout, counters }: Situation): Step => ({
  rollout,
  clusterRows: [],
  moves: [],
  events: [],
  dispatches: [],
  counters,
  again: false,
});

interface Judged {
  readonly counters: Counters;
  readonly subjects: readonly Subject[];
  readonly rows: readonly RolloutClusterRow[];
  readonly events: readonly RolloutEvent[];
}

function judge({ changed, counters, settling, now }: Situation): Judged {
  const subjects: Subject[] = [];
  const rows: RolloutClusterRow[] = [];
  const events: RolloutEvent[] = [];
  for (const subject of changed) {
    const row = judged(subject, settling, now);
    subjects.push({ ...subject, row });
    if (same(row, subject.row)) continue;
    rows.push(row);
    counters = recounted(counters, subject.row, row);
    if (row.state !== subject.row.state) events.push(eventOf(row, subject.clusterName));
  }
  return { counters, subjects, rows, events };
}

/** What the evidence makes of a started cluster. Missing evidence makes it wait; it never fails one and never finishes one. */
function judged({ row, evidence }: Subject, settling: boolean, now: number): RolloutClusterRow {
  const { vouched, health, reason, message } = evidence;
  if (row.state === 'Waiting' || row.state === 'Unchanged' || row.state === 'Skipped') return row;
  // Proven once: silence takes nothing back, only evidence against it does.
  if (row.state === 'Succeeded')
    return vouched && health === 'Degraded' ? { ...row, state: 'Degraded', reason, message, finished_at: null } : row;
  if (!vouched) return settling ? row : unvouched(row, reason, message);
  if (health === 'Healthy') return { ...row, state: 'Succeeded', reason: 'Healthy', message: '', finished_at: now };
  if (health === 'Degraded') return { ...row, state: 'Degraded', reason, message };
  // How far it is changes with every object: reports say that; a row per step of it would be noise in the record.
  return { ...row, state: 'Started', reason, message: '' };
}

/** Whose reports are on their way is there; of whom nothing comes, or who sees nothing, is not. */
function unvouched(row: RolloutClusterRow, reason: string, message: string): RolloutClusterRow {
  if (reason !== 'ReportsOutOfDate') return { ...row, state: 'Unreachable', reason, message };
  return row.state === 'Degraded' ? row : { ...row, state: 'Started', reason, message: '' };
}

const same = (a: RolloutClusterRow, b: RolloutClusterRow): boolean =>
  a.state === b.state && a.reason === b.reason && a.message === b.message && a.finished_at === b.finished_at;

const eventOf = (row: RolloutClusterRow, clusterName: string): RolloutEvent => ({
  type: row.state === 'Degraded' || row.state === 'Unreachable' ? 'Warning' : 'Normal',
  reason: `Cluster${row.state}`,
  message: row.message ? `${clusterName}: ${row.reason}: ${row.message}` : `${clusterName}: ${row.reason}`,
});

/** Rule 6: a cluster starts only while in-flight + degraded + unreachable-after-start is below the limit, on evidence fresh at this decision. */
function start(situation: Situation, judged: Judged): Step {
  const { rollout, candidates, hold, settling, recordBehind, now } = situation;
  const mayStart = rollout.state === 'Progressing' && !hold && !settling && !recordBehind;
  const rows = [...judged.rows];
  const events = [...judged.events];
  const moves: Move[] = [];
  const dispatches: number[] = [];
  let { counters } = judged;
  let freed = false;
  for (const candidate of candidates) {
    const { row, clusterName } = candidate;
    const idle = needsNothing(candidate, now) ?? skipped(candidate, now);
    // A carried cluster counts already: giving it what may repair it takes no further place.
    const place = isCarried(row) || exposed(counters) < rollout.max_concurrent;
    const starts = !idle && mayStart && place && candidate.evidence.vouched;
    const next = idle ?? (starts ? started(candidate, now) : returned(row));
    if (!next || same(next, row)) continue;
    rows.push(next);
    counters = recounted(counters, row, next);
    if (next.state !== 'Waiting') events.push(eventOf(next, clusterName));
    freed ||= idle !== undefined;
    if (!starts) continue;
    moves.push(moveOf(rollout, row));
    dispatches.push(row.cluster_id);
  }
  const again = (freed && counters.waiting > 0) || (situation.more && judged.rows.length > 0);
  return { rollout, clusterRows: rows, moves, events, dispatches, counters, again };
}

/** A cluster that is there already is not touched; one that is Held gets nothing new. */
function needsNothing({ row, placementState, wantedRevisionId }: Subject, now: number): RolloutClusterRow | undefined {
  const unchanged = (reason: string, message: string): RolloutClusterRow => ({
    ...row,
    state: 'Unchanged',
    reason,
    message,
    finished_at: now,
  });
  if (placementState === 'Held') return unchanged('Held', 'keeps running what it runs');
  if (wantedRevisionId === row.to_revision_id && !isCarried(row)) return unchanged('SameRevision', 'the revision was wanted already');
  return undefined;
}

/**
 * A cluster that a person has frozen, or the app on it suspended, is left out until that ends: it is not waited for. What an earlier rollout has left in flight
 * there was not started by this one, and counts here no more; how it fares still holds back the next environment.
 */
const skipped = ({ row, leftOut }: Subject, now: number): RolloutClusterRow | undefined =>
  leftOut && { ...row, state: 'Skipped', ...leftOut, started_at: null, finished_at: row.state === 'Skipped' ? row.finished_at : now };

/** Left out no more, while the rollout is still there to take it. */
const returned = (row: RolloutClusterRow): RolloutClusterRow | undefined =>
  row.state === 'Skipped' ? { ...row, state: 'Waiting', reason: 'Waiting', message: '', finished_at: null } : undefined;

const started = ({ row, evidence }: Subject, now: number): RolloutClusterRow => ({
  ...row,
  state: 'Started',
  reason: evidence.reason,
  message: '',
  started_at: row.started_at ?? now,
  finished_at: null,
});

const moveOf = (rollout: RolloutRow, row: RolloutClusterRow): Move => ({
  placementId: row.placement_id,
  revisionId: row.to_revision_id,
  variantId: row.to_variant_id,
  rolloutId: rollout.id,
  traceparent: rollout.traceparent,
});

function waiting(situation: Situation, { subjects }: Judged, step: Step): Step {
  const { reason, message } = waitsFor({ ...situation, changed: subjects, counters: step.counters });
  const { rollout } = situation;
  const type = calm.has(reason) ? ('Normal' as const) : ('Warning' as const);
  const told = reason === rollout.reason || reason === 'Progressing';
  const events = told ? step.events : [...step.events, { type, reason, message }];
  return { ...step, rollout: { ...rollout, reason, message }, events };
}

/** Waits that somebody wanted, or that pass by themselves. */
const calm: ReadonlySet<string> = new Set(['Settling', 'Paused', 'RolloutSuspended', 'EnvironmentFrozen', 'FleetFrozen']);

function succeeded(step: Step, now: number): Step {
  const { counters } = step;
  const end = (reason: string, message: string): Step => ended(step, 'Succeeded', reason, message, now);
  const left = counters.skipped > 0 ? `, ${counters.skipped} left out (frozen or suspended)` : '';
  if (total(counters) === 0) return end('NoClusters', 'no cluster is selected: nothing was proved');
  if (counters.skipped === total(counters))
    return end('AllSkipped', `all ${counters.skipped} clusters are left out (frozen or suspended): nothing was proved`);
  if (counters.succeeded === 0)
    return end(
      'AllUnchanged',
      `nothing had to be done on ${counters.unchanged} clusters: they had the revision already, or are held${left}`,
    );
  return end('AllHealthy', `${counters.succeeded} clusters healthy, ${counters.unchanged} unchanged${left}`);
}

function ended(step: Step, state: 'Succeeded' | 'Superseded', reason: string, message: string, now: number): Step {
  const rollout = { ...step.rollout, state, reason, message, finished_at: now };
  return { ...step, rollout, events: [...step.events, { type: 'Normal', reason, message }], again: false };
}
