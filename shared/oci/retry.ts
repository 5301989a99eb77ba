import type { Clock } from '../clock/mod.ts';
import { backoffMs, type Backoff, type Random } from '../kernel/mod.ts';
import { OciError, type OciCode } from './errors.ts';
import type { Registry } from './ports.ts';

export interface RetryPolicy {
  /** The first one counts. */
  readonly attemptsMax: number;
  readonly backoff: Backoff;
  /** What a registry may ask for by Retry-After; it is waited at most this long. */
  readonly retryAfterMaxMs: number;
}

export const retryPolicy: RetryPolicy = Object.freeze({
  attemptsMax: 4,
  backoff: { firstMs: 250, maxMs: 10_000 },
  retryAfterMaxMs: 60_000,
});

/** Whether it can be otherwise next time. Every verb may be repeated: content is named by its digest. */
const passes: Readonly<Record<OciCode, boolean>> = {
  BAD_REFERENCE: false,
  NOT_FOUND: false,
  UNAUTHORIZED: false,
  DENIED: false,
  TOO_MANY_REQUESTS: true,
  REGISTRY_UNAVAILABLE: true,
  TIMED_OUT: true,
  TRUNCATED: true,
  SIZE_EXCEEDED: false,
  DIGEST_MISMATCH: false,
  REDIRECT_REFUSED: false,
  CONTENT_REFUSED: false,
  BAD_RESPONSE: false,
};

export const isRetryable = (error: unknown): error is OciError => error instanceof OciError && passes[error.code];

/** Delay before the attempt after `attempt` (from 1); undefined: give up. */
export function nextDelayMs(error: unknown, attempt: number, random: Random, policy: RetryPolicy = retryPolicy): number | undefined {
  if (!isRetryable(error) || attempt >= policy.attemptsMax) return undefined;
  const asked = Math.min(error.retryAfterMs ?? 0, policy.retryAfterMaxMs);
  return Math.max(backoffMs(policy.backoff, attempt, random), asked);
}

/** A registry that tries again: the one layer that does. */
export function retried(inner: Registry, { clock, random, policy }: { clock: Clock; random: Random; policy?: RetryPolicy }): Registry {
  const again = async <T>(signal: AbortSignal, once: () => Promise<T>): Promise<T> => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await once();
      } catch (error) {
        const delayMs = nextDelayMs(error, attempt, random, policy);
        if (delayMs === undefined) throw error;
        await clock.sleep(delayMs, signal);
      }
    }
  };
  return {
    resolve: (reference, signal) => again(signal, () => inner.resolve(reference, signal)),
    fetch: (repository, descriptor, signal) => again(signal, () => inner.fetch(repository, descriptor, signal)),
    push: (repository, content, signal) => again(signal, () => inner.push(repository, content, signal)),
    tag: (repository, manifest, tag, signal) => again(signal, () => inner.tag(repository, manifest, tag, signal)),
  };
}
