import {
  badRequest,
  apiVersionOf,
  type Doc,
  fieldSelector,
  type Kind,
  labelSelector,
  notImplemented,
  refusal,
  type Selects,
  type Store,
  type Stored,
  tableOf,
} from '#shared/kubernetes/mod.ts';

/** So many lists are remembered for who is in the midst of reading them. */
const listsMax = 100;
interface Page {
  readonly items: readonly Stored[];
  readonly metadata: Doc;
}

/** Lists in pages: each page of the version of the first, out of what was kept of that. */
export class Pages {
  readonly #rests = new Map<string, Page>();
  #last = 0;

  /** Throws ApiError. */
  read(store: Store, kind: Kind, namespace: string, query: URLSearchParams): Page {
    if (query.get('resourceVersionMatch') === 'Exact') throw notImplemented('lists of an exact version');
    versionOf(store, query);
    const [token, asked, selects] = [query.get('continue') ?? '', query.get('limit') ?? '0', selectsOf(kind, query)];
    if (!/^\d{0,9}$/.test(asked)) throw badRequest(`limit: "${asked}" is no number of objects`);
    const limit = Number(asked);
    const all = { items: store.list(tableOf(kind), namespace).filter(selects), metadata: { resourceVersion: String(store.version) } };
    const page = token === '' ? all : this.#rests.get(token);
    if (!page) throw refusal('pageGone');
    if (limit === 0 || page.items.length <= limit) return page;
    this.#last += 1;
    this.#rests.set(`p${this.#last}`, { ...page, items: page.items.slice(limit) }).delete(`p${this.#last - listsMax}`);
    const remaining = query.get('labelSelector') || query.get('fieldSelector') ? {} : { remainingItemCount: page.items.length - limit };
    return { items: page.items.slice(0, limit), metadata: { ...page.metadata, continue: `p${this.#last}`, ...remaining } };
  }
}

/** The version from which to read, undefined: from the beginning. Throws ApiError for what is no version, or one yet to come. */
export function versionOf(store: Store, query: URLSearchParams): number | undefined {
  const asked = query.get('resourceVersion') ?? '';
  if (!/^\d*$/.test(asked)) throw refusal('noVersion', { asked });
  const details = { causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }], retryAfterSeconds: 1 };
  if (Number(asked) > store.version) throw refusal('future', { asked, version: store.version }, undefined, details);
  return Number(asked) || undefined;
}

/** Throws ApiError for a selector that is none. */
export function selectsOf(kind: Kind, query: URLSearchParams, name = ''): Selects {
  const labels = labelSelector(query.get('labelSelector') ?? '');
  const fields = fieldSelector(query.get('fieldSelector') ?? '', kind.builtIn ? kind.kind : '');
  return (object) => labels(object) && fields(object) && (name === '' || object.metadata.name === name);
}

export const partial = ({ metadata }: Stored): Doc => ({ kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata });

/** A list as a document. Items of built-in lists do not say what they are. */
export function listOf(kind: Kind, { items, metadata }: Page, isPartial: boolean): Doc {
  if (isPartial) return { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata, items: items.map(partial) };
  const plain = ({ kind: _kind, apiVersion: _version, ...rest }: Stored): Doc => rest;
  const [head, all] = kind.builtIn ? [metadata, items.map(plain)] : [{ continue: '', ...metadata }, items];
  return { kind: kind.listKind, apiVersion: apiVersionOf(kind), metadata: head, items: all };
}
