import type { Fence, HealthState } from '#shared/kernel/mod.ts';

/** What the hub knows of one cluster's stream. All times are monotonic milliseconds of this process: nothing survives a restart, on purpose. */
export interface Contact {
  readonly connected: boolean;
  /** When the stream opened, or ended. */
  readonly sinceMs: number;
  /** The last beat of any kind. */
  readonly beatMs: number | undefined;
  /** The last beat that vouched: observing, and of the very reports that the hub holds. */
  readonly vouchedMs: number | undefined;
  /** Why the latest beat did not vouch; '' when it did. */
  readonly doubt: Doubt;
  readonly doubtMessage: string;
  /** What the spoke has accepted, as it said last; undefined: it has not. */
  readonly fence?: Fence | undefined;
}

export interface Connection {
  readonly state: 'Connected' | 'Disconnected' | 'NeverConnected';
  /** Since the last beat, or since the stream opened or ended; null when this hub has not heard of it. */
  readonly ageMs: number | null;
}

export type Doubt = '' | 'ClusterApiSilent' | 'FenceUnproven' | 'ReportsOutOfDate';

/** Why nothing can be said about a cluster. */
export type Silence = Exclude<Doubt, ''> | 'SpokeSilent' | 'NotConnected' | 'Settling';

/** What was dispatched to a placement last, and the fence that brought it at that move. */
export interface Dispatched extends Fence {
  readonly revision: string;
  /** Whether the bus has taken it. */
  readonly published: boolean;
}

/** What of a report row decides. */
export interface Reported {
  readonly revisionWanted: string;
  readonly revisionApplied: string;
  readonly health: HealthState;
  readonly reason: string;
  readonly message: string;
  /** Epoch milliseconds: shown, never decided on. */
  readonly receivedAt: number;
}

/** A report that may be decided on, or the reason why there is none. */
export interface Evidence {
  readonly health: HealthState;
  /** '' when nothing was reported. */
  readonly revisionApplied: string;
  readonly reason: string;
  readonly message: string;
  /** Since the beat that vouched last; since the contact began when none did. */
  readonly ageMs: number;
  /** False: health is Unknown and may only be waited for. */
  readonly vouched: boolean;
}

/** A beat is trusted for this many intervals. */
export const beatsMax = 3;

export interface Timing {
  /** The monotonic moment of the question, milliseconds. */
  readonly nowMs: number;
  readonly beatMs: number;
  /** The hub itself is the suspect: silence says nothing about a cluster. */
  readonly settling: boolean;
}
