import { VirtualClock, type Clock } from '../../shared/clock/mod.ts';
import { KubeError, type Asked } from './errors.ts';
import { applied, updated } from './memory/apply.ts';
import { MemoryCluster } from './memory/cluster.ts';
import { Faults, type Fault, type MemoryVerb } from './memory/faults.ts';
import { pathText } from './memory/fields.ts';
import { checkedObject, withStatusOf } from './memory/objects.ts';
import { MemoryStore } from './memory/store.ts';
import { eventsOf } from './memory/watches.ts';
import { kindKey } from './paths.ts';
import {
  fieldManager,
  groupOf,
  type Discovery,
  type KindInfo,
  type KubeClient,
  type KubeCode,
  type KubeObject,
  type ListPage,
  type ObjectRef,
  type WatchEvent,
  type WatchHealth,
  type WriteOptions,
} from './port.ts';
import { selection } from './selectors.ts';
import { WatchTable } from './watch-health.ts';

export interface MemoryKubeOptions {
  /** A virtual one by default. */
  readonly clock?: Clock;
  /** Begins every uid, so that two clusters of one process share none. */
  readonly name?: string;
  /** May this user (undefined: the spoke's own account) do that? Verbs as in RBAC; an apply is `patch`, and `create` too when the object is new. */
  readonly authorize?: (user: string | undefined, verb: string, kind: KindInfo, namespace: string) => boolean;
  readonly requestTimeoutMs?: number;
}

export interface MemoryRequest {
  readonly verb: MemoryVerb;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly as: string | undefined;
  readonly dryRun: boolean;
  readonly outcome: 'OK' | KubeCode;
}

const requestsMax = 10_000;
const mutating: readonly MemoryVerb[] = ['apply', 'create', 'update', 'delete'];

type About = Asked & { readonly verb: MemoryVerb };

/**
 * A small API server in memory, behind the same port as the real one: server-side apply with owners and conflicts, versions and preconditions, watches,
 * finalizers, custom kinds. No controllers, no garbage collection, no schemas. Troubles come on order: `fail`, `silence`, `compact`.
 */
export class MemoryKube implements KubeClient {
  readonly #clock: Clock;
  readonly #authorize: NonNullable<MemoryKubeOptions['authorize']>;
  readonly #faults: Faults;
  readonly #watches: WatchTable;
  readonly #cluster: MemoryCluster;
  readonly #store: MemoryStore;
  readonly #failedGroups = new Set<string>();
  #news = Promise.withResolvers<void>();
  #requests: MemoryRequest[] = [];

