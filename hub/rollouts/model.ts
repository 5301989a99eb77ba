import type { Evidence } from '#hub/health/mod.ts';
import type { RolloutClusterRow, RolloutRow } from '#hub/store/mod.ts';

/** How many clusters of a wave are in which state. */
export interface Counters {
  readonly waiting: number;
  /** Of those waiting: started by the rollout before, so they run something unproven and count although their turn has not come. */
  readonly carried: number;
  readonly started: number;
  readonly degraded: number;
  readonly unreachable: number;
  readonly succeeded: number;
  readonly unchanged: number;
  /** Frozen or suspended when their turn came: left out. */
  readonly skipped: number;
}

/** What something waits for, or why it is left out. */
export interface Wait {
  /** CamelCase. */
  readonly reason: string;
  readonly message: string;
}

/** One cluster of the rollout, with what may be believed about it at this moment. */
export interface Subject {
  readonly row: RolloutClusterRow;
  readonly clusterName: string;
  readonly placementState: 'Active' | 'Held';
  /** Frozen or suspended: while it has not been started, nothing new goes there. */
  readonly leftOut: Wait | undefined;
  readonly wantedRevisionId: number | null;
  /** About the row's `to_revision`. */
  readonly evidence: Evidence;
}

export interface Situation {
  readonly rollout: RolloutRow;
  /** Of the rollout's current wave. */
  readonly counters: Counters;
  /** Clusters that have been started, and succeeded ones that look bad again. */
  readonly changed: readonly Subject[];
  /** More are in flight than `changed` holds: when these have moved on, the others have to be looked at. */
  readonly more: boolean;
  /** The next that could start, carried ones first; and those that were left out and need not be any more. */
  readonly candidates: readonly Subject[];
  /** Waiting clusters that were passed over because nothing vouches for them; at most a few names. */
  readonly passedOver: readonly string[];
  /** A newer rollout of the same target has begun. */
  readonly superseded: boolean;
  /** A person has stopped this rollout, its environment or the whole fleet: no cluster starts. */
  readonly hold: Wait | undefined;
  readonly settling: boolean;
  readonly recordBehind: boolean;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** What becomes of a placement whose turn has come. */
export interface Move {
  readonly placementId: number;
  readonly revisionId: number;
  readonly variantId: number;
  readonly rolloutId: number;
  readonly traceparent: string;
}

export interface RolloutEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

export interface Step {
  readonly rollout: RolloutRow;
  /** Only rows that differ from before. */
  readonly clusterRows: readonly RolloutClusterRow[];
  readonly moves: readonly Move[];
  readonly events: readonly RolloutEvent[];
  /** Ids of clusters whose desired state has to be composed again. */
  readonly dispatches: readonly number[];
  /** Counters after the step. */
  readonly counters: Counters;
  /** There is more to decide at once: a place became free, or another wave begins. */
  readonly again: boolean;
}

/** Clusters that count against the limit. */
export const exposed = (c: Counters): number => c.started + c.degraded + c.unreachable + c.carried;

export const total = (c: Counters): number => c.waiting + c.started + c.degraded + c.unreachable + c.succeeded + c.unchanged + c.skipped;

const words = {
  Waiting: 'waiting',
  Started: 'started',
  Degraded: 'degraded',
  Unreachable: 'unreachable',
  Succeeded: 'succeeded',
  Unchanged: 'unchanged',
  Skipped: 'skipped',
} as const;

export const isCarried = (row: RolloutClusterRow): boolean => row.state === 'Waiting' && row.started_at !== null;

const none: Counters = { waiting: 0, carried: 0, started: 0, degraded: 0, unreachable: 0, succeeded: 0, unchanged: 0, skipped: 0 };

function count(counters: Counters, row: RolloutClusterRow, by: 1 | -1): Counters {
  const word = words[row.state];
  return { ...counters, [word]: counters[word] + by, carried: counters.carried + (isCarried(row) ? by : 0) };
}

/** The counters after a row has changed. */
export const recounted = (counters: Counters, before: RolloutClusterRow, after: RolloutClusterRow): Counters =>
  count(count(counters, before, -1), after, 1);

/** Counts from scratch: what the running counters must always equal. */
export const recount = (rows: Iterable<RolloutClusterRow>): Counters => {
  let counters = none;
  for (const row of rows) counters = count(counters, row, 1);
  return counters;
};
