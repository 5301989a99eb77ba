import type { Clock } from '../../clock/mod.ts';
import type { Random } from '../../kernel/mod.ts';
import { invalid, refusal } from '../errors.ts';
import { applied, updated } from '../fields/managers.ts';
import { at, docAt, isDoc, listAt, same, textAt, timestamp, withAt, type Doc, type Stored } from '../values.ts';
import { required, wrong } from './causes.ts';
import { causesOf } from './checks.ts';
import { decode, type Problem } from './decode.ts';
import { unmetDemands } from './demands.ts';
import { suffixFrom, uuidFrom } from './identities.ts';
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
  readonly #random: Random;

  constructor(store: Store, kinds: Kinds, clock: Clock, random: Random) {
    [this.store, this.kinds, this.#clock, this.#random] = [store, kinds, clock, random];
  }

  get(kind: Kind, namespace: string, name: string): Stored {
    const found = this.store.get(tableOf(kind), namespace, name);
    if (!found) throw refusal('notFound', {}, { kind, name });
    return found;
  }

  create = (request: WriteRequest, body: Doc): Stored => this.write('create', request, body).object;
  update = (request: WriteRequest, body: Doc): Stored => this.write('update', request, body).object;
  patch = (request: WriteRequest, type: 'merge' | 'json', body: unknown): Stored => this.write(type, request, body).object;

  /** `created` says whether the object is new. */
  write(verb: Verb, given: WriteRequest, body: unknown): { readonly object: Stored; readonly created: boolean } {
    const { kind, namespace, manager, subresource = '' } = given;
    const prefix = textAt(body, 'metadata', 'generateName');
    const drawn = textAt(body, 'metadata', 'name') || (prefix && `${prefix.slice(0, 58)}${suffixFrom(this.#random)}`);
    const request = { ...given, name: verb === 'create' ? drawn : given.name };
    const live = this.store.get(tableOf(kind), namespace, request.name);
    if (!live && (subresource !== '' || (verb !== 'create' && verb !== 'apply'))) throw refusal('notFound', {}, request);
    const document = verb === 'create' ? withAt(body as Doc, ['metadata', 'name'], drawn) : patched(verb, live, body);
    checkHead(verb, request, document, live);
    if (!live) this.#checkHome(request);
    const operation = verb === 'apply' ? 'Apply' : 'Update';
    const writer = { manager, operation, apiVersion: apiVersionOf(kind), ...(subresource === '' ? {} : { subresource }) };
    const ignored = subresource === 'status' ? /^f:(?!status)/ : kind.hasStatus ? /^f:status/ : /^$/;
    const write = { writer, ignored, now: this.#clock.now(), force: given.force === true };
    const before = live ?? { apiVersion: apiVersionOf(kind), kind: kind.kind, metadata: {} };
    if (verb === 'apply') checkFit('untyped', request, document);
    const { object, settle } =
      verb === 'apply'
        ? applied(kind.shape, before, wantedOf(request, document), write)
        : { object: document, settle: (next: Doc) => updated(kind.shape, before, next, write) };
    return { object: this.#save(request, live, settle(this.#next(request, live, object)) as Stored), created: !live };
  }

  /** What is left of it, or undefined when it is gone. */
  delete(kind: Kind, namespace: string, name: string, options: DeleteOptions): Stored | undefined {
    const live = this.get(kind, namespace, name);
    if (kind.kind === 'Namespace' && ['default', 'kube-system', 'kube-public'].includes(name))
      throw refusal('wellKnown', {}, { kind, name });
    for (const field of ['uid', 'resourceVersion'] as const) {
      const [wanted, found] = [options[field], live.metadata[field]];
      if (wanted !== undefined && wanted !== found)
        throw refusal(field, { wanted, found }, { kind: { ...kind, resource: kind.kind }, name });
    }
    const next = this.#dying(kind, live, options);
    if (!options.dryRun && isHeld(next)) return same(next, live) ? live : this.store.put(tableOf(kind), next);
    if (!options.dryRun) this.store.remove(tableOf(kind), live);
    return isHeld(next) ? next : undefined;
  }

  #dying(kind: Kind, live: Stored, { graceSeconds: asked, propagation = '' }: DeleteOptions): Stored {
    const { generation, deletionTimestamp, finalizers = [], ...head } = live.metadata;
    const isPlayed = kind.kind === 'Pod' && textAt(live, 'spec', 'nodeName') !== '';
    const wanted = asked ?? Number(at(live, 'spec', 'terminationGracePeriodSeconds') ?? 30);
    const grace = isPlayed ? Math.min(Math.max(0, wanted), graceMaxSeconds) : 0;
    const held = { Foreground: 'foregroundDeletion', Orphan: 'orphan' }[propagation];
    const all = held === undefined ? finalizers : [...finalizers.filter((one) => one !== 'orphan' && one !== 'foregroundDeletion'), held];
    const metadata = {
      ...head,
      ...(all.length > 0 ? { finalizers: all } : {}),
      ...(generation === undefined ? {} : { generation: generation + (deletionTimestamp ? 0 : 1) }),
      deletionTimestamp: deletionTimestamp ?? timestamp(this.#clock.now() + grace * 1000),
      deletionGracePeriodSeconds: deletionTimestamp && asked !== 0 ? head['deletionGracePeriodSeconds'] : grace,
    };
    return kind.kind === 'Namespace' ? withAt({ ...live, metadata }, ['status', 'phase'], 'Terminating') : { ...live, metadata };
  }

  /** A new object needs a namespace that is there to stay. */
  #checkHome({ kind, namespace, name }: WriteRequest): void {
    const namespaces = this.kinds.own('Namespace');
    const home = kind.namespaced ? this.get(namespaces, '', namespace) : undefined;
    const cause = { reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace' };
    if (home?.metadata.deletionTimestamp) throw refusal('terminating', { namespace }, { kind, name }, { causes: [cause] });
  }

  /** The object as it will be: with what a write does not change, with defaults, checked. */
  #next(request: WriteRequest, live: Stored | undefined, document: Doc): Stored {
    const { kind, name, namespace } = request;
    const { uid, managedFields, ...given } = docAt(document, 'metadata');
    const born = {
      uid: uuidFrom(this.#random),
      creationTimestamp: timestamp(this.#clock.now()),
      ...(kind.counted ? { generation: 1 } : {}),
    };
    const fixed = Object.fromEntries(serverOwned.map((key) => [key, ((live?.metadata ?? born) as Doc)[key]]));
    const isStatus = request.subresource === 'status';
    const head = isStatus ? live?.metadata : { ...given, ...fixed, name, namespace: kind.namespaced ? namespace : undefined };
    const status = (isStatus || !kind.hasStatus ? document : live)?.['status'];
    const whole = {
      ...(isStatus ? live : document),
      apiVersion: apiVersionOf(kind),
      kind: kind.kind,
      metadata: { ...head, managedFields },
      status,
    };
    // Through JSON: what is undefined is not there.
    const [decoded, missing] = checkFit('misfit', request, JSON.parse(JSON.stringify(whole)) as Doc);
    const next = (kind.builtIn && preparations[kind.kind]?.(decoded, live)) || decoded;
    const other =
      live && uid !== undefined && uid !== '' && uid !== live.metadata.uid ? [wrong('metadata.uid', uid, 'field is immutable')] : [];
    const causes = [
      ...other,
      ...other,
      ...missing.map((path) => required(path)),
      ...causesOf(kind, live, next),
      ...unmetDemands(kind.schema ?? {}, next),
    ];
    if (causes.length > 0) throw invalid(kind, name, causes);
    const contentOf = (object: Stored): Doc => ({ ...object, metadata: 0, status: kind.hasStatus ? 0 : object['status'] });
    const isSame = !live?.metadata.generation || same(contentOf(live), contentOf(next));
    return isSame ? next : withAt(next, ['metadata', 'generation'], live.metadata.generation + 1);
  }

  #save({ kind, dryRun = false }: WriteRequest, live: Stored | undefined, next: Stored): Stored {
    if (dryRun || (live && same(next, live))) return next;
    if (!live || next.metadata.deletionTimestamp === undefined || isHeld(next)) return this.store.put(tableOf(kind), next);
    this.store.remove(tableOf(kind), live);
    return next;
  }
}

/** A year: no date can be told for some that are allowed. */
const graceMaxSeconds = 365 * 86_400;
const serverOwned = 'uid creationTimestamp resourceVersion generation deletionTimestamp deletionGracePeriodSeconds selfLink'.split(' ');

/** Whether what is deleted still waits for somebody: its finalizers, a namespace's contents, a kubelet. */
const isHeld = ({ kind, metadata, ...rest }: Stored): boolean =>
  (metadata.finalizers ?? []).length > 0 ||
  (kind === 'Namespace' && listAt(rest, 'spec', 'finalizers').length > 0) ||
  (kind === 'Pod' && Number(metadata['deletionGracePeriodSeconds'] ?? 0) > 0);

function patched(verb: Verb, live: Stored | undefined, body: unknown): Doc {
  try {
    const next = verb === 'merge' ? mergePatch(live, body) : verb === 'json' ? jsonPatch(live, body as readonly unknown[]) : body;
    if (isDoc(next)) return next;
  } catch {
    // Falls through.
  }
  throw refusal('patch');
}

/** What somebody who applies through an endpoint can own. */
function wantedOf({ kind, name, subresource }: WriteRequest, document: Doc): Doc {
  const { apiVersion, kind: said, status } = document;
  if (subresource === 'status') return { apiVersion, kind: said, metadata: { name }, status };
  return withAt(kind.hasStatus ? withAt(document, ['status'], undefined) : document, ['metadata', 'resourceVersion'], undefined);
}

/** The document is of that kind, name and namespace, and about that version of the object. */
function checkHead(verb: Verb, request: WriteRequest, document: Doc, live: Stored | undefined): void {
  const [{ kind, namespace, name }, isApply] = [request, verb === 'apply'];
  const of = (field: string): string => textAt(document, 'metadata', field);
  const [version = '', group = ''] = textAt(document, 'apiVersion').split('/').toReversed();
  // An apply says what it is; other documents may leave it to the path.
  const isOther = (field: 'kind' | 'apiVersion', own: string): boolean => (isApply || field in document) && document[field] !== own;
  const [uid, said, isFound] = [of('uid'), of('name'), of('resourceVersion') === live?.metadata.resourceVersion];
  if (isOther('kind', kind.kind) || isOther('apiVersion', apiVersionOf(kind)))
    throw refusal('otherKind', { group, version, kind: textAt(document, 'kind') });
  if (isApply && at(document, 'metadata', 'managedFields') !== undefined) throw refusal('managed');
  if (verb === 'create' && !['', '0'].includes(of('resourceVersion'))) throw refusal('versioned');
  if (kind.namespaced && !['', namespace].includes(of('namespace'))) throw refusal('otherNamespace');
  if (said !== name) throw refusal(said === '' ? 'noName' : 'otherName', { said, name });
  if (live && verb === 'create') throw refusal(live.metadata.deletionTimestamp ? 'isDying' : 'exists', {}, request);
  if (live && of('resourceVersion') !== '' && !isFound) throw refusal('modified', {}, request);
  if (!live && isApply && uid !== '') throw refusal('uidOfNothing', { uid }, request);
}

/** The document as it is kept, and the paths of what it lacks. Throws when it does not fit its schema; for an apply (untyped), an unknown field is a misfit. */
function checkFit(how: 'untyped' | 'misfit', request: WriteRequest, document: Doc): readonly [Stored, readonly string[]] {
  const { kind, name, validation = 'Warn', warn } = request;
  const problems: Problem[] = [];
  const decoded = decode(kind.shape, document, problems) as Stored;
  const fatal = problems.find(
    ({ what, path }) =>
      (what === 'misfit' && (kind.builtIn || how === 'untyped' || path.startsWith('metadata'))) ||
      (how === 'untyped' && what !== 'missing'),
  );
  const version = how === 'misfit' ? kind.version : `${kind.group}/${kind.version}`;
  const about = { kind: kind.kind, version, name, namespace: textAt(document, 'metadata', 'namespace') };
  if (fatal) throw refusal(how, { ...about, ...fatal, why: fatal.text });
  const of = (kind: string): readonly string[] => problems.flatMap(({ what, path }) => (what === kind ? [path] : []));
  const words = of('unknown')
    .map((path) => `unknown field ${JSON.stringify(path)}`)
    .toSorted();
  if (validation === 'Strict' && words.length > 0) throw refusal(how, { ...about, why: `strict decoding error: ${words.join(', ')}` });
  if (validation === 'Warn' && how === 'misfit') for (const word of words) warn?.(word);
  return [decoded, of('missing')];
}
