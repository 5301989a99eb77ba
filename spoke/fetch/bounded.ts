import type { Clock } from '../../shared/clock/mod.ts';
import { ContentError } from './errors.ts';
import type { ContentFetcher } from './fetcher.ts';

const perRegistryMax = 4;
const fetchTimeoutMs = 30_000;

/** At most a few fetches from one registry at a time, each with its time: a registry that hangs is waited for only by those who need it. */
export function boundedFetcher(inner: ContentFetcher, clock: Clock): ContentFetcher {
  const registries = new Map<string, Slots>();
  return {
    fetch: async (assignment, held, signal, onFetched) => {
      const host = assignment.variant?.repository.split('/')[0] ?? '';
      const slots = registries.get(host) ?? new Slots(perRegistryMax);
      registries.set(host, slots);
      await slots.take();
      const end = new AbortController();
      const cancel = clock.after(fetchTimeoutMs, () =>
        end.abort(new ContentError('UNAVAILABLE', `${host}: not fetched within ${fetchTimeoutMs / 1000} s`)),
      );
      try {
        signal.throwIfAborted();
        return await inner.fetch(assignment, held, AbortSignal.any([signal, end.signal]), onFetched);
      } finally {
        cancel();
        slots.leave();
        if (slots.idle) registries.delete(host);
      }
    },
  };
}

/** First come, first served. */
class Slots {
  #free: number;
  readonly #max: number;
  readonly #waiting: (() => void)[] = [];

  constructor(max: number) {
    this.#free = this.#max = max;
  }

  get idle(): boolean {
    return this.#free === this.#max;
  }

  take(): Promise<void> {
    if (this.#free > 0) {
      this.#free -= 1;
      return Promise.resolve();
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free += 1;
  }
}
