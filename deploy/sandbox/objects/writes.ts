import { randomBytes, randomUUID } from 'node:crypto';
import type { Clock } from '#shared/clock/mod.ts';
import { alreadyExists, ApiError, badRequest, conflict, forbidden, invalid, notFound } from '../errors.ts';
import { applied, updated } from '../fields/managers.ts';
import { emptyOf } from '../fields/shapes.ts';
import { at, docAt, isDoc, listAt, same, textAt, timestamp, withAt, type Doc, type Stored } from '../values.ts';
import { causesOf, required, wrong } from './checks.ts';
import { decode, type Problem } from './decode.ts';
import { apiVersionOf, tableOf, type Kind, type Kinds } from './kinds.ts';
import { jsonPatch, mergePatch } from './patches.ts';
import { preparations } from './preparations.ts';
import type { Store } from './store.ts';

export type Verb = 'create' | 'update' | 'merge' | 'json' | 'apply';
export interface WriteRequest extends Readonly<Record<'namespace' | 'name' | 'manager', string>> {
  readonly kind: Kind;
  readonly subresource?: string;
  readonly dryRun?: boolean;
  /** What becomes of fields that nobody knows; told in `warn` when they are dropped. */
  readonly validation?: string;
  readonly force?: boolean;
  readonly warn?: (message: string) => void;
}
export interface DeleteOptions {
  readonly uid?: unknown;
  readonly resourceVersion?: unknown;
  readonly propagation?: string | undefined;
  readonly graceSeconds?: number | undefined;
  readonly dryRun?: boolean;
}

/** The rules of every write, whoever asks. Throws ApiError. */
export class Writes {
  readonly store: Store;
  readonly kinds: Kinds;
  readonly #clock: Clock;

