import type { Clock } from '#shared/clock/mod.ts';
import { KeyedQueue, backoffMs, explain, type Random } from '#shared/kernel/mod.ts';
import type { Store } from './port.ts';

/** Visits one key; reads all state it needs; visiting twice is harmless. */
export type Handler = (id: number, signal: AbortSignal) => Promise<void>;

export interface OutboxOptions {
  readonly store: Store;
  /** By the word before the colon: `dispatch`, `target`, `rollout`. */
  readonly handlers: Readonly<Record<string, Handler>>;
  readonly clock: Clock;
  readonly random: Random;
  readonly onError: (key: string, error: unknown) => void;
  readonly parallelMax?: number;
  /** Rows that are read at once. */
  readonly pageSize?: number;
}

const retry = { firstMs: 250, maxMs: 30_000 };

/**
 * Runs what decisions asked for. A key leaves the table only after its handler has returned and nobody asked again meanwhile, so a crash loses nothing; a
 * handler that fails is retried with back-off and delays no other key. `wake` asks for a visit that needs no durability (time passed, a report came).
 */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #queue = new KeyedQueue();
  readonly #attempts = new Map<string, number>();
  /** Row ids of the keys being visited: the same row is not work again, a newer one is. */
  readonly #visiting = new Map<string, number | undefined>();
  readonly #stopping = new AbortController();
  /** Rows up to this id are known: ids only rise, and a key that is asked for again has a new one. */
  #seen = 0;
  #running = 0;
  #idle: (() => void)[] = [];

  constructor(options: OutboxOptions) {
    this.#options = options;
    options.store.onOutbox(() => void this.#load());
  }

  /** Takes up what an earlier process left. */
  async start(): Promise<void> {
    await this.#load();
  }

  wake(key: string): void {
    if (this.#stopping.signal.aborted) return;
    this.#queue.add(key);
    this.#pump();
  }

  /** Resolves when nothing is queued or running. For tests and for a graceful stop. */
  async idle(): Promise<void> {
    await this.#load();
    if (this.#queue.idle && this.#running === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the outbox stops'));
    while (this.#running > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  async #load(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    const { store, onError, pageSize = 1_000 } = this.#options;
    try {
      for (;;) {
        const query = store.read.selectFrom('outbox').select(['key', 'id']).where('id', '>', this.#seen).orderBy('id').limit(pageSize);
        const rows = await query.execute();
        for (const { key, id } of rows) {
          if (!this.#attempts.has(key) && this.#visiting.get(key) !== id) this.#queue.add(key);
          this.#seen = Math.max(this.#seen, id);
        }
        if (rows.length < pageSize) break;
      }
    } catch (error) {
      if (!this.#stopping.signal.aborted) onError('outbox', error);
    }
    this.#pump();
  }

  #pump(): void {
    while (this.#running < (this.#options.parallelMax ?? 8) && !this.#stopping.signal.aborted) {
      const key = this.#queue.take();
      if (key === undefined) break;
      this.#running++;
      void this.#visit(key);
    }
    if (this.#running === 0 && this.#queue.idle) for (const resolve of this.#idle.splice(0)) resolve();
  }

  async #visit(key: string): Promise<void> {
    const { store, handlers, clock, random, onError } = this.#options;
    try {
      const before = await store.read.selectFrom('outbox').select('id').where('key', '=', key).executeTakeFirst();
      this.#visiting.set(key, before?.id);
      const [kind = '', id = ''] = key.split(':');
      const handler = handlers[kind];
      if (!handler) throw new Error(`no handler for outbox key ${key}`);
      await handler(Number(id), this.#stopping.signal);
      this.#attempts.delete(key);
      // A row asked for again while we worked has a new id and stays.
      const again = await store.decide(
        async (trx) => (await trx.selectFrom('outbox').select('id').where('key', '=', key).executeTakeFirst())?.id,
        (now) => ({
          result: now !== undefined && now !== before?.id,
          writes: now !== undefined && now === before?.id ? [{ op: 'remove', table: 'outbox', key: { key } }] : [],
        }),
      );
      if (again) this.#queue.add(key);
    } catch (error) {
      if (!this.#stopping.signal.aborted) {
        const attempt = (this.#attempts.get(key) ?? 0) + 1;
        this.#attempts.set(key, attempt);
        onError(key, new Error(`attempt ${attempt} of ${key} failed: ${explain(error)}`, { cause: error }));
        clock.after(backoffMs(retry, attempt, random), () => this.wake(key));
      }
    } finally {
      this.#visiting.delete(key);
      this.#queue.done(key);
      this.#running--;
      this.#pump();
      if (this.#running === 0) for (const resolve of this.#idle.splice(0)) resolve();
    }
  }
}
