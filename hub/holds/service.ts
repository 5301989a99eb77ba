import type { Cancel, Clock } from '#shared/clock/mod.ts';
import type { Store } from '#hub/store/mod.ts';
import { decide, type Ask, type Changed } from './decide.ts';
import type { Subject } from './model.ts';
import { foundBy, foundFor } from './record.ts';

export interface HoldsOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}

/** Longer than this no timer is set: clocks are corrected, and Node's timers end at 24 days. */
const lookMaxMs = 3_600_000;
const retryMs = 30_000;

/** Holds and releases things for people, and releases what has expired: one timer, for whatever ends next. */
export class Holds {
  readonly #options: HoldsOptions;
  #cancel: Cancel = () => {};
  #stopped = false;

  constructor(options: HoldsOptions) {
    this.#options = options;
  }

  /** Releases what has expired meanwhile, and goes on to. */
  start(): Promise<void> {
    return this.#expire();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  /** Rejects with HoldError. */
  async hold(subject: Subject, ask: Omit<Ask, 'does'>): Promise<Changed> {
    return this.#change(subject, { ...ask, does: 'hold' });
  }

  /** Rejects with HoldError NOT_FOUND. */
  async release(subject: Subject, ask: Omit<Ask, 'does' | 'until'>): Promise<Changed> {
    return this.#change(subject, { ...ask, until: null, does: 'release' });
  }

  async #change(subject: Subject, ask: Ask): Promise<Changed> {
    const changed = await this.#options.store.decide(
      (trx) => foundBy(trx, subject),
      (found, { now }) => decide(found, ask, now),
    );
    if (changed.changed && !ask.dryRun) await this.#arm();
    return changed;
  }

  async #expire(): Promise<void> {
    try {
      while (!this.#stopped && (await this.#expireOne()));
      await this.#arm();
    } catch (error) {
      this.#options.onError(error);
      this.#after(retryMs);
    }
  }

  /** Releases one that has expired, with an audit row of its own; false: there is none. */
  #expireOne(): Promise<boolean> {
    const { store, clock } = this.#options;
    return store.decide(
      async (trx) => {
        const now = clock.now();
        const row = await trx.selectFrom('holds').selectAll().where('until', '<=', now).orderBy('until').limit(1).executeTakeFirst();
        return row && foundFor(trx, row);
      },
      (found, { now }) => {
        if (!found) return { result: false };
        const ask: Ask = { does: 'release', actor: 'system:holds', reason: 'expired', until: null, dryRun: false };
        return { ...decide(found, ask, now), result: true };
      },
    );
  }

  async #arm(): Promise<void> {
    const { store, clock } = this.#options;
    const next = await store.read
      .selectFrom('holds')
      .select('until')
      .where('until', 'is not', null)
      .orderBy('until')
      .limit(1)
      .executeTakeFirst();
    this.#cancel();
    if (next?.until !== undefined && next.until !== null) this.#after(Math.min(lookMaxMs, Math.max(1, next.until - clock.now())));
  }

  #after(ms: number): void {
    this.#cancel();
    if (!this.#stopped) this.#cancel = this.#options.clock.after(ms, () => void this.#expire());
  }
}
