import type { Clock } from '../../../shared/clock/mod.ts';
import { explain } from '../../../shared/kernel/mod.ts';
import type { Stored, StoreEvent } from '../../../shared/kubernetes/mod.ts';
import { isKubeError } from '../errors.ts';
import type { WatchEvent } from '../port.ts';

export interface MemoryWatchParts {
  readonly clock: Clock;
  /** The changes after a version; undefined: too old. */
  readonly since: (version: number) => readonly StoreEvent[] | undefined;
  /** Resolves with the next news of any kind. */
  readonly changed: () => Promise<void>;
  /** The request that opens the watch, for the objects that it is about: rights and faults are met there. */
  readonly begin: () => Promise<Scope>;
  readonly isServed: () => boolean;
  readonly isSilent: () => boolean;
  readonly progress: () => void;
}

type Scope = (object: Stored) => boolean;
const bookmarkEveryMs = 60_000;
const retryMs = 1_000;
const over = new Error('there is news');

/** The events of one kind after a version, with a bookmark for every quiet minute, until the signal or a RESYNC. */
export async function* eventsOf(
  table: string,
  start: string,
  parts: MemoryWatchParts,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent, void, undefined> {
  const scope = await opened(parts, signal);
  if (signal.aborted) return;
  if (typeof scope === 'string') {
    yield { type: 'RESYNC', reason: scope };
    return;
  }
  let version = Number(start);
  parts.progress();
  while (!signal.aborted) {
    const changes = parts.since(version);
    if (!changes || !parts.isServed()) {
      yield { type: 'RESYNC', reason: changes ? 'NO_SUCH_KIND: the kind is not served any more' : `GONE: version ${version} is too old` };
      return;
    }
    const news = parts.changed();
    for (const change of changes) {
      version = change.version;
      const event = change.table === table ? eventOf(change, scope) : undefined;
      if (!event) continue;
      parts.progress();
      yield event;
      if (signal.aborted) return;
    }
    if (!(await quiet(news, parts, signal)) || signal.aborted || parts.isSilent()) continue;
    parts.progress();
    yield { type: 'BOOKMARK', resourceVersion: String(version) };
  }
}

/** What the open watch is about, or why it was refused for good. What passes is waited out. */
async function opened({ begin, clock }: MemoryWatchParts, signal: AbortSignal): Promise<string | Scope> {
  while (!signal.aborted) {
    try {
      return await begin();
    } catch (error) {
      if (signal.aborted) return '';
      if (!isKubeError(error, 'SERVER_UNAVAILABLE', 'TOO_MANY_REQUESTS', 'BAD_RESPONSE', 'UNAUTHORIZED')) return explain(error);
      await clock.sleep(retryMs, signal).catch(() => undefined);
    }
  }
  return '';
}

/** Whether a minute went by without news. */
async function quiet(news: Promise<void>, { clock }: MemoryWatchParts, signal: AbortSignal): Promise<boolean> {
  const end = new AbortController();
  const minute = clock.sleep(bookmarkEveryMs, AbortSignal.any([signal, end.signal])).then(
    () => true,
    () => false,
  );
  const first = await Promise.race([news.then(() => false), minute]);
  end.abort(over); // an error of its own for each event would cost more than the event
  return first;
}

/** A change as the watcher of a selection sees it: what enters it is added, what leaves it is deleted. */
function eventOf({ before, after, version }: StoreEvent, scope: Scope): WatchEvent | undefined {
  const was = before && scope(before) ? before : undefined;
  const is = after && scope(after) ? after : undefined;
  if (is) return { type: was ? 'MODIFIED' : 'ADDED', object: structuredClone(is) };
  if (!was) return undefined;
  return { type: 'DELETED', object: structuredClone({ ...was, metadata: { ...was.metadata, resourceVersion: String(version) } }) };
}