  constructor(store: Store, kinds: Kinds, clock: Clock) {
    [this.store, this.kinds, this.#clock] = [store, kinds, clock];
  }

  get(kind: Kind, namespace: string, name: string): Stored {
    const found = this.store.get(tableOf(kind), namespace, name);
    if (!found) throw notFound(kind, name);
    return found;
  }

  create = (request: WriteRequest, body: Doc): Stored => this.write('create', request, body).object;
  update = (request: WriteRequest, body: Doc): Stored => this.write('update', request, body).object;
  patch = (request: WriteRequest, type: 'merge' | 'json', body: unknown): Stored => this.write(type, request, body).object;

  /** `created` says whether the object is new. */
  write(verb: Verb, given: WriteRequest, body: unknown): { readonly object: Stored; readonly created: boolean } {
    const { kind, namespace, manager, subresource = '' } = given;
    const prefix = textAt(body, 'metadata', 'generateName');
    const name = verb === 'create' ? textAt(body, 'metadata', 'name') || (prefix && `${prefix.slice(0, 58)}${randomWord()}`) : given.name;
    const request = { ...given, name };
    const live = this.store.get(tableOf(kind), namespace, name);
    if (!live && (subresource !== '' || (verb !== 'create' && verb !== 'apply'))) throw notFound(kind, name);
    const document = verb === 'create' ? withAt(body as Doc, ['metadata', 'name'], name) : patched(verb, live, body);
    checkHead(verb, request, document, live);
    if (!live) this.#checkHome(request);
    const operation = verb === 'apply' ? 'Apply' : 'Update';
    const writer = { manager, operation, apiVersion: apiVersionOf(kind), ...(subresource === '' ? {} : { subresource }) };
    const ignored = subresource === 'status' ? /^f:(?!status)/ : kind.hasStatus ? /^f:status/ : /^$/;
    const write = { writer, ignored, now: this.#clock.now(), force: given.force === true };
    const next = (final: Doc): Stored => this.#next(request, live, final);
    if (verb === 'apply') checkFit(request, document, 'apply');
    const result = verb === 'apply' ? applied(kind.shape, live ?? nothing(kind), wantedOf(request, document), write) : undefined;
    const object = result ? result.settle(next(result.object)) : updated(kind.shape, live ?? nothing(kind), next(document), write);
    return { object: this.#save(request, live, object as Stored), created: !live };
  }

  /** What is left of it, or undefined when it is gone. */
  delete(kind: Kind, namespace: string, name: string, options: DeleteOptions): Stored | undefined {
    if (tableOf(kind) === '/namespaces' && ['default', 'kube-system', 'kube-public'].includes(name))
      throw forbidden(kind, name, 'this namespace may not be deleted');
    const live = this.get(kind, namespace, name);
    for (const field of ['uid', 'resourceVersion'] as const) {
      const [what, guess] = field === 'uid' ? ['UID', 'deleted and then recreated'] : ['ResourceVersion', 'modified'];
      const [wanted, found] = [options[field], live.metadata[field]];
      const why = `the ${what} in the precondition (${String(wanted)}) does not match the ${what} in record (${found}). The object might have been ${guess}`;
      if (wanted !== undefined && wanted !== found) throw conflict({ ...kind, resource: kind.kind }, name, why);
    }
    const next = this.#dying(kind, live, options);
    if (options.dryRun) return isHeld(next) ? next : undefined;
    if (isHeld(next)) return same(next, live) ? live : this.store.put(tableOf(kind), next);
    this.store.remove(tableOf(kind), live);
    return undefined;
  }

  #dying(kind: Kind, live: Stored, { graceSeconds: asked, propagation = '' }: DeleteOptions): Stored {
    const { generation, deletionTimestamp, finalizers = [], ...head } = live.metadata;
    const isPlayed = kind.kind === 'Pod' && textAt(live, 'spec', 'nodeName') !== '';
    const grace = isPlayed ? (asked ?? Number(at(live, 'spec', 'terminationGracePeriodSeconds') ?? 30)) : 0;
    const held = { Foreground: 'foregroundDeletion', Orphan: 'orphan' }[propagation];
    const all = held === undefined ? finalizers : [...finalizers.filter((one) => one !== 'orphan' && one !== 'foregroundDeletion'), held];
    const metadata = {
      ...head,
      ...(all.length > 0 ? { finalizers: all } : {}),
      ...(generation === undefined ? {} : { generation: generation + (deletionTimestamp ? 0 : 1) }),
      deletionTimestamp: deletionTimestamp ?? timestamp(this.#clock.now() + grace * 1000),
      deletionGracePeriodSeconds: deletionTimestamp && asked !== 0 ? head['deletionGracePeriodSeconds'] : grace,
    };
    const phase = kind.kind === 'Namespace' ? { status: { ...docAt(live, 'status'), phase: 'Terminating' } } : {};
    return { ...live, metadata, ...phase };
  }

  /** A new object needs a namespace that is there to stay. */
  #checkHome({ kind, namespace, name }: WriteRequest): void {
    const home = kind.namespaced ? this.store.get('/namespaces', '', namespace) : undefined;
    if (kind.namespaced && !home) throw notFound({ group: '', resource: 'namespaces', kind: 'Namespace' }, namespace);
    if (!home?.metadata.deletionTimestamp) return;
    const cause = { reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace' };
    const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
    throw forbidden(kind, name, why, { causes: [cause] });
  }

  /** The object as it will be: with what a write does not change, with defaults, checked. */
  #next(request: WriteRequest, live: Stored | undefined, document: Doc): Stored {
    const { kind, name, namespace, subresource = '' } = request;
    const { uid, managedFields, ...given } = docAt(document, 'metadata');
    const born = { uid: randomUUID(), creationTimestamp: timestamp(this.#clock.now()), ...(kind.counted ? { generation: 1 } : {}) };
    const from = (head: Doc): Doc => Object.fromEntries(serverOwned.map((key) => [key, head[key]]));
    const head = { ...given, ...from(live?.metadata ?? born), managedFields, name, namespace: kind.namespaced ? namespace : undefined };
    const isStatus = subresource === 'status';
    const base = isStatus ? { ...live, metadata: { ...live?.metadata, managedFields } } : { ...document, metadata: head };
    const status = (isStatus || !kind.hasStatus ? document : live)?.['status'];
    const whole = JSON.parse(JSON.stringify({ ...base, apiVersion: apiVersionOf(kind), kind: kind.kind, status })) as Doc;
    const [decoded, missing] = checkFit(request, whole, 'write');
    const next = (kind.builtIn && preparations[kind.kind]?.(decoded, live)) || decoded;
    const other =
      live && uid !== undefined && uid !== '' && uid !== live.metadata.uid ? [wrong('metadata.uid', uid, 'field is immutable')] : [];
    const causes = [...other, ...other, ...missing.map((path) => required(path)), ...causesOf(kind, live, next)];
    if (causes.length > 0) throw invalid(kind, name, causes);
    const { generation } = next.metadata;
    const isSame = !live || !generation || same(contentOf(kind, live), contentOf(kind, next));
    return isSame ? next : withAt(next, ['metadata', 'generation'], generation + 1);
  }

  #save({ kind, dryRun = false }: WriteRequest, live: Stored | undefined, next: Stored): Stored {
    if (dryRun || (live && same(next, live))) return next;
    if (!live || next.metadata.deletionTimestamp === undefined || isHeld(next)) return this.store.put(tableOf(kind), next);
    this.store.remove(tableOf(kind), live);
    return next;
  }
}

const serverOwned = 'uid creationTimestamp resourceVersion generation deletionTimestamp deletionGracePeriodSeconds selfLink'.split(' ');

/** What there is before there is anything: what an empty Go value shows is nobody's. */
const nothing = (kind: Kind): Doc => ({ ...emptyOf(kind.shape), apiVersion: apiVersionOf(kind), kind: kind.kind, metadata: {} });

/** What is wanted of an object, without its head: a change of it is a new generation. */
const contentOf = ({ hasStatus }: Kind, object: Stored): Doc =>
  withAt({ ...object, status: hasStatus ? undefined : object['status'] } as Doc, ['metadata'], undefined);

/** Whether what is deleted still waits for somebody: its finalizers, a namespace's contents, a kubelet. */
const isHeld = ({ kind, metadata, ...rest }: Stored): boolean =>
  (metadata.finalizers ?? []).length > 0 ||
  (kind === 'Namespace' && listAt(rest, 'spec', 'finalizers').length > 0) ||
  (kind === 'Pod' && Number(metadata['deletionGracePeriodSeconds'] ?? 0) > 0);

const randomWord = (): string => [...randomBytes(5)].map((byte) => 'bcdfghjklmnpqrstvwxz2456789'[byte % 27]).join('');

function patched(verb: Verb, live: Stored | undefined, body: unknown): Doc {
  try {
    const next = verb === 'merge' ? mergePatch(live, body) : verb === 'json' ? jsonPatch(live, body as readonly unknown[]) : body;
    if (isDoc(next)) return next;
  } catch {
    // Falls through.
  }
  throw new ApiError(422, 'Invalid', 'the server rejected our request due to an error in our request', {});
}

/** What somebody who applies through an endpoint can own. */
function wantedOf({ kind, name, subresource }: WriteRequest, document: Doc): Doc {
  const { apiVersion, kind: said, status } = document;
  if (subresource === 'status') return { apiVersion, kind: said, metadata: { name }, status };
  return withAt(kind.hasStatus ? withAt(document, ['status'], undefined) : document, ['metadata', 'resourceVersion'], undefined);
}

/** The document is of that kind, name and namespace, and about that version of the object. */
function checkHead(verb: Verb, { kind, namespace, name }: WriteRequest, document: Doc, live: Stored | undefined): void {
  const {
    name: said = '',
    namespace: home = '',
    managedFields,
    resourceVersion = '',
    uid = '',
  } = docAt(document, 'metadata') as Readonly<Record<string, string>>;
  const [word, version] = [textAt(document, 'kind'), textAt(document, 'apiVersion')];
  const other = `${verb === 'apply' ? `invalid object type: ` : ''}${`/${version}`.split('/').slice(-2).join('/')}, Kind=${word}`;
  // An apply says what it is; other documents may leave it to the path.
  const isOther = (said: string, own: string): boolean => said !== own && (verb === 'apply' || said !== '');
  if (isOther(word, kind.kind) || isOther(version, apiVersionOf(kind))) throw badRequest(other);
  if (verb === 'apply' && managedFields !== undefined) throw badRequest('metadata.managedFields must be nil');
  if (verb === 'create' && !['', '0'].includes(resourceVersion))
    throw new ApiError(500, '', 'resourceVersion should not be set on objects to be created');
  if (kind.namespaced && home !== '' && home !== namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  const why =
    said === ''
      ? `(${name} based on URL) was undeterminable: name must be provided`
      : `(${said}) does not match the name on the URL (${name})`;
  if (said !== name) throw badRequest(`the name of the object ${why}`);
  if (live && verb === 'create') throw alreadyExists(kind, name, live.metadata.deletionTimestamp !== undefined);
  const modified = 'the object has been modified; please apply your changes to the latest version and try again';
  if (live && resourceVersion !== '' && resourceVersion !== live.metadata.resourceVersion) throw conflict(kind, name, modified);
  const nobody = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`;
  if (!live && verb === 'apply' && uid !== '') throw conflict(kind, name, nobody);
}

/** The document as it is kept, and the paths of what it lacks. Throws when it does not fit its schema; an unknown field is one for an apply alone. */
function checkFit(
  { kind, name, validation = 'Warn', warn }: WriteRequest,
  document: Doc,
  how: 'apply' | 'write',
): [Stored, readonly string[]] {
  const problems: Problem[] = [];
  const decoded = decode(kind.shape, document, problems) as Stored;
  const found = Map.groupBy(problems, ({ what }) => what);
  const unknown = (found.get('unknown') ?? []).map(({ path }) => path).sort();
  const [misfit] = [...(found.get('misfit') ?? []), ...(how === 'apply' ? (found.get('twice') ?? []) : [])];
  const why =
    misfit?.what === 'twice'
      ? `duplicate entries for key ${misfit.text}`
      : unknown.length > 0
        ? 'field not declared in schema'
        : `a ${misfit?.text} does not fit`;
  const what = `${textAt(document, 'metadata', 'namespace')}/${name}; ${kind.group}/${kind.version}, Kind=${kind.kind}`;
  if (how === 'apply' && (misfit ?? unknown[0]) !== undefined)
    throw new ApiError(500, '', `failed to create typed patch object (${what}): .${unknown[0] ?? misfit?.path}: ${why}`);
  const refused = `${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: `;
  if (misfit) throw badRequest(`${refused}json: cannot unmarshal ${misfit.text} into Go struct field ${kind.kind}.${misfit.path}`);
  const words = unknown.map((path) => `unknown field ${JSON.stringify(path)}`);
  if (validation === 'Strict' && words.length > 0) throw badRequest(`${refused}strict decoding error: ${words.join(', ')}`);
  if (validation === 'Warn') for (const word of words) warn?.(word);
  return [decoded, (found.get('missing') ?? []).map(({ path }) => path)];
}
