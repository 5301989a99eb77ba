import type { Clock } from '../../shared/clock/mod.ts';
import type { Descriptor, Fetcher, Repository, Resolver } from '../../shared/oci/mod.ts';
import { ContentError } from './errors.ts';

const perRegistryMax = 4;
const answerTimeoutMs = 30_000;
/** A link that is slower than this takes its time for large content beyond any patience. */
const bytesPerMsMin = 256;

/**
 * At most a few requests to one registry at a time, each with its time: a registry that hangs is waited for only by those who need it. What the cluster or
 * the cache holds needs none, and never waits here.
 */
export function boundedRegistry(inner: Resolver & Fetcher, clock: Clock): Resolver & Fetcher {
  const registries = new Map<string, Slots>();
  const bounded = async <T>(
    { registry }: Pick<Repository, 'registry'>,
    timeoutMs: number,
    signal: AbortSignal,
    ask: (s: AbortSignal) => Promise<T>,
  ): Promise<T> => {
    const slots = registries.get(registry) ?? new Slots(perRegistryMax);
    registries.set(registry, slots);
    await slots.take();
    const end = new AbortController();
    const cancel = clock.after(timeoutMs, () =>
      end.abort(new ContentError('UNAVAILABLE', `${registry}: no answer within ${Math.round(timeoutMs / 1000)} s`)),
    );
    try {
      signal.throwIfAborted();
      return await ask(AbortSignal.any([signal, end.signal]));
    } finally {
      cancel();
      slots.leave();
      if (slots.idle) registries.delete(registry);
    }
  };
  return {
    resolve: (reference, signal) => bounded(reference, answerTimeoutMs, signal, (s) => inner.resolve(reference, s)),
    fetch: (repository, descriptor, signal) =>
      bounded(repository, timeoutMsOf(descriptor), signal, (s) => inner.fetch(repository, descriptor, s)),
  };
}

const timeoutMsOf = ({ size }: Descriptor): number => answerTimeoutMs + Math.ceil(size / bytesPerMsMin);

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