  constructor({ clock = new VirtualClock(), name = 'memory', authorize = () => true, requestTimeoutMs = 30_000 }: MemoryKubeOptions = {}) {
    this.#clock = clock;
    this.#authorize = authorize;
    this.#faults = new Faults(clock, requestTimeoutMs);
    this.#watches = new WatchTable(clock);
    this.#store = new MemoryStore(
      name,
      () => clock.now(),
      () => this.#tell(),
    );
    this.#cluster = new MemoryCluster(this.#store);
    for (const namespace of ['default', 'kube-system', 'kube-public'])
      this.put(
        { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace }, spec: { finalizers: ['kubernetes'] } },
        'kube-apiserver',
      );
  }

  async version(signal: AbortSignal): Promise<string> {
    return await this.#request({ verb: 'version' }, {}, signal, () => 'v1.36.0-memory');
  }

  async discover(signal: AbortSignal): Promise<Discovery> {
    return await this.#request({ verb: 'discover' }, {}, signal, () => ({
      kinds: [...this.#cluster.kinds()].filter(({ group }) => !this.#failedGroups.has(group)),
      complete: this.#failedGroups.size === 0,
      failedGroups: [...this.#failedGroups].sort(),
    }));
  }

  async get(kind: KindInfo, namespace: string, name: string, signal: AbortSignal): Promise<KubeObject | undefined> {
    return await this.#request({ verb: 'get', kind, namespace, name }, {}, signal, () => this.#store.get(kind, namespace, name)?.object);
  }

  async list(
    kind: KindInfo,
    select: { namespace?: string; labelSelector?: string; fieldSelector?: string; metadataOnly?: boolean },
    signal: AbortSignal,
  ): Promise<ListPage> {
    const { namespace = '', metadataOnly } = select;
    const selects = selection(select.labelSelector, select.fieldSelector);
    const shown = ({ apiVersion, kind: name, metadata }: KubeObject): KubeObject => ({ apiVersion, kind: name, metadata });
    return await this.#request({ verb: 'list', kind, namespace }, {}, signal, () => ({
      items: this.#store
        .list(kind)
        .filter((object) => (namespace === '' || object.metadata.namespace === namespace) && selects(object))
        .map((object) => (metadataOnly ? shown(object) : object)),
      resourceVersion: this.#store.version,
    }));
  }

  async *watch(
    kind: KindInfo,
    options: { namespace?: string; labelSelector?: string; fieldSelector?: string; resourceVersion: string },
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent> {
    const { namespace = '' } = options;
    const watched = this.#watches.begin([kindKey(kind), namespace, options.labelSelector, options.fieldSelector].join(' '), signal);
    const selects = selection(options.labelSelector, options.fieldSelector);
    const scope = (object: KubeObject): boolean => (namespace === '' || object.metadata.namespace === namespace) && selects(object);
    const parts = {
      clock: this.#clock,
      since: (version: number) => (this.#faults.silent ? [] : this.#store.since(version)),
      changed: () => this.#news.promise,
      begin: async () => await this.#request({ verb: 'watch', kind, namespace }, {}, signal, () => undefined),
      isServed: () => this.#cluster.serves(kind),
      isSilent: () => this.#faults.silent,
      progress: () => watched.progress(),
    };
    let lost = false;
    try {
      for await (const event of eventsOf(kindKey(kind), scope, options.resourceVersion, parts, signal)) {
        lost = event.type === 'RESYNC';
        yield event;
      }
    } finally {
      if (!lost) watched.end();
    }
  }

  async apply(kind: KindInfo, object: KubeObject, options: WriteOptions & { force?: boolean }, signal: AbortSignal): Promise<KubeObject> {
    return await this.#request(aboutObject('apply', kind, object), options, signal, () => {
      const document = checkedObject(kind, object);
      const live = this.#cluster.live(kind, document);
      if (!live) this.#allow(options.as, 'create', kind, document.metadata.namespace ?? '');
      const { uid, resourceVersion } = document.metadata;
      const stale =
        (uid && uid !== live?.object.metadata.uid) || (resourceVersion && resourceVersion !== live?.object.metadata.resourceVersion);
      if (stale)
        throw new KubeError('CONFLICT', `apply ${kind.kind} ${document.metadata.name}: it is not the object that the document names`);
      const result = applied(live, document, fieldManager, options.force ?? false);
      if (result.outcome === 'applied') return this.#cluster.write(kind, live, result.next, options.dryRun);
      throw conflict(kind, document, result.conflicts);
    });
  }

  async create(kind: KindInfo, object: KubeObject, options: WriteOptions, signal: AbortSignal): Promise<KubeObject> {
    return await this.#request(aboutObject('create', kind, object), options, signal, () => {
      const document = checkedObject(kind, object);
      if (this.#cluster.live(kind, document))
        throw new KubeError('ALREADY_EXISTS', `create ${kind.kind} ${document.metadata.name}: already exists`);
      return this.#cluster.write(kind, undefined, updated(undefined, document, fieldManager), options.dryRun);
    });
  }

  async update(kind: KindInfo, object: KubeObject, options: WriteOptions, signal: AbortSignal): Promise<KubeObject> {
    return await this.#request(aboutObject('update', kind, object), options, signal, () => {
      const what = `update ${kind.kind} ${object.metadata.name}`;
      const live = this.#cluster.live(kind, object);
      if (!object.metadata.resourceVersion) throw new KubeError('INVALID', `${what}: no resourceVersion to replace`);
      if (!live) throw new KubeError('NOT_FOUND', `${what}: not found`);
      if (object.metadata.resourceVersion !== live.object.metadata.resourceVersion)
        throw new KubeError('CONFLICT', `${what}: the object has been modified`);
      const document = withStatusOf(live.object, checkedObject(kind, object));
      return this.#cluster.write(kind, live, updated(live, document, fieldManager), options.dryRun);
    });
  }

  async delete(
    kind: KindInfo,
    ref: ObjectRef,
    options: WriteOptions & { uid: string; resourceVersion?: string; propagation?: 'Background' | 'Foreground' | 'Orphan' },
    signal: AbortSignal,
  ): Promise<void> {
    await this.#request({ verb: 'delete', kind, namespace: ref.namespace, name: ref.name }, options, signal, () => {
      const live = this.#store.get(kind, ref.namespace, ref.name)?.object;
      const what = `delete ${kind.kind} ${ref.namespace}/${ref.name}`;
      if (!live) throw new KubeError('NOT_FOUND', `${what}: not found`);
      if (live.metadata.uid !== options.uid) throw new KubeError('CONFLICT', `${what}: another object (uid) has that name`);
      if (options.resourceVersion !== undefined && live.metadata.resourceVersion !== options.resourceVersion)
        throw new KubeError('CONFLICT', `${what}: the object has been modified`);
      if (!options.dryRun) this.#cluster.delete(kind, live);
    });
  }

  watchHealth(): WatchHealth {
    return this.#watches.health();
  }

  /** The next calls that fit fail with that code. */
  fail(fault: Fault): void {
    this.#faults.plan(fault);
  }

  /** From now on nothing answers and no watch says anything, as a stopped process behind an open port. Calls reject after the request time-out. */
  silence(): void {
    this.#faults.silence();
  }

  /** Ends silence and every planned fault. */
  heal(): void {
    this.#faults.clear();
    this.#faults.wake();
    this.#failedGroups.clear();
    this.#tell();
  }

  /** Discovery of that group fails until healed: an aggregated API server that is down. */
  failGroup(group: string): void {
    this.#failedGroups.add(group);
  }

  /** Older versions cannot be watched from any more (410). */
  compact(): void {
    this.#store.compact();
    this.#tell();
  }

  /** What was asked, oldest first; the last ten thousand. */
  get requests(): readonly MemoryRequest[] {
    return this.#requests;
  }

  /** The writes that were carried out: what a quiet steady state has none of. */
  get writes(): readonly MemoryRequest[] {
    return this.#requests.filter(({ verb, dryRun, outcome }) => mutating.includes(verb) && !dryRun && outcome === 'OK');
  }

  forgetRequests(): void {
    this.#requests = [];
  }

  /** Every object, unasked and unlogged. */
  objects(): readonly KubeObject[] {
    return this.#store.all();
  }

  /** The kind, as discovery would say it. Throws NO_SUCH_KIND. */
  kind(group: string, kind: string): KindInfo {
    return this.#cluster.kind(group, kind);
  }

  /** Somebody else writes the object as it is, its status too: a person, a controller. Unlogged, without faults or rights. */
  put(object: KubeObject, manager = 'kubectl'): KubeObject {
    const kind = this.kind(groupOf(object.apiVersion), object.kind);
    const live = this.#store.get(kind, object.metadata.namespace ?? '', object.metadata.name);
    return this.#cluster.write(kind, live, updated(live, checkedObject(kind, object, 'with status'), manager));
  }

  /** Somebody else deletes it. */
  remove(object: KubeObject): void {
    this.#cluster.delete(this.kind(groupOf(object.apiVersion), object.kind), object);
  }

  /** One request: silence, faults, rights and the log around what is decided in one go. */
  async #request<T>(about: About, options: WriteOptions, signal: AbortSignal, answer: () => T): Promise<T> {
    const { verb, kind, namespace = '', name = '' } = about;
    let isLogged = false;
    const log = (outcome: MemoryRequest['outcome']): void => {
      isLogged = true;
      this.#requests.push({ verb, kind: kind?.kind ?? '', namespace, name, as: options.as, dryRun: options.dryRun ?? false, outcome });
      if (this.#requests.length > requestsMax) this.#requests.shift();
    };
    const planned = (code: KubeCode): KubeError => new KubeError(code, `${verb} ${kind?.kind ?? ''} ${name}: planned fault`);
    try {
      await this.#faults.heard(signal);
      const fault = this.#faults.take({ verb, kind: kind?.kind ?? '', name });
      if (fault && !fault.answerLost) throw planned(fault.code);
      if (kind) this.#admit(kind, verb === 'apply' ? 'patch' : verb, namespace, options.as);
      const result = answer();
      log('OK');
      if (fault) throw planned(fault.code);
      return structuredClone(result);
    } catch (error) {
      if (error instanceof KubeError && !isLogged) log(error.code);
      throw error;
    }
  }

  #admit(kind: KindInfo, verb: string, namespace: string, user: string | undefined): void {
    if (!this.#cluster.serves(kind)) throw new KubeError('NO_SUCH_KIND', `${kind.group}/${kind.version} ${kind.kind} is not served`);
    this.#allow(user, verb, kind, namespace);
  }

  #allow(user: string | undefined, verb: string, kind: KindInfo, namespace: string): void {
    if (this.#authorize(user, verb, kind, namespace)) return;
    throw new KubeError('FORBIDDEN', `User "${user ?? 'spoke'}" cannot ${verb} ${kind.resource} in the namespace "${namespace}"`);
  }

  #tell(): void {
    const news = this.#news;
    this.#news = Promise.withResolvers();
    news.resolve();
  }
}

const aboutObject = (verb: MemoryVerb, kind: KindInfo, { metadata }: KubeObject): About => ({
  verb,
  kind,
  namespace: metadata.namespace ?? '',
  name: metadata.name,
});

function conflict(
  kind: KindInfo,
  { metadata }: KubeObject,
  conflicts: readonly { readonly manager: string; readonly path: string }[],
): KubeError {
  const causes = conflicts.map(({ manager, path }) => {
    const by = `conflict with "${manager.replace(/\/Update$/, '')}"${manager.endsWith('/Update') ? ' using v1' : ''}`;
    return { reason: 'FieldManagerConflict', field: pathText(path), message: by };
  });
  return new KubeError('CONFLICT', `apply ${kind.kind} ${metadata.name}: ${causes.length} conflicts, first ${causes[0]?.field}`, {
    causes,
  });
}
