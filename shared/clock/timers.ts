export interface Timer {
  readonly at: number;
  readonly seq: number;
  /** undefined: cancelled. */
  callback: (() => void) | undefined;
}

/** Timers in order of time, then of setting: a heap, for hundreds of thousands of them. */
export class Timers {
  readonly #heap: Timer[] = [];
  #seq = 0;

  set(at: number, callback: () => void): Timer {
    const timer: Timer = { at, seq: this.#seq++, callback };
    this.#push(timer);
    return timer;
  }

  /** Takes the first that is due by then; undefined: none is. */
  due(until: number): Timer | undefined {
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
