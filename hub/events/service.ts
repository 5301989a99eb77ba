import type { Cancel, Clock } from '#shared/clock/mod.ts';
import type { Watch } from '#hub/health/mod.ts';
import { put, remove, sql, type Store, type Write } from '#hub/store/mod.ts';
import { eventLimits } from './model.ts';
import { findNews, surplus } from './record.ts';
import { noted } from './series.ts';

export interface EventOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly watch: Watch;
  readonly onError: (error: unknown) => void;
  /** Events of the whole fleet. */
  readonly keptMax?: number;
}

const collectMs = 200;
/** Looked at in one transaction: each may hold two thousand placements. */
const chunk = 20;
const page = 500;

/**
 * Looks at clusters of which something changed, and tells what is new about them and their placements. By level: a look that finds what was told last writes
 * nothing, so beats, repeats and restarts leave no row.
 */
export class EventService {
  readonly #options: EventOptions;
  readonly #dirty = new Set<number>();
  #cancel: Cancel | undefined;
  #looking: Promise<void> = Promise.resolve();
  /** Events written since the oldest were forgotten; at the start nobody knows. */
  #written: number = eventLimits.trimEvery;

  constructor(options: EventOptions) {
    this.#options = options;
  }

  /** What these clusters report, or whether it may be believed, has changed. */
  changed(clusterIds: Iterable<number>): void {
    for (const id of clusterIds) this.#dirty.add(id);
    this.#cancel ??= this.#options.clock.after(collectMs, () => {
      this.#cancel = undefined;
      void this.look();
    });
  }

  /** The hub hears its fleet again: clusters that were there before it started and have not come back are lost. Once per start, page by page. */
  async settled(): Promise<void> {
    const { store, watch, onError } = this.#options;
    try {
      for (let after = 0; ;) {
        const rows = await store.read
          .selectFrom('event_states')
          .innerJoin('clusters', 'clusters.id', 'event_states.object_id')
          .select('clusters.id')
          .where('clusters.id', '>', after)
          .where(sql<string>`json_extract(event_states.state, '$.contact')`, '=', 'Connected')
          .orderBy('clusters.id')
          .limit(page)
          .execute();
        this.changed(rows.map(({ id }) => id).filter((id) => watch.contactOf(id) === undefined));
        const last = rows.at(-1);
        if (!last || rows.length < page) return;
        after = last.id;
      }
    } catch (error) {
      onError(error);
    }
  }

  /** Looks at everything that has changed so far. Never rejects. */
  look(): Promise<void> {
    const ids = [...this.#dirty];
    this.#dirty.clear();
    for (let at = 0; at < ids.length; at += chunk) {
      const part = ids.slice(at, at + chunk);
      this.#looking = this.#looking.then(() => this.#tell(part)).catch(this.#options.onError);
    }
    return this.#looking;
  }

  async stop(): Promise<void> {
    this.#cancel?.();
    await this.#looking;
  }

  async #tell(clusterIds: readonly number[]): Promise<void> {
    const { store, clock, watch, keptMax = eventLimits.keptMax } = this.#options;
    const trims = this.#written >= eventLimits.trimEvery;
    const now = Math.round(clock.now());
    const written = await store.decide(
      async (trx) => ({ found: await findNews(trx, clusterIds, watch, now), old: trims ? await surplus(trx, keptMax) : [] }),
      ({ found, old }, context) => {
        const events = found.flatMap(({ about, rows, happenings }) => noted(about, rows, happenings, context));
        const states: Write[] = found.flatMap(({ id, state }) =>
          state === undefined ? [] : [put('event_states', { object_id: id, state })],
        );
        return { result: events.length, writes: [...events, ...states, ...old.map((id) => remove('events', { id }))] };
      },
    );
    this.#written = (trims ? 0 : this.#written) + written;
  }
}
