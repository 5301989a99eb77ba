import type { Clock } from '#shared/clock/mod.ts';
import { ApiError } from '../problems/errors.ts';
import type { Streamed } from '../operations/operation.ts';
import type { Feed } from './feed.ts';
import { whenAborted } from './ends.ts';
import { Watcher, watchLimits, type WatchOptions } from './watcher.ts';

/** As many watchers as the hub takes. */
export class Watchers {
  readonly #feed: Feed;
  readonly #clock: Clock;
  #open = 0;

  constructor(feed: Feed, clock: Clock) {
    this.#feed = feed;
    this.#clock = clock;
  }

  /** Throws ApiError TOO_MANY_WATCHERS, WATCH_EXPIRED. */
  async open(options: Omit<WatchOptions, 'feed' | 'clock'>): Promise<Streamed> {
    if (this.#open >= watchLimits.watchersMax)
      throw new ApiError('TOO_MANY_WATCHERS', `${watchLimits.watchersMax} watchers are there already`);
    this.#open++;
    const closed = (): void => void this.#open--;
    try {
      const stream = await Watcher.open({ ...options, feed: this.#feed, clock: this.#clock });
      whenAborted(options.signal, closed);
      return { stream };
    } catch (error) {
      closed();
      throw error;
    }
  }
}
