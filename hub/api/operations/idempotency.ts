import type { Clock } from '#shared/clock/mod.ts';
import { digestOf } from '#shared/kernel/mod.ts';
import { ApiError } from '../problems/errors.ts';

const keysMax = 1_000;
const keptMs = 24 * 3_600_000;

interface Kept {
  readonly fingerprint: string;
  readonly at: number;
  /** undefined: still being worked on. */
  readonly answer: unknown;
}

/**
 * First answers by Idempotency-Key, so that a request whose answer got lost can be sent again. In memory, because an answer may hold a secret: after a restart
 * a repeat is a new request, which for everything here is harmless. Bounded: the oldest is forgotten first. What failed changed nothing and is not kept.
 */
export class Idempotency {
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Throws ApiError IDEMPOTENCY_KEY_REUSED, IDEMPOTENCY_KEY_BUSY, REQUEST_INVALID. */
  async once<T>(
    key: string,
    request: readonly string[],
    work: () => Promise<T>,
  ): Promise<{ readonly answer: T; readonly replayed: boolean }> {
    const fingerprint = digestOf(JSON.stringify(request));
    const at = this.#clock.now();
    const kept = this.#kept.get(key);
    if (kept && at - kept.at < keptMs) {
      if (kept.fingerprint !== fingerprint)
        throw new ApiError('IDEMPOTENCY_KEY_REUSED', 'this Idempotency-Key was used for another request');
      if (kept.answer === undefined)
        throw new ApiError('IDEMPOTENCY_KEY_BUSY', 'the first request with this Idempotency-Key is still being worked on');
      return { answer: kept.answer as T, replayed: true };
    }
    this.#keep(key, { fingerprint, at, answer: undefined });
    try {
      const answer = await work();
      this.#keep(key, { fingerprint, at, answer });
      return { answer, replayed: false };
    } catch (error) {
      this.#kept.delete(key);
      throw error;
    }
  }

  #keep(key: string, kept: Kept): void {
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > keysMax && oldest !== undefined) this.#kept.delete(oldest);
  }
}
