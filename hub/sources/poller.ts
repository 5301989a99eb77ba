import type { Cancel, Clock } from '#shared/clock/mod.ts';
import { backoffMs, codeOf, explain, jitteredMs, KeyedQueue, type Backoff, type Random } from '#shared/kernel/mod.ts';
import type { Source } from './port.ts';

export interface PolledApp {
  readonly id: number;
  /** Rises when the app changes: what has been seen of it is looked at again. */
  readonly generation: number;
}

export interface PollerOptions<App extends PolledApp> {
  /** The apps to poll, all of them. */
  readonly apps: () => Promise<readonly App[]>;
  readonly open: (app: App) => Source;
  /** A commit that was not seen for this generation of the app. When it fails it is called again, with back-off. */
  readonly onCommit: (app: App, commit: string, source: Source, signal: AbortSignal) => Promise<void>;
  readonly onError?: (app: App, error: unknown) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly intervalMs: number;
  readonly parallelMax?: number;
}

/** What is known of an app's source. Kept in memory: after a restart it is asked again. */
export interface SourceStatus {
  /** '' before the first answer. */
  readonly commit: string;
  /** When the source last answered, epoch milliseconds. */
  readonly answeredAt: number | undefined;
  /** Why the last attempt failed. */
  readonly error: { readonly code: string; readonly message: string } | undefined;
  /** Attempts that failed, one after the other. */
  readonly failures: number;
}

interface Entry<App> {
  app: App;
  status: SourceStatus;
  /** What was handed over last, successfully. */
  seen: string;
  cancel: Cancel;
}

const retry: Backoff = { firstMs: 2_000, maxMs: 300_000 };
const jitterShare = 0.2;
const fresh: SourceStatus = { commit: '', answeredAt: undefined, error: undefined, failures: 0 };

/** Asks each app's source for its head, every so often, a few at a time; one that fails waits longer and delays no other. */
export class SourcePoller<App extends PolledApp> {
  readonly #options: PollerOptions<App>;
  readonly #entries = new Map<number, Entry<App>>();
  readonly #queue = new KeyedQueue();
  readonly #stopping = new AbortController();
  #running = 0;
  #idle: (() => void)[] = [];
  #cancelRefresh: Cancel = () => {};

  constructor(options: PollerOptions<App>) {
    this.#options = options;
  }

  /** Reads the list of apps now and at every interval, until stopped. Rejects when the first reading does. */
  async start(): Promise<void> {
    await this.refresh();
    this.#refreshLater();
  }

  /** Reads the list of apps: new and changed ones are polled at once, those that are gone no more. */
  async refresh(): Promise<void> {
    const apps = await this.#options.apps();
    if (this.#stopping.signal.aborted) return;
    const listed = new Set(apps.map(({ id }) => id));
    for (const [id, { cancel }] of this.#entries) {
      if (listed.has(id)) continue;
      cancel();
      this.#entries.delete(id);
    }
    for (const app of apps) {
      const entry = this.#entries.get(app.id);
      if (entry?.app.generation === app.generation) continue;
      if (entry) entry.app = app;
      else this.#entries.set(app.id, { app, status: fresh, seen: '', cancel: () => {} });
      this.#queue.add(String(app.id));
    }
    this.#pump();
  }

  /** Somebody knows that there is something new. */
  pollNow(appId: number): void {
    if (this.#stopping.signal.aborted || !this.#entries.has(appId)) return;
    this.#queue.add(String(appId));
    this.#pump();
  }

  /** undefined: the app is not polled. */
  status(appId: number): SourceStatus | undefined {
    return this.#entries.get(appId)?.status;
  }

  /** Resolves when nothing is being polled or about to be. */
  async idle(): Promise<void> {
    if (this.#queue.idle && this.#running === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the sources are not polled any more'));
    this.#cancelRefresh();
    for (const { cancel } of this.#entries.values()) cancel();
    while (this.#running > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #refreshLater(): void {
    const { clock, random, intervalMs } = this.#options;
    this.#cancelRefresh = clock.after(jitteredMs(intervalMs, jitterShare, random), () => {
      // A record that cannot be read now is read at the next turn; what is known stays polled.
      void this.refresh()
        .catch(() => {})
        .finally(() => {
          if (!this.#stopping.signal.aborted) this.#refreshLater();
        });
    });
  }

  #pump(): void {
    while (this.#running < (this.#options.parallelMax ?? 4) && !this.#stopping.signal.aborted) {
      const key = this.#queue.take();
      if (key === undefined) break;
      this.#running++;
      void this.#visit(key);
    }
    if (this.#running === 0 && (this.#queue.idle || this.#stopping.signal.aborted)) for (const resolve of this.#idle.splice(0)) resolve();
  }

  async #visit(key: string): Promise<void> {
    const { clock, random, intervalMs, onError } = this.#options;
    const entry = this.#entries.get(Number(key));
    try {
      if (entry) await this.#poll(entry);
    } catch (error) {
      if (entry && !this.#stopping.signal.aborted) {
        const { commit, answeredAt, failures } = entry.status;
        const described = { code: codeOf(error) ?? 'FAILED', message: explain(error) };
        entry.status = { commit, answeredAt, error: described, failures: failures + 1 };
        onError?.(entry.app, error);
      }
    } finally {
      this.#queue.done(key);
      this.#running--;
      if (entry && this.#entries.get(Number(key)) === entry && !this.#stopping.signal.aborted) {
        const { failures } = entry.status;
        const delayMs = failures > 0 ? backoffMs(retry, failures, random) : jitteredMs(intervalMs, jitterShare, random);
        entry.cancel();
        entry.cancel = clock.after(delayMs, () => this.pollNow(Number(key)));
      }
      this.#pump();
    }
  }

  async #poll(entry: Entry<App>): Promise<void> {
    const { open, onCommit, clock } = this.#options;
    const { signal } = this.#stopping;
    const { app } = entry;
    const source = open(app);
    const { commit } = await source.head(signal);
    const seen = `${app.generation}:${commit}`;
    if (entry.seen !== seen) await onCommit(app, commit, source, signal);
    entry.seen = seen;
    entry.status = { commit, answeredAt: clock.now(), error: undefined, failures: 0 };
  }
}
