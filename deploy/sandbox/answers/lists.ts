import { badRequest, gone, invalid, ApiError, type Cause } from '../errors.ts';
import { apiVersionOf, tableOf, type Kind } from '../objects/kinds.ts';
import type { Selects } from '../objects/selectors.ts';
import { keyOfObject, type Store } from '../objects/store.ts';
import type { Doc, Stored } from '../values.ts';

/** One page of a collection. */
export interface Page {
  readonly items: readonly Stored[];
  readonly metadata: Doc;
}

const tooOld =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.';

/** The page that `query` asks for. Every page of a list is of the version of its first one. Throws ApiError. */
export function pageOf(store: Store, kind: Kind, namespace: string, selects: Selects | undefined, query: URLSearchParams): Page {
  const token = query.get('continue') ?? '';
  const limit = Number(query.get('limit') ?? 0);
  const from = token === '' ? undefined : readToken(token);
  if (from && !['', '0'].includes(query.get('resourceVersion') ?? ''))
    throw badRequest('specifying resource version is not allowed when using continue');
  checkOptions(query, false);
  const version = from && from.version > 0 ? from.version : versionOf(store, query);
  const all = store.listAt(tableOf(kind), namespace, version);
  if (!all) {
    const { status } = gone(token === '' ? `The resourceVersion for the provided list is too old.` : tooOld);
    throw new ListGoneError(String(status['message']), from ? writeToken(-1, from.after) : undefined);
  }
  const later = from ? all.filter((object) => keyOfObject(object) > from.after) : all;
  const chosen = selects ? later.filter(selects) : later;
  const items = limit > 0 ? chosen.slice(0, limit) : chosen;
  const last = items.at(-1);
  const isCut = last !== undefined && items.length < chosen.length;
  const more = isCut ? { continue: writeToken(version, keyOfObject(last)) } : {};
  const remaining = isCut && !selects ? { remainingItemCount: chosen.length - items.length } : {};
  return { items: items.map((object) => inVersion(kind, object)), metadata: { resourceVersion: String(version), ...more, ...remaining } };
}

/** An expired page: with a token to go on without consistency, if there was one. */
export class ListGoneError extends ApiError {
  readonly #token: string | undefined;
  constructor(message: string, token: string | undefined) {
    super(410, 'Expired', message);
    this.#token = token;
  }

  override get status(): Doc {
    return { ...super.status, metadata: this.#token === undefined ? {} : { continue: this.#token } };
  }
}

export const inVersion = (kind: Kind, object: Stored): Stored => (kind.builtIn ? object : { ...object, apiVersion: apiVersionOf(kind) });

function versionOf(store: Store, query: URLSearchParams): number {
  const asked = query.get('resourceVersion') ?? '';
  if (asked === '' || asked === '0') return store.version;
  const version = readVersion(asked);
  checkFuture(store, version);
  return query.get('resourceVersionMatch') === 'Exact' ? version : store.version;
}

export const wrongVersion = (text: string): string =>
  `resourceVersion: Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`;

/** A version in a query. Throws ApiError. */
export function readVersion(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw badRequest(`invalid resource version: ${wrongVersion(text)}`);
}

/** Which options go with which. Throws ApiError. */
export function checkOptions(query: URLSearchParams, isWatch: boolean): void {
  const [asked, match, initial] = ['resourceVersion', 'resourceVersionMatch', 'sendInitialEvents'].map((name) => query.get(name) ?? '');
  const causes: Cause[] = [];
  const forbid = (field: string, why: string): void =>
    void causes.push({ reason: 'FieldValueForbidden', message: `Forbidden: ${why}`, field });
  const known = '"Exact", "NotOlderThan", ""';
  if (!isWatch && asked === '' && match !== '')
    forbid('resourceVersionMatch', 'resourceVersionMatch is forbidden unless resourceVersion is provided');
  if (isWatch && initial === '' && match !== '')
    forbid('resourceVersionMatch', 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided');
  if (isWatch && initial !== '' && match !== 'NotOlderThan')
    forbid('resourceVersionMatch', 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan');
  if (!isWatch && initial !== '') forbid('sendInitialEvents', 'sendInitialEvents is forbidden for list');
  if (!isWatch && asked === '0' && match === 'Exact')
    forbid('resourceVersionMatch', 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
  if (!['', 'Exact', 'NotOlderThan'].includes(match ?? ''))
    causes.push({
      reason: 'FieldValueNotSupported',
      message: `Unsupported value: ${JSON.stringify(match)}: supported values: ${known}`,
      field: 'resourceVersionMatch',
    });
  if (causes.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', causes);
  if (!isWatch && asked !== '') readVersion(asked ?? '');
}

/** Throws ApiError for a version that is yet to come. */
export function checkFuture(store: Store, version: number): void {
  if (version <= store.version) return;
  const cause = { reason: 'ResourceVersionTooLarge', message: 'Too large resource version' };
  throw new ApiError(504, 'Timeout', `Too large resource version: ${version}, current: ${store.version}`, {
    causes: [cause],
    retryAfterSeconds: 1,
  });
}

const writeToken = (version: number, after: string): string => Buffer.from(JSON.stringify({ v: version, after })).toString('base64url');

function readToken(token: string): { readonly version: number; readonly after: string } {
  try {
    const { v, after } = JSON.parse(Buffer.from(token, 'base64url').toString()) as { v: number; after: string };
    if (Number.isInteger(v) && typeof after === 'string') return { version: v, after };
  } catch {
    // Falls through.
  }
  throw badRequest('continue key is not valid: illegal base64 data');
}
