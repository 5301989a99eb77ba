import type { Clock } from '../../../shared/clock/mod.ts';
import { explain } from '../../../shared/kernel/mod.ts';
import { isKubeError } from '../errors.ts';
import type { KubeObject, WatchEvent } from '../port.ts';
import type { Change } from './store.ts';

export interface MemoryWatchParts {
  readonly clock: Clock;
  /** The changes after a version; undefined: too old. */
  readonly since: (version: number) => readonly Change[] | undefined;
  /** Resolves with the next news of any kind. */
  readonly changed: () => Promise<void>;
  /** The request that opens the watch: rights and faults are met there. */
  readonly begin: () => Promise<unknown>;
  readonly isServed: () => boolean;
  readonly isSilent: () => boolean;
  readonly progress: () => void;
}

const bookmarkEveryMs = 60_000;
const retryMs = 1_000;

/** The events of one kind after a version, with a bookmark for every quiet minute, until the signal or a RESYNC. */
export async function* eventsOf(
  kind: string,
  scope: (object: KubeObject) => boolean,
  start: string,
  parts: MemoryWatchParts,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent, void, undefined> {
  const refused = await opened(parts, signal);
  if (signal.aborted) return;
  if (refused !== undefined) {
    yield { type: 'RESYNC', reason: refused };
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
      const event = change.kind === kind ? eventOf(change, scope) : undefined;
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

/** Why the watch was refused for good; undefined when it is open. What passes is waited out. */
async function opened({ begin, clock }: MemoryWatchParts, signal: AbortSignal): Promise<string | undefined> {
  while (!signal.aborted) {
    try {
      await begin();
      return undefined;
    } catch (error) {
      if (signal.aborted) return undefined;
      if (!isKubeError(error, 'SERVER_UNAVAILABLE', 'TOO_MANY_REQUESTS', 'BAD_RESPONSE', 'UNAUTHORIZED')) return explain(error);
      await clock.sleep(retryMs, signal).catch(() => undefined);
    }
  }
  return undefined;
}

/** Whether a minute went by without news. */
async function quiet(news: Promise<void>, { clock }: MemoryWatchParts, signal: AbortSignal): Promise<boolean> {
  const end = new AbortController();
  const minute = clock.sleep(bookmarkEveryMs, AbortSignal.any([signal, end.signal])).then(
    () => true,
    () => false,
  );
  const first = await Promise.race([news.then(() => false), minute]);
  end.abort();
  return first;
}

/** A change as the watcher of a selection sees it: what enters it is added, what leaves it is deleted. */
function eventOf({ before, after, version }: Change, scope: (object: KubeObject) => boolean): WatchEvent | undefined {
  const was = before && scope(before) ? before : undefined;
  const is = after && scope(after) ? after : undefined;
  if (is) return { type: was ? 'MODIFIED' : 'ADDED', object: structuredClone(is) };
  if (!was) return undefined;
  return { type: 'DELETED', object: structuredClone({ ...was, metadata: { ...was.metadata, resourceVersion: String(version) } }) };
}
