import type { Cancel, Clock } from '#shared/clock/mod.ts';

interface Timer {
  readonly at: number;
  readonly seq: number;
  callback: (() => void) | undefined;
}

/**
 * A clock that moves only when told to, for hundreds of thousands of timers: a heap, and one turn of the event loop after each timer, in which every promise
 * that it has set free settles. Nothing in a simulated fleet waits for anything but promises and this clock.
 */
export class SimClock implements Clock {
  readonly #start = Date.UTC(2026, 0, 1);
  #now = this.#start;
  #seq = 0;
  #heap: Timer[] = [];
  /** Timers that fell due so far. */
  fired = 0;

  now(): number {
    return this.#now;
  }

  monotonicMs(): number {
    return this.#now - this.#start;
  }

  after(ms: number, callback: () => void): Cancel {
    const timer: Timer = { at: this.#now + Math.max(0, ms), seq: this.#seq++, callback };
    this.#push(timer);
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

  /** Moves time, firing what falls due on the way, in order of time and then of setting. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await settled();
    for (let due = this.#due(until); due; due = this.#due(until)) {
      this.#now = due.at;
      this.fired += 1;
      due.callback?.();
      await settled();
    }
    this.#now = until;
  }

  #due(until: number): Timer | undefined {
    for (;;) {
      const first = this.#heap[0];
      if (!first || (first.callback && first.at > until)) return undefined;
      this.#pop();
      if (first.callback) return first;
    }
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(timer, heap[parent] as Timer)) break;
      heap[at] = heap[parent] as Timer;
      at = parent;
    }
    heap[at] = timer;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Timer;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Timer, heap[child] as Timer)) child += 1;
      if (!isBefore(heap[child] as Timer, last)) break;
      heap[at] = heap[child] as Timer;
      at = child;
    }
    heap[at] = last;
  }
}

const isBefore = (a: Timer, b: Timer): boolean => a.at < b.at || (a.at === b.at && a.seq < b.seq);

/** A turn of the event loop: every promise that can settle has settled when it resolves. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
