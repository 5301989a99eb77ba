import type { HealthState } from '#shared/kernel/mod.ts';

/** Something that was observed of a cluster or a placement, before it is counted. */
export interface Happening {
  readonly type: 'Normal' | 'Warning';
  /** CamelCase: Connected, NotConnected, SpokeSilent, ClusterApiSilent, Healthy, Degraded, Unknown, Drifted, DriftCorrected, DriftContested. */
  readonly reason: string;
  /** What makes two of the same reason different things. */
  readonly cause: string;
  readonly message: string;
  /** `manager:<field manager>`; '' when nobody is known to have done it. */
  readonly actor: string;
  /** How often it happened since it was looked at last, at least 1. */
  readonly times: number;
}

/** What was told of a cluster last. */
export interface ToldCluster {
  /** Connected, or why it was silent. */
  readonly contact: string;
  /** When that began, epoch milliseconds. */
  readonly at: number;
}

/** What was told of one object's drift last. */
export interface ToldDrift {
  /** When the story began, by the spoke's clock: only compared for equality. */
  readonly firstMs: number;
  readonly corrections: number;
  readonly state: string;
}

/** What was told of a placement last. */
export interface ToldPlacement {
  /** '': nothing yet. */
  readonly health: Extract<HealthState, 'Healthy' | 'Degraded' | 'Unknown'> | '';
  readonly reason: string;
  /** When that began, epoch milliseconds. */
  readonly at: number;
  readonly drift: Readonly<Record<string, ToldDrift>>;
}

/** What a look found: what to tell, and what has been told after that; the same `told` when nothing is new. */
export interface News<T> {
  readonly told: T | undefined;
  readonly happenings: readonly Happening[];
}

export const eventLimits = {
  /** The same again within this time is the same event, counted. */
  windowMs: 3_600_000,
  perObjectMax: 20,
  /** Of the fleet; the oldest are forgotten, a thousand at a time. */
  keptMax: 100_000,
  trimEvery: 1_000,
  messageCharsMax: 1_024,
} as const;
