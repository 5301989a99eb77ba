import { randomBytes, randomUUID } from 'node:crypto';
import type { Clock } from '#shared/clock/mod.ts';
import {
  alreadyExists,
  ApiError,
  badRequest,
  conflict,
  forbidden,
  invalid,
  modified,
  notFound,
  notImplemented,
  type About,
  type Cause,
} from '../errors.ts';
import { applied, updated, type Conflict, type Writer } from '../fields/managers.ts';
import { strategic } from '../fields/merges.ts';
import { pathText } from '../fields/sets.ts';
import { zeroOf } from '../fields/shapes.ts';
import { at, docAt, isDoc, same, textAt, timestamp, type Doc, type Metadata, type Stored } from '../values.ts';
import { causesOf, wrong } from './checks.ts';
import { checkTyped, decode, MisfitError, withDefaults } from './decode.ts';
import { apiVersionOf, tableOf, type Kind, type Kinds } from './kinds.ts';
import { jsonPatch, mergePatch } from './patches.ts';
import { prepared } from './preparations.ts';
import type { Store } from './store.ts';

export interface WriteRequest {
  readonly kind: Kind;
  readonly namespace: string;
  readonly name: string;
  readonly subresource?: '' | 'status' | undefined;
  readonly dryRun?: boolean;
  readonly manager: string;
  /** What becomes of fields that nobody knows; told in `warn` when they are dropped. */
  readonly validation?: 'Ignore' | 'Warn' | 'Strict';
  readonly force?: boolean;
  readonly warn?: (message: string) => void;
}
export type PatchType = 'merge' | 'json' | 'strategic';
export interface DeleteOptions {
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly propagation?: string | undefined;
  readonly graceSeconds?: number | undefined;
  readonly dryRun?: boolean;
}

/** What an object says of itself, head and status apart: a change of it is a new generation. */
const contentOf = ({ metadata: _head, apiVersion: _version, ...rest }: Stored, { hasStatus }: Kind): Doc => {
  const { status, ...wanted } = rest as Doc;
  return hasStatus ? wanted : { ...wanted, ...(status === undefined ? {} : { status }) };
};

/** The rules of every write, whoever asks. Throws ApiError. */
export class Writes {
  readonly store: Store;
  readonly kinds: Kinds;
  readonly #clock: Clock;

