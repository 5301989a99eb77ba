import type { AssignmentReport, Condition, Fence, Health, Hops } from '../../proto/mod.ts';
import type { HealthState } from '../../shared/kernel/mod.ts';
import { driftReport, type Stories } from '../drift/mod.ts';
import { refText } from '../kube/mod.ts';
import type { HealthSummary } from '../health/mod.ts';
import type { InventoryEntry } from '../plan/mod.ts';
import { conditionsAfter, type Said } from './conditions.ts';
import { inventoryHash } from './inventory.ts';

/** What stands between an assignment and its wanted revision. */
export interface Problem {
  /** CamelCase, of the list in the README. */
  readonly reason: string;
  readonly message: string;
  /** Waits for something that comes by itself; else it is somebody's to repair, and Degraded at once. */
  readonly waits: boolean;
  /** Whether it is tried again without a change of the assignment. */
  readonly retryable: boolean;
}

export interface Status {
  readonly uid: string;
  readonly fence: Fence | undefined;
  readonly wanted: string;
  readonly applied: string;
  /** Of the objects that are there, whatever is wanted. */
  readonly summary: HealthSummary;
  readonly drift: Stories;
  readonly problem: Problem | undefined;
  readonly stance: 'Enforce' | 'Observe' | 'Suspended' | 'Unassigned' | 'Removing' | 'Removed';
  /** Said beside a good health: what was corrected, held back or cannot be held. */
  readonly note: string;
  /** The problem has lasted longer than applied objects may take. */
  readonly late: boolean;
  readonly inventory: readonly InventoryEntry[];
  readonly prunePending: number;
  readonly hops: Hops;
  readonly traceparent: string;
}

interface Judgement {
  readonly health: HealthState;
  readonly reason: string;
  readonly message: string;
}

/** What is said of an assignment as a whole: of the wanted revision while that is not applied, of the objects once it is. Pure. */
export function judge({ stance, problem, late, wanted, applied, summary, note }: Status): Judgement {
  const joined = (message: string): string => [message, note].filter((text) => text !== '').join('; ');
  if (stance === 'Suspended') return { health: 'Suspended', reason: 'Suspended', message: 'nothing is written while it is suspended' };
  if (stance === 'Removed') return { health: 'Suspended', reason: 'Removed', message: 'nothing of it is left' };
  if (problem) {
    const health = problem.waits && !late ? 'Progressing' : 'Degraded';
    return { health, reason: problem.reason, message: joined(problem.message) };
  }
  if (stance === 'Removing') return { health: 'Progressing', reason: 'Removing', message: joined('its objects are being removed') };
  if (stance === 'Observe') return { health: 'Suspended', reason: 'Observed', message: joined('it is only observed') };
  if (stance === 'Unassigned')
    return { ...summary, reason: 'Unassigned', message: `nothing says what it should run, so it is kept; ${summary.message}` };
  if (applied !== wanted)
    return { health: late ? 'Degraded' : 'Progressing', reason: 'Applying', message: joined('the wanted revision is being applied') };
  return { health: summary.health, reason: summary.reason, message: joined(summary.message) };
}

export function reportOf(status: Status, before: readonly Condition[], nowMs: number): AssignmentReport {
  const { summary, inventory } = status;
  const judgement = judge(status);
  const reason = judgement.reason.slice(0, reasonMaxCharacters);
  const message = judgement.message.slice(0, messageMaxCharacters);
  return {
    assignmentUid: status.uid,
    fence: status.fence,
    revisionWanted: status.wanted,
    revisionApplied: status.applied,
    health: healthOf(judgement.health),
    reason,
    message,
    conditions: conditionsAfter(before, conditionsOf(status, { health: judgement.health, reason, message }), nowMs),
    counts: {
      healthy: summary.counts.Healthy,
      progressing: summary.counts.Progressing,
      degraded: summary.counts.Degraded,
      suspended: summary.counts.Suspended,
      unknown: summary.counts.Unknown,
    },
    objects: summary.objects.map((one) => ({
      object: refText(one.ref),
      health: healthOf(one.health),
      reason: one.reason.slice(0, reasonMaxCharacters),
      message: one.message,
    })),
    inventory: { objects: inventory.length, prunePending: status.prunePending, hash: inventoryHash(inventory) },
    hops: status.hops,
    traceparent: status.traceparent,
    removed: status.stance === 'Removed',
    ...driftReport(status.drift),
  };
}

const reasonMaxCharacters = 128;
const messageMaxCharacters = 4_000;

const healthOf = (state: HealthState): Health => `HEALTH_${state.toUpperCase() as Uppercase<HealthState>}`;

function conditionsOf({ problem, wanted, applied, stance }: Status, { health, reason, message }: Judgement): readonly Said[] {
  const running = stance === 'Enforce' || stance === 'Removing';
  const stalled = health === 'Degraded' || (problem !== undefined && !problem.retryable);
  const reconciling = running && !stalled && (applied !== wanted || problem !== undefined || health === 'Progressing');
  const say = (type: Said['type'], status: boolean | 'Unknown'): Said =>
    status === false
      ? { type, status: 'False', reason: type === 'Ready' ? reason : 'Not' + type, message: type === 'Ready' ? message : '' }
      : { type, status: status === true ? 'True' : status, reason, message };
  return [
    say('Ready', health === 'Healthy' && applied === wanted && !problem ? true : health === 'Unknown' ? 'Unknown' : false),
    say('Reconciling', reconciling),
    say('Stalled', stalled),
  ];
}
