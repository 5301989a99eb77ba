import type { Clock } from '../../shared/clock/mod.ts';
import { backoffMs, explain, type Random } from '../../shared/kernel/mod.ts';
import { KubeError, isTransient, statusOf } from './errors.ts';
import { linesOf } from './lines.ts';
import { objectOf } from './objects.ts';
import type { KindInfo, WatchEvent } from './port.ts';

export interface WatchParts {
  readonly kind: KindInfo;
  /** Opens one stream of events after that version; the signal ends it. */
  readonly open: (resourceVersion: string, signal: AbortSignal) => Promise<AsyncIterable<Uint8Array>>;
  readonly clock: Clock;
  readonly random: Random;
  readonly lineMaxBytes: number;
  /** The API server accepted the watch or said something in it. */
  readonly progress: () => void;
}

/**
 * Bookmarks come about once a minute, but only for kinds of which anything happened since the API server started; the others are reconnected as often as this.
 */
export const watchSilenceMaxMs = 100_000;

const reconnect = { firstMs: 200, maxMs: 30_000 };

/** The watch loop: one stream after the other, each from the last version seen, until the signal or a RESYNC ends it. */
export async function* watchFrom(start: string, parts: WatchParts, signal: AbortSignal): AsyncGenerator<WatchEvent, void, undefined> {
  let version = start;
  let attempt = 0;
  while (!signal.aborted) {
    const link = new Link(parts.clock, signal);
    try {
      const chunks = await parts.open(version, link.signal);
      parts.progress();
      for await (const line of linesOf(link.guard(chunks), parts.lineMaxBytes)) {
        const event = eventOf(line, parts.kind);
        parts.progress();
        version = event.type === 'BOOKMARK' ? event.resourceVersion : (event.object.metadata.resourceVersion ?? version);
        attempt = 0;
        yield event;
        if (signal.aborted) return;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!isTransient(error)) {
        yield { type: 'RESYNC', reason: explain(error) };
        return;
      }
    } finally {
      link.end();
    }
    attempt += 1;
    await parts.clock.sleep(backoffMs(reconnect, attempt, parts.random), signal).catch(() => undefined);
  }
}

type Seen = Exclude<WatchEvent, { type: 'RESYNC' }>;

/** One line of a watch. Throws GONE when the version is too old, SERVER_UNAVAILABLE for the server's passing troubles, BAD_RESPONSE for anything unknown. */
export function eventOf(line: string, kind: KindInfo): Seen {
  let event: { readonly type?: unknown; readonly object?: unknown };
  try {
    event = JSON.parse(line) as typeof event;
  } catch {
    throw new KubeError('BAD_RESPONSE', `watch ${kind.kind}: a line is no JSON`);
  }
  const asked = { verb: 'watch', kind };
  switch (event.type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      return { type: event.type, object: objectOf(event.object, asked) };
    case 'BOOKMARK': {
      const metadata = (event.object as { metadata?: { resourceVersion?: unknown } } | undefined)?.metadata;
      const version = metadata?.resourceVersion;
      if (typeof version === 'string' && version !== '') return { type: 'BOOKMARK', resourceVersion: version };
      throw new KubeError('BAD_RESPONSE', `watch ${kind.kind}: a bookmark without a version`);
    }
    case 'ERROR': {
      const status = statusOf(event.object ?? {});
      const said = (status?.message ?? 'an error without a Status').slice(0, 300);
      throw new KubeError(status?.code === 410 ? 'GONE' : 'SERVER_UNAVAILABLE', `watch ${kind.kind}: ${said}`);
    }
    default:
      throw new KubeError('BAD_RESPONSE', `watch ${kind.kind}: an event of unknown type`);
  }
}

/** One connection: ended by the caller's signal, by the loop, or by silence. The caller's own slowness is no silence: time runs only while we wait. */
class Link {
  readonly #clock: Clock;
  readonly #end = new AbortController();
  readonly signal: AbortSignal;

  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock;
    this.signal = AbortSignal.any([signal, this.#end.signal]);
  }

  async *guard(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const iterator = chunks[Symbol.asyncIterator]();
    for (;;) {
      const chunk = await this.#next(iterator);
      if (chunk.done) return;
      yield chunk.value;
    }
  }

  async #next(iterator: AsyncIterator<Uint8Array>): Promise<IteratorResult<Uint8Array>> {
    const cancel = this.#clock.after(watchSilenceMaxMs, () => this.#end.abort());
    try {
      return await iterator.next();
    } catch (error) {
      const what = this.#end.signal.aborted ? `nothing was heard for ${watchSilenceMaxMs} ms` : explain(error).slice(0, 300);
      throw new KubeError('SERVER_UNAVAILABLE', `watch: ${what}`, { cause: error });
    } finally {
      cancel();
    }
  }

  end(): void {
    this.#end.abort();
  }
}