  constructor(store: Store, kinds: Kinds, clock: Clock) {
    [this.store, this.kinds, this.#clock] = [store, kinds, clock];
  }

  /** The object as its kind's version shows it; throws NotFound. */
  get(kind: Kind, namespace: string, name: string): Stored {
    const found = this.store.get(tableOf(kind), namespace, name);
    if (!found) throw notFound(kind, name);
    return shown(kind, found);
  }

  create(request: WriteRequest, body: Doc): Stored {
    const { kind, namespace, manager } = request;
    const document = this.#decoded(request, body);
    const given = docAt(document, 'metadata');
    if (given['resourceVersion'] !== undefined && given['resourceVersion'] !== '0')
      throw new ApiError(500, '', 'resourceVersion should not be set on objects to be created');
    this.#namespaceFor(request, document);
    const prefix = textAt(given, 'generateName');
    const name = textAt(given, 'name') || (prefix === '' ? '' : `${prefix.slice(0, 58)}${randomWord()}`);
    const next = this.#born(kind, { ...document, metadata: { ...given, name, ...(kind.namespaced ? { namespace } : {}) } });
    this.#check(kind, undefined, next);
    const other = this.store.get(tableOf(kind), namespace, name);
    if (other) throw alreadyExists(kind, name, other.metadata.deletionTimestamp !== undefined);
    const writer: Writer = { manager, operation: 'Update', apiVersion: apiVersionOf(kind), subresource: '' };
    const owned = updated(kind.shape, this.#nothing(kind), next, writer, ignoredOf(request), this.#clock.now());
    return this.#save(request, undefined, owned as Stored);
  }

  update(request: WriteRequest, body: Doc): Stored {
    const { kind, namespace, name } = request;
    const document = this.#decoded(request, body);
    const given = docAt(document, 'metadata');
    checkName(given, name);
    if (kind.namespaced && textAt(given, 'namespace') !== '' && textAt(given, 'namespace') !== namespace) throw wrongNamespace();
    const live = this.get(kind, namespace, name);
    const uid = textAt(given, 'uid');
    if (uid !== '' && uid !== live.metadata.uid)
      throw conflict(kind, name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${live.metadata.uid}`);
    if (!kind.builtIn && textAt(given, 'resourceVersion') === '')
      throw invalid({ ...kind, kind: kind.resource }, name, [
        {
          ...wrong('metadata.resourceVersion', 0, 'must be specified for an update'),
          message: 'Invalid value: 0: must be specified for an update',
        },
      ]);
    return this.#replaced(request, live, document);
  }

  patch(request: WriteRequest, type: PatchType, body: unknown): Stored {
    const live = this.get(request.kind, request.namespace, request.name);
    const next = this.#patched(request.kind, type, live, body);
    if (!isDoc(next)) throw badRequest('the patched object is no object');
    const said = docAt(next, 'metadata')['name'];
    const home = textAt(next, 'metadata', 'namespace');
    if (request.kind.namespaced && home !== '' && home !== request.namespace) throw wrongNamespace();
    if (said !== request.name)
      throw badRequest(`the name of the object (${String(said)}) does not match the name on the URL (${request.name})`);
    return this.#replaced(request, live, this.#decoded(request, next, type));
  }

  /** Server-side apply; `created` says whether the object is new. */
  apply(request: WriteRequest, body: Doc): { readonly object: Stored; readonly created: boolean } {
    const { kind, namespace, name, subresource = '', manager, force = false } = request;
    const given = docAt(body, 'metadata');
    if (at(given, 'managedFields') !== undefined) throw badRequest('metadata.managedFields must be nil');
    checkName(given, name);
    if (textAt(body, 'apiVersion') !== apiVersionOf(kind) || textAt(body, 'kind') !== kind.kind) {
      const [version = '', group = ''] = textAt(body, 'apiVersion').split('/').toReversed();
      throw badRequest(`invalid object type: ${group}/${version}, Kind=${textAt(body, 'kind')}`);
    }
    this.#namespaceFor(request, body);
    const found = this.store.get(tableOf(kind), namespace, name);
    if (!found && subresource !== '') throw notFound(kind, name);
    const live = found ? shown(kind, found) : undefined;
    try {
      checkTyped(kind.shape, body);
    } catch (error) {
      const what = `${textAt(given, 'namespace')}/${name}; ${kind.group}/${kind.version}, Kind=${kind.kind}`;
      throw new ApiError(500, '', `failed to create typed patch object (${what}): ${(error as Error).message}`);
    }
    const { uid, resourceVersion } = given;
    if (!live && uid !== undefined)
      throw conflict(
        kind,
        name,
        `uid mismatch: the provided object specified uid ${textAt(given, 'uid')}, and no existing object was found`,
      );
    if (live && resourceVersion !== undefined && resourceVersion !== live.metadata.resourceVersion) throw modified(kind, name);
    const writer: Writer = { manager, operation: 'Apply', apiVersion: apiVersionOf(kind), subresource };
    const { resourceVersion: _, ...head } = { ...given, name, ...(kind.namespaced ? { namespace } : {}) } as Doc;
    const { status, ...wanted } = { ...body, metadata: head } as Doc;
    const isStatus = subresource === 'status';
    const document: Doc = isStatus
      ? { apiVersion: body['apiVersion'], kind: body['kind'], metadata: head, status }
      : kind.hasStatus
        ? wanted
        : { ...body, metadata: head };
    const options = { force, ignored: ignoredOf(request), now: this.#clock.now() };
    const result = applied(kind.shape, live ?? this.#nothing(kind), document, writer, options);
    if ('conflicts' in result) throw applyConflict(result.conflicts);
    const { value } = decode(kind.shape, result.object, kind.builtIn);
    const next = live ? this.#carried(request, live, value) : this.#born(kind, value);
    this.#check(kind, live, next, value);
    return { object: this.#save(request, live, result.settle(next) as Stored), created: !live };
  }

  /** What is left of it, or undefined when it is gone. */
  delete(kind: Kind, namespace: string, name: string, options: DeleteOptions): Stored | undefined {
    if (tableOf(kind) === '/namespaces' && ['default', 'kube-system', 'kube-public'].includes(name))
      throw new ApiError(403, 'Forbidden', `namespaces "${name}" is forbidden: this namespace may not be deleted`, {
        name,
        kind: 'namespaces',
      });
    const live = this.get(kind, namespace, name);
    const { uid, resourceVersion, dryRun = false } = options;
    const failed = (what: string, wanted: string, found: string, guess: string): ApiError =>
      conflict(
        { ...kind, resource: kind.kind },
        name,
        `the ${what} in the precondition (${wanted}) does not match the ${what} in record (${found}). ${guess}`,
      );
    if (uid !== undefined && uid !== live.metadata.uid)
      throw failed('UID', uid, live.metadata.uid, 'The object might have been deleted and then recreated');
    if (resourceVersion !== undefined && resourceVersion !== live.metadata.resourceVersion)
      throw failed('ResourceVersion', resourceVersion, live.metadata.resourceVersion, 'The object might have been modified');
    const next = this.#dying(kind, live, options);
    if (dryRun) return isHeld(kind, next) ? next : undefined;
    if (!isHeld(kind, next)) {
      this.store.remove(tableOf(kind), stored(kind, live));
      return undefined;
    }
    return same(next, live) ? live : shown(kind, this.store.put(tableOf(kind), stored(kind, next)));
  }

  #dying(kind: Kind, live: Stored, { propagation, graceSeconds }: DeleteOptions): Stored {
    const { metadata } = live;
    const held = { Foreground: 'foregroundDeletion', Orphan: 'orphan' }[propagation ?? ''];
    const finalizers = [
      ...(metadata.finalizers ?? []).filter((one) => propagation === undefined || (one !== 'foregroundDeletion' && one !== 'orphan')),
      ...(held ? [held] : []),
    ];
    const isPlayed = kind.builtIn && kind.kind === 'Pod' && textAt(live, 'spec', 'nodeName') !== '';
    const grace = isPlayed ? (graceSeconds ?? Number(at(live, 'spec', 'terminationGracePeriodSeconds') ?? 30)) : 0;
    const dead: Metadata = {
      ...metadata,
      ...(finalizers.length > 0 || metadata.finalizers ? { finalizers } : {}),
      ...(metadata.deletionTimestamp
        ? {}
        : {
            deletionTimestamp: timestamp(this.#clock.now() + grace * 1000),
            deletionGracePeriodSeconds: grace,
            ...(metadata.generation === undefined ? {} : { generation: metadata.generation + 1 }),
          }),
      ...(graceSeconds === 0 ? { deletionGracePeriodSeconds: 0 } : {}),
    };
    const next: Stored = { ...live, metadata: dead };
    return kind.builtIn && kind.kind === 'Namespace' ? { ...next, status: { ...docAt(next, 'status'), phase: 'Terminating' } } : next;
  }

  #patched(kind: Kind, type: PatchType, live: Stored, body: unknown): unknown {
    if (type === 'merge') return mergePatch(live, body);
    try {
      if (type === 'json') return jsonPatch(live, body as readonly unknown[]);
    } catch {
      throw new ApiError(422, 'Invalid', 'the server rejected our request due to an error in our request', {});
    }
    try {
      return strategic(kind.shape, live, body);
    } catch (error) {
      throw notImplemented((error as Error).message);
    }
  }

  /** A document that takes the place of the live object, as an update of it. */
  #replaced(request: WriteRequest, live: Stored, document: Doc): Stored {
    const { kind, name, manager, subresource = '' } = request;
    const { resourceVersion } = docAt(document, 'metadata');
    if (resourceVersion !== undefined && resourceVersion !== '' && resourceVersion !== live.metadata.resourceVersion)
      throw modified(kind, name);
    const next = this.#carried(request, live, document);
    this.#check(kind, live, next, document);
    const writer: Writer = { manager, operation: 'Update', apiVersion: apiVersionOf(kind), subresource };
    return this.#save(request, live, updated(kind.shape, live, next, writer, ignoredOf(request), this.#clock.now()) as Stored);
  }

  #decoded({ kind, validation = 'Warn', warn }: WriteRequest, body: Doc, patch?: PatchType): Doc {
    const apiVersion = textAt(body, 'apiVersion') || apiVersionOf(kind);
    const name = textAt(body, 'kind') || kind.kind;
    const refused = (why: string): ApiError =>
      badRequest(`${name} in version ${JSON.stringify(kind.version)} cannot be handled as a ${kind.kind}: ${why}`);
    if (!kind.builtIn && apiVersion !== apiVersionOf(kind))
      throw badRequest(`the API version in the data (${apiVersion}) does not match the expected API version (${apiVersionOf(kind)})`);
    if (name !== kind.kind || apiVersion !== apiVersionOf(kind)) {
      if (!kind.builtIn)
        throw invalid({ group: kind.group, kind: name }, textAt(body, 'metadata', 'name'), [wrong('kind', name, `must be ${kind.kind}`)]);
      throw refused(`converting (${apiVersion.replace('/', '.')}.${name}) to (${kind.group || 'core'}.${kind.kind}): unknown conversion`);
    }
    try {
      const { value, unknown } = decode(kind.shape, body, kind.builtIn);
      const words = unknown.toSorted().map((path) => `unknown field ${JSON.stringify(path)}`);
      if (validation === 'Strict' && words.length > 0) {
        if (patch) throw invalid({ group: '', kind: '' }, '', [{ ...wrong('patch', null, ''), message: `Invalid value: ${words[0]}` }]);
        throw refused(`strict decoding error: ${words.join(', ')}`);
      }
      if (validation === 'Warn') for (const word of words) warn?.(word);
      return { ...value, apiVersion: apiVersionOf(kind), kind: kind.kind };
    } catch (error) {
      if (!(error instanceof MisfitError)) throw error;
      if (!kind.builtIn)
        throw invalid(kind, textAt(body, 'metadata', 'name'), [
          {
            ...wrong(error.path, error.got, `${error.path} in body must be of type ${error.expected}: "${error.got}"`),
            reason: 'FieldValueTypeInvalid',
          },
        ]);
      throw refused(error.message.replace('field ', `field ${kind.kind}.`));
    }
  }

  #namespaceFor({ kind, namespace, name }: WriteRequest, document: Doc): void {
    const said = textAt(document, 'metadata', 'namespace');
    const definition = kind.builtIn
      ? undefined
      : this.store.get('apiextensions.k8s.io/customresourcedefinitions', '', `${kind.resource}.${kind.group}`);
    const isNew = !this.store.get(tableOf(kind), namespace, name);
    if (definition?.metadata.deletionTimestamp && isNew)
      throw forbidden(kind, textAt(document, 'metadata', 'name'), 'create not allowed while custom resource definition is terminating');
    if (!kind.namespaced) return;
    if (said !== '' && said !== namespace) throw wrongNamespace();
    const home = this.store.get('/namespaces', '', namespace);
    if (!home) throw notFound(namespaces, namespace);
    if (home.metadata.deletionTimestamp === undefined || !isNew) return;
    const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
    const cause = { reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace' };
    throw forbidden(kind, textAt(document, 'metadata', 'name'), why, { causes: [cause] });
  }

  /** What there is before there is anything: what an empty Go value shows is nobody's. */
  #nothing(kind: Kind): Doc {
    return { apiVersion: apiVersionOf(kind), kind: kind.kind, ...(kind.builtIn ? zeroOf(kind.shape) : {}), metadata: {} };
  }

  #born(kind: Kind, document: Doc): Stored {
    const {
      resourceVersion: _,
      managedFields: __,
      selfLink: ___,
      deletionTimestamp: ____,
      namespace,
      ...given
    } = docAt(document, 'metadata');
    const { status, ...wanted } = document;
    const metadata = {
      ...given,
      ...(kind.namespaced ? { namespace } : {}),
      ...(kind.counted ? { generation: 1 } : {}),
      uid: textAt(given, 'uid') || randomUUID(),
      creationTimestamp: timestamp(this.#clock.now()),
    };
    return this.#full(kind, undefined, { ...wanted, ...(kind.hasStatus || status === undefined ? {} : { status }), metadata });
  }

  /** The document in the live object's place, with what a write does not change. */
  #carried({ kind, subresource = '' }: WriteRequest, live: Stored, document: Doc): Stored {
    const { uid, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, generation, resourceVersion, name, namespace } =
      live.metadata;
    const said = docAt(document, 'metadata');
    const { deletionTimestamp: _, deletionGracePeriodSeconds: __, generation: ___, selfLink: ____, ...given } = said;
    const { status, ...wanted } = document;
    const { status: liveStatus, ...liveWanted } = live;
    const isStatus = subresource === 'status';
    const theirs = isStatus ? status : kind.hasStatus ? liveStatus : status;
    const dying = deletionTimestamp === undefined ? {} : { deletionTimestamp, deletionGracePeriodSeconds };
    const counted = generation === undefined ? {} : { generation };
    const head = { ...(isStatus ? { ...live.metadata, managedFields: said['managedFields'] } : given), ...dying, ...counted };
    const metadata = { ...head, uid, creationTimestamp, resourceVersion, name, ...(namespace === undefined ? {} : { namespace }) };
    const base = isStatus ? liveWanted : wanted;
    const next = this.#full(kind, live, { ...base, ...(theirs === undefined ? {} : { status: theirs }), metadata });
    if (generation === undefined || same(contentOf(live, kind), contentOf(next, kind))) return next;
    return { ...next, metadata: { ...next.metadata, generation: generation + 1 } };
  }

  #full(kind: Kind, live: Stored | undefined, document: Doc): Stored {
    const head = { ...docAt(document, 'metadata') };
    for (const key of ['labels', 'annotations', 'finalizers', 'ownerReferences', 'managedFields'] as const)
      if (
        head[key] === undefined ||
        (isDoc(head[key]) ? Object.keys(head[key]).length === 0 : kind.builtIn && (head[key] as unknown[]).length === 0)
      )
        delete (head as Record<string, unknown>)[key];
    const whole = withDefaults(kind.shape, { ...document, apiVersion: apiVersionOf(kind), kind: kind.kind, metadata: head }) as Stored;
    return prepared(kind, live, whole);
  }

  #check(kind: Kind, live: Stored | undefined, next: Stored, document: Doc = next): void {
    const uid = at(document, 'metadata', 'uid');
    // Twice, as the real one says it.
    const isOther = live && uid !== undefined && uid !== '' && uid !== live.metadata.uid;
    const causes = [
      ...(isOther ? (Array(2).fill(wrong('metadata.uid', uid, 'field is immutable')) as Cause[]) : []),
      ...causesOf(kind, live, next),
    ];
    if (causes.length > 0) throw invalid(kind, next.metadata.name, causes);
  }

  #save({ kind, dryRun = false }: WriteRequest, live: Stored | undefined, next: Stored): Stored {
    if (dryRun || (live && same(next, live))) return next;
    const table = tableOf(kind);
    if (live && next.metadata.deletionTimestamp !== undefined && !isHeld(kind, next)) {
      this.store.remove(table, stored(kind, live));
      return next;
    }
    return shown(kind, this.store.put(table, stored(kind, next)));
  }
}

const namespaces: About = { group: '', resource: 'namespaces', kind: 'Namespace' };
const wrongNamespace = (): ApiError => badRequest('the namespace of the provided object does not match the namespace sent on the request');

/** Whether what is deleted still waits for somebody: its finalizers, a namespace's contents, a kubelet. */
const isHeld = (kind: Kind, { metadata, ...rest }: Stored): boolean =>
  (metadata.finalizers ?? []).length > 0 ||
  (kind.builtIn &&
    kind.kind === 'Namespace' &&
    Array.isArray(at(rest, 'spec', 'finalizers')) &&
    (at(rest, 'spec', 'finalizers') as unknown[]).length > 0) ||
  (kind.builtIn && kind.kind === 'Pod' && Number(metadata['deletionGracePeriodSeconds'] ?? 0) > 0);

const shown = (kind: Kind, object: Stored): Stored =>
  kind.builtIn || object.apiVersion === apiVersionOf(kind) ? object : { ...object, apiVersion: apiVersionOf(kind) };
const stored = (kind: Kind, object: Stored): Stored =>
  kind.builtIn ? object : { ...object, apiVersion: apiVersionOf({ group: kind.group, version: kind.storageVersion }) };

/** What an endpoint does not write, and so does not own. */
const ignoredOf = ({ kind, subresource = '' }: WriteRequest): readonly string[] => {
  if (subresource === 'status') return ['f:spec', 'f:metadata', 'f:data'];
  return kind.hasStatus ? ['f:status'] : [];
};

function checkName(metadata: Doc, name: string): void {
  const said = textAt(metadata, 'name');
  if (said === '') throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`);
  if (said !== name) throw badRequest(`the name of the object (${said}) does not match the name on the URL (${name})`);
}

const randomWord = (): string => [...randomBytes(5)].map((byte) => 'bcdfghjklmnpqrstvwxz2456789'[byte % 27]).join('');

function applyConflict(conflicts: readonly Conflict[]): ApiError {
  const by = ({ manager, operation, apiVersion, subresource }: Writer): string =>
    `${JSON.stringify(manager)}${subresource === '' ? '' : ` with subresource ${JSON.stringify(subresource)}`}${operation === 'Update' ? ` using ${apiVersion}` : ''}`;
  const causes = conflicts.map(({ writer, path }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${by(writer)}`,
    field: pathText(path),
  }));
  const one = conflicts[0];
  if (conflicts.length === 1 && one)
    return new ApiError(409, 'Conflict', `Apply failed with 1 conflict: conflict with ${by(one.writer)}: ${pathText(one.path)}`, {
      causes,
    });
  const groups = Map.groupBy(conflicts, ({ writer }) => by(writer));
  const words = [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([writer, all]) => [`conflicts with ${writer}:`, ...all.map(({ path }) => `- ${pathText(path)}`)]);
  return new ApiError(409, 'Conflict', `Apply failed with ${conflicts.length} conflicts: ${words.join('\n')}`, { causes });
}
