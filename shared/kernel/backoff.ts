import type { Random } from './ids.ts';

export interface Backoff {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** Delay before attempt n (from 1): doubling, capped, spread over 50-150 % so that a restart of one side is not met by every peer at once. */
export function backoffMs({ firstMs, maxMs }: Backoff, attempt: number, random: Random): number {
  return Math.round(Math.min(firstMs * 2 ** Math.min(attempt - 1, 30), maxMs) * (0.5 + random.next()));
}

/** The longest that `backoffMs` can say. */
export const longestBackoffMs = ({ maxMs }: Backoff): number => maxMs * 1.5;

/** How a spoke comes back to its hub: the hub must not call anybody gone who may still be on the way. */
export const reconnectBackoff: Backoff = { firstMs: 500, maxMs: 15_000 };

/** A period with jitter of ±`share`: what recurs on ten thousand spokes must not recur at once. */
export const jitteredMs = (periodMs: number, share: number, random: Random): number =>
  Math.round(periodMs * (1 + share * (2 * random.next() - 1)));
