import type { ServerResponse } from 'node:http';
import type { Clock } from '#shared/clock/mod.ts';
import {
  apiVersionOf,
  type Doc,
  type Kind,
  notImplemented,
  refusal,
  type Store,
  type Stored,
  type StoreEvent,
  tableOf,
  withAt,
} from '#shared/kubernetes/mod.ts';
import { selectsOf, versionOf } from './lists.ts';

const [bookmarkEveryMs, lastsMs] = [60_000, 40 * 60_000];
/** A watcher that does not read is cut off; it reads everything anew. */
const unreadMaxBytes = 16 * 1024 * 1024;

/** Answers with a stream of events, in the form that `shaped` gives them. Throws ApiError before anything is sent. */
export function watch(
  { store, clock, kind, namespace, name }: { store: Store; clock: Clock; kind: Kind; namespace: string; name: string },
  query: URLSearchParams,
  shaped: (object: Stored) => Doc,
  response: ServerResponse,
): void {
  if (query.get('sendInitialEvents')) throw notImplemented('watches that begin with a list (sendInitialEvents)');
  const [from, selects, table] = [versionOf(store, query), selectsOf(kind, query, name), tableOf(kind)];
  const send = (type: string, object: Doc): void => {
    if (response.writableLength > unreadMaxBytes) response.destroy();
    else if (!response.writableEnded) response.write(`${JSON.stringify({ type, object })}\n`);
  };
  const bookmark = (): void => {
    const object = { kind: kind.kind, apiVersion: apiVersionOf(kind), metadata: { resourceVersion: String(store.version) } };
    if (query.get('allowWatchBookmarks') === 'true') send('BOOKMARK', object);
  };
  const tell = ({ table: where, key, before, after, object }: StoreEvent): void => {
    // The kind itself is gone.
    if (!after && where.endsWith('/customresourcedefinitions') && key === `/${kind.resource}.${kind.group}`) response.end();
    if (where !== table || (namespace !== '' && object.metadata.namespace !== namespace)) return;
    const [was, is] = [before !== undefined && selects(before), after !== undefined && selects(after)];
    if (is) send(was ? 'MODIFIED' : 'ADDED', shaped(object));
    // As it last matched, at the version at which it ceased to.
    else if (was) send('DELETED', shaped(withAt(before as Stored, ['metadata', 'resourceVersion'], object.metadata.resourceVersion)));
  };
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' }).flushHeaders();
  if (from !== undefined && from < store.oldestVersion) {
    send('ERROR', refusal('gone', { from, oldest: store.oldestVersion }).status);
    return void response.end();
  }
  if (from === undefined) for (const object of store.list(table, namespace).filter(selects)) send('ADDED', shaped(object));
  else for (const event of store.since(from)) tell(event);
  const lasts = Math.min(Number(query.get('timeoutSeconds') ?? 0) * 1000 || lastsMs, lastsMs);
  const end = clock.after(lasts, () => (bookmark(), response.end()));
  let next = clock.after(bookmarkEveryMs, function again() {
    bookmark();
    next = clock.after(bookmarkEveryMs, again);
  });
  const stop = store.listen(tell);
  response.on('close', () => (stop(), end(), next()));
}
