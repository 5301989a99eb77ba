/** After a start, or when many streams fall silent at once, the hub itself is the suspect. */
export interface Settling {
  readonly sinceMs: number;
  readonly why: 'HubStarted' | 'StreamsLost';
  /** How many clusters should be heard again. */
  readonly expected: number;
}

export interface SettlingLimits {
  /** Share of the expected clusters that ends it. */
  readonly heardShare: number;
  /** Share of the streams whose silence within three beats starts it. */
  readonly lostShare: number;
  /** And how many it takes at least: of a few streams one is a large share, and more likely a spoke that has died than a hub that is deaf. */
  readonly lostMin: number;
  readonly maxMs: number;
}

/** Three beats and the longest that a spoke may take to come back, but never longer than a minute. */
export const settlingLimits = (beatMs: number, reconnectMaxMs: number): SettlingLimits => ({
  heardShare: 0.95,
  lostShare: 0.2,
  lostMin: 2,
  maxMs: Math.min(60_000, 3 * beatMs + reconnectMaxMs),
});

export interface Heard {
  readonly nowMs: number;
  /** Clusters heard within three beats. */
  readonly live: number;
  /** Clusters that were heard, and fell silent within the last three beats. */
  readonly lost: number;
}

export const startSettling = (nowMs: number, expected: number): Settling | undefined =>
  expected > 0 ? { sinceMs: nowMs, why: 'HubStarted', expected } : undefined;

/** One look at the streams. Pure. */
export function settle(state: Settling | undefined, { nowMs, live, lost }: Heard, limits: SettlingLimits): Settling | undefined {
  if (state) {
    const heardAgain = live >= Math.ceil(state.expected * limits.heardShare);
    return heardAgain || nowMs - state.sinceMs >= limits.maxMs ? undefined : state;
  }
  const streams = live + lost;
  const many = lost >= limits.lostMin && lost > streams * limits.lostShare;
  return many ? { sinceMs: nowMs, why: 'StreamsLost', expected: streams } : undefined;
}
