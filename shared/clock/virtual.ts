import type { Random } from '../kernel/mod.ts';
import type { Cancel, Clock } from './clock.ts';
import { Timers } from './timers.ts';

/** A clock that moves only when told to. Timers of one moment fire in the order they were set. */
export class VirtualClock implements Clock {
  readonly #timers = new Timers();
  readonly #start: number;
  readonly #turns: number;
  #now: number;
  /** Timers that fired so far. */
  fired = 0;

  /**
   * `turns`: of the event loop, after each timer, in which settles what it has set free. One is enough, and ten times faster, where everything waits for
   * promises and this clock alone.
   */
  constructor(startMs = Date.UTC(2026, 0, 1), { turns = 10 }: { readonly turns?: number } = {}) {
    this.#now = this.#start = startMs;
    this.#turns = turns;
  }

  now(): number {
    return this.#now;
  }

  monotonicMs(): number {
    return this.#now - this.#start;
  }

  after(ms: number, callback: () => void): Cancel {
    const timer = this.#timers.set(this.#now + Math.max(0, ms), callback);
    return () => {
      timer.callback = undefined;
    };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      const onAbort = (): void => {
        cancel();
        reject(signal?.reason as Error);
      };
      const cancel = this.after(ms, () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Moves time, firing what falls due on the way; lets promises settle after each timer. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    // What was begun just before may still be on its way to setting its timer.
    await this.#settle();
    for (let due = this.#timers.due(until); due; due = this.#timers.due(until)) {
      this.#now = due.at;
      this.fired += 1;
      due.callback?.();
      await this.#settle();
    }
    this.#now = until;
    await this.#settle();
  }

  async #settle(): Promise<void> {
    for (let turn = 0; turn < this.#turns; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

/** mulberry32: small, fast, good enough to draw schedules from; never for keys. The same seed gives the same run. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return { next, bytes: (count) => Uint8Array.from({ length: count }, () => Math.floor(next() * 256)) };
}
