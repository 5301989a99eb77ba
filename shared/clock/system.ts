import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../kernel/mod.ts';
import type { Clock } from './clock.ts';

/** Node's timers hold so many milliseconds, 25 days; of more they make one. */
const timerMaxMs = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: async (ms, signal) => {
    try {
      await sleep(ms, undefined, signal ? { signal } : {});
    } catch (error) {
      // Node rejects with an AbortError of its own; who waits wants to know why it was told to stop.
      throw signal?.aborted ? signal.reason : error;
    }
  },
  after: (ms, callback) => {
    let timer: NodeJS.Timeout;
    const wait = (leftMs: number): void => {
      const stepMs = Math.min(leftMs, timerMaxMs);
      timer = setTimeout(() => (stepMs < leftMs ? wait(leftMs - stepMs) : callback()), stepMs);
      timer.unref();
    };
    wait(ms);
    return () => clearTimeout(timer);
  },
};

/** Resolves after whatever else waits for its turn has had it: between the steps of long work. */
export const letOthersRun = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export const systemRandom: Random = {
  next: () => Math.random(),
  bytes: (count) => randomBytes(count),
};
