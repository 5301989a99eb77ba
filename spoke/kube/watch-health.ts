import type { Clock } from '../../shared/clock/mod.ts';
import { watchQuietMaxMs, type WatchHealth } from './port.ts';

interface Entry {
  readonly owner: object;
  at: number;
}

/**
 * When each watch last showed that it lives. A watch that must be listed again stays in here and grows older until it is watched anew: else a list that
 * never succeeds would look like nothing to watch.
 */
export class WatchTable {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A watch of `key` begins, for the first time or after a RESYNC. */
  begin(key: string, signal: AbortSignal): { progress(): void; end(): void } {
    const owner = {};
    const before = this.#entries.get(key);
    const entry: Entry = { owner, at: before?.at ?? this.#clock.monotonicMs() };
    this.#entries.set(key, entry);
    const end = (): void => {
      signal.removeEventListener('abort', end);
      if (this.#entries.get(key)?.owner === owner) this.#entries.delete(key);
    };
    signal.addEventListener('abort', end, { once: true });
    return { progress: () => (entry.at = this.#clock.monotonicMs()), end };
  }

  health(): WatchHealth {
    const now = this.#clock.monotonicMs();
    const ages = [...this.#entries].map(([key, entry]) => ({ kind: key.split(' ', 1)[0] ?? '', ms: now - entry.at }));
    return {
      watches: ages.length,
      quietestMs: Math.max(0, ...ages.map(({ ms }) => ms)),
      quiet: ages.filter(({ ms }) => ms > watchQuietMaxMs).map(({ kind }) => kind),
    };
  }
}
