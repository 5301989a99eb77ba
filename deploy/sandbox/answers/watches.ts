import type { Cancel, Clock } from '#shared/clock/mod.ts';
import { gone, type ApiError } from '../errors.ts';
import { apiVersionOf, tableOf, type Kind } from '../objects/kinds.ts';
import type { Selects } from '../objects/selectors.ts';
import type { Store, StoreEvent } from '../objects/store.ts';
import type { Doc, Stored } from '../values.ts';
import { checkFuture, inVersion, readVersion } from './lists.ts';

const bookmarkEveryMs = 60_000;
const lastsMs = 40 * 60_000;

export interface WatchParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly kind: Kind;
  readonly namespace: string;
  readonly selects: Selects | undefined;
  readonly query: URLSearchParams;
  /** Sends one event; `isLast` when the stream ends with it. */
  readonly send: (event: Doc) => void;
  readonly end: () => void;
  /** Whether the kind is still there. */
  readonly isServed: () => boolean;
}

/** Begins a watch; the answer ends it. Throws ApiError before anything is sent. */
export function beginWatch(parts: WatchParts): () => void {
  const { store, clock, kind, namespace, selects = () => true, query, send, end } = parts;
  const asked = query.get('resourceVersion') ?? '';
  const wantsInitial = query.get('sendInitialEvents') === 'true';
  const bookmarks = query.get('allowWatchBookmarks') === 'true';
  const table = tableOf(kind);
  const from = asked === '' || asked === '0' ? undefined : readVersion(asked);
  if (from !== undefined) checkFuture(store, from);
  const bookmark = (annotations?: Doc): void => {
    const head = { kind: kind.kind, apiVersion: apiVersionOf(kind) };
    send({
      type: 'BOOKMARK',
      object: {
        ...head,
        metadata: { resourceVersion: String(store.version), ...(annotations ? { annotations } : {}) },
      },
    });
  };
  const tell = (event: StoreEvent): void => {
    if (event.table !== table || (namespace !== '' && !event.key.startsWith(`${namespace}/`))) return;
    const type = typeOf(event, selects);
    if (type) send({ type, object: inVersion(kind, type === 'DELETED' ? deleted(event) : event.object) });
  };

  if (from !== undefined && !wantsInitial && from < store.oldestVersion) {
    send({ type: 'ERROR', object: expired(from, store.oldestVersion).status });
    end();
    return () => {};
  }
  if (from === undefined || wantsInitial)
    for (const object of store.list(table, namespace)) if (selects(object)) send({ type: 'ADDED', object: inVersion(kind, object) });
  if (from !== undefined && !wantsInitial) for (const event of store.since(from)) tell(event);
  if (wantsInitial && bookmarks) bookmark({ 'k8s.io/initial-events-end': 'true' });

  const cancels: Cancel[] = [];
  const stop = (): void => {
    for (const cancel of cancels) cancel();
  };
  const finish = (): void => {
    stop();
    end();
  };
  const seconds = Number(query.get('timeoutSeconds') ?? 0);
  cancels.push(
    store.listen((event) => {
      tell(event);
      if (!kind.builtIn && event.table.endsWith('/customresourcedefinitions') && !parts.isServed()) finish();
    }),
    clock.after(seconds > 0 ? seconds * 1000 : lastsMs, () => {
      if (bookmarks) bookmark();
      finish();
    }),
  );
  if (bookmarks) {
    let cancel: Cancel = () => {};
    const again = (): void => {
      cancel = clock.after(bookmarkEveryMs, () => {
        bookmark();
        again();
      });
    };
    again();
    cancels.push(() => cancel());
  }
  return stop;
}

const expired = (from: number, oldest: number): ApiError => gone(`too old resource version: ${from} (${oldest})`);

/** To who selects, an object that no longer matches is gone, and one that begins to is new. */
function typeOf({ before, after }: StoreEvent, selects: Selects): 'ADDED' | 'MODIFIED' | 'DELETED' | undefined {
  const [was, is] = [before !== undefined && selects(before), after !== undefined && selects(after)];
  if (is) return was ? 'MODIFIED' : 'ADDED';
  return was ? 'DELETED' : undefined;
}

/** As it last matched, at the version at which it ceased to. */
const deleted = ({ before, object }: StoreEvent): Stored => {
  const last = before ?? object;
  return { ...last, metadata: { ...last.metadata, resourceVersion: object.metadata.resourceVersion } };
};
