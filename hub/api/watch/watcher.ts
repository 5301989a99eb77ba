import type { Clock } from '#shared/clock/mod.ts';
import { contentVersion } from '../kinds/parts.ts';
import type { Resource, View } from '../kinds/view.ts';
import { parseFields, pick } from '../lists/fields.ts';
import { listOf, matching, type ListContext } from '../lists/list.ts';
import { ApiError } from '../problems/errors.ts';
import type { ListQuery } from '../schemas/requests.ts';
import { whenAborted } from './ends.ts';
import type { Feed } from './feed.ts';

export const watchLimits = {
  watchersMax: 100,
  pendingMax: 10_000,
  knownMax: 20_000,
  heartbeatMs: 15_000,
  collectMs: 250,
  summedCollectMs: 1_000,
} as const;

export interface WatchOptions {
  readonly view: View;
  readonly query: ListQuery;
  readonly feed: Feed;
  /** A look at the fleet now. */
  readonly look: () => ListContext;
  readonly clock: Clock;
  /** Last-Event-ID, or the resourceVersion of a list. */
  readonly from: string | undefined;
  readonly signal: AbortSignal;
}

interface Known {
  readonly kind: string;
  readonly metadata: Partial<Resource['metadata']> & { readonly tenant?: string };
  readonly version: string;
}

const chunk = 500;
/** Kinds that count placements cost more to look at, so they are looked at less often. */
const summed = new Set(['Tenant', 'Environment', 'App', 'Target']);

/** One watcher: what matches now, then each thing that changes, whole, as often as it is read. Ends with the signal. */
export class Watcher {
  readonly #options: WatchOptions;
  readonly #known = new Map<number, Known>();
  readonly #pending = new Set<number>();
  #wake: () => void = () => {};
  #overflow = false;

  private constructor(options: WatchOptions) {
    this.#options = options;
  }

  /** Looks first, so that a start which is not known any more is refused before the stream begins: WATCH_EXPIRED. */
  static async open(options: WatchOptions): Promise<AsyncGenerator<string>> {
    const watcher = new Watcher(options);
    const { feed, view, signal } = options;
    const stop = feed.listen(view.plural, (id) => watcher.#add(id));
    whenAborted(signal, () => {
      stop();
      watcher.#wake();
    });
    try {
      const first = options.from === undefined ? await watcher.#begin() : await watcher.#resume(options.from);
      return watcher.#run(first);
    } catch (error) {
      stop();
      throw error;
    }
  }

  #add(id: number): void {
    if (this.#pending.size < watchLimits.pendingMax) this.#pending.add(id);
    else this.#overflow = true;
    this.#wake();
  }

  async #begin(): Promise<string[]> {
    const { view, query, look } = this.#options;
    const context = look();
    const { fields: _, continue: __, ...whole } = query;
    const { items } = await listOf(view, whole, context, (id, resource) => this.#remember(id, resource, contentVersion(resource)));
    return [...(items as readonly Resource[]).map((item) => this.#say('added', item)), bookmark(context.position)];
  }

  async #resume(from: string): Promise<string[]> {
    const { view, feed } = this.#options;
    const position = feed.position();
    const ids = feed.since(from, view.plural);
    if (!ids || ids.length > watchLimits.pendingMax) throw new ApiError('WATCH_EXPIRED', 'what changed since then is not known any more');
    const said: string[] = [];
    for (let at = 0; at < ids.length; at += chunk) {
      const part = ids.slice(at, at + chunk);
      const there = await matching(view, {}, part, this.#options.look());
      if (there.length < part.length) throw new ApiError('WATCH_EXPIRED', 'something has been deleted since then');
      const matched = await this.#look(part);
      // Whoever saw it then has to hear that it is not among them any more.
      const left = there.filter(({ id }) => !matched.has(id)).map(({ resource }) => this.#gone(resource));
      for (const [id, resource] of matched) this.#remember(id, resource, contentVersion(resource));
      said.push(...[...matched].map(([, resource]) => this.#say('modified', resource)), ...left);
    }
    return [...said, bookmark(position)];
  }

  async *#run(first: readonly string[]): AsyncGenerator<string> {
    yield* first;
    const { signal, clock, view, feed } = this.#options;
    const collectMs = summed.has(view.kind) ? watchLimits.summedCollectMs : watchLimits.collectMs;
    while (!signal.aborted) {
      if (this.#pending.size === 0 && !this.#overflow) {
        if (!(await this.#woken())) {
          if (!signal.aborted) yield ': still here\n\n';
          continue;
        }
        await clock.sleep(collectMs, signal).catch(() => {});
      }
      if (this.#overflow) {
        yield event('error', { code: 'WATCH_EXPIRED', detail: 'more changed than was read: list again' });
        return;
      }
      const position = feed.position();
      const ids = [...this.#pending].slice(0, chunk);
      for (const id of ids) this.#pending.delete(id);
      const matched = await this.#look(ids);
      for (const id of ids) {
        const said = this.#changed(id, matched.get(id));
        if (said !== undefined) yield said;
      }
      if (this.#pending.size === 0) yield bookmark(position);
    }
  }

  /** false: nothing came in time. */
  #woken(): Promise<boolean> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(watchLimits.heartbeatMs, () => resolve(false));
      this.#wake = () => {
        cancel();
        resolve(!this.#options.signal.aborted);
      };
    });
  }

  async #look(ids: readonly number[]): Promise<Map<number, Resource>> {
    const { view, query, look } = this.#options;
    return new Map((await matching(view, query, ids, look())).map(({ id, resource }) => [id, resource]));
  }

  #changed(id: number, now: Resource | undefined): string | undefined {
    const before = this.#known.get(id);
    if (now) {
      const version = contentVersion(now);
      if (before?.version === version) return undefined;
      this.#remember(id, now, version);
      return this.#say(before ? 'modified' : 'added', now);
    }
    if (!before) return undefined;
    this.#known.delete(id);
    return event('deleted', { apiVersion: 'wheelhouse.dev/v1alpha1', kind: before.kind, metadata: before.metadata });
  }

  #remember(id: number, { kind, metadata }: Resource, version: string): void {
    this.#known.delete(id);
    this.#known.set(id, { kind, metadata, version });
    const [oldest] = this.#known.keys();
    if (this.#known.size > watchLimits.knownMax && oldest !== undefined) this.#known.delete(oldest);
  }

  #gone({ kind, metadata }: Resource): string {
    return event('deleted', { apiVersion: 'wheelhouse.dev/v1alpha1', kind, metadata });
  }

  #say(type: 'added' | 'modified', resource: Resource): string {
    const { fields } = this.#options.query;
    return event(type, fields === undefined ? resource : pick(resource, parseFields(fields)));
  }
}

const event = (type: string, data: object): string => `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;

/** Everything up to here has been said: the only events with an id, so that whoever comes back misses nothing. */
const bookmark = (position: string): string =>
  `event: bookmark\nid: ${position}\ndata: ${JSON.stringify({ metadata: { resourceVersion: position } })}\n\n`;
