import { VirtualClock, type Clock } from '#shared/clock/mod.ts';
import { ApiError, fieldSelector, labelSelector, tableOf, type Kind, type Stored, type WriteRequest } from '#shared/kubernetes/mod.ts';
import { errorOf, KubeError, type Asked } from '../errors.ts';
import { kindKey } from '../paths.ts';
import {
  fieldManager,
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
} from '../port.ts';
import { WatchTable } from '../watch-health.ts';
import { MemoryCluster } from './cluster.ts';
import { Faults, type Fault, type MemoryVerb } from './faults.ts';
import { eventsOf } from './watches.ts';

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
interface Select {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

/**
 * A small API server in memory, behind the same port as the real one. Its rules are those of the sandbox: schemas and defaults, owners of fields, versions,
 * finalizers, definitions of kinds, ends. No workload has a controller. Troubles come on order: `fail`, `silence`, `compact`.
 */
export class MemoryKube implements KubeClient {
  readonly #clock: Clock;
  readonly #authorize: NonNullable<MemoryKubeOptions['authorize']>;
  readonly #faults: Faults;
  readonly #watches: WatchTable;
  readonly #cluster: MemoryCluster;
  readonly #failedGroups = new Set<string>();
  #news = Promise.withResolvers<void>();
  #requests: MemoryRequest[] = [];

  constructor({ clock = new VirtualClock(), name = 'memory', authorize = () => true, requestTimeoutMs = 30_000 }: MemoryKubeOptions = {}) {
    this.#clock = clock;
    this.#authorize = authorize;
    this.#faults = new Faults(clock, requestTimeoutMs);
    this.#watches = new WatchTable(clock);
    this.#cluster = new MemoryCluster(name, clock);
    this.#cluster.store.listen(() => this.#tell());
  }

  async version(signal: AbortSignal): Promise<string> {
    return await this.#request({ verb: 'version' }, {}, signal, () => 'v1.36.0-memory');
  }

  async discover(signal: AbortSignal): Promise<Discovery> {
    return await this.#request({ verb: 'discover' }, {}, signal, () => ({
      kinds: this.#cluster.kinds().filter(({ group }) => !this.#failedGroups.has(group)),
      complete: this.#failedGroups.size === 0,
      failedGroups: [...this.#failedGroups].sort(),
    }));
  }

  async get(kind: KindInfo, namespace: string, name: string, signal: AbortSignal): Promise<KubeObject | undefined> {
    const { store } = this.#cluster;
    return await this.#request({ verb: 'get', kind, namespace, name }, {}, signal, () => store.get(tableOf(kind), namespace, name));
  }

  async list(kind: KindInfo, select: Select & { metadataOnly?: boolean }, signal: AbortSignal): Promise<ListPage> {
    const { namespace = '', metadataOnly } = select;
    const { store } = this.#cluster;
    const shown = ({ apiVersion, kind: name, metadata }: KubeObject): KubeObject => ({ apiVersion, kind: name, metadata });
    return await this.#request({ verb: 'list', kind, namespace }, {}, signal, (served) => ({
      items: store
        .list(tableOf(kind), namespace)
        .filter(selects(served, select))
        .map((object) => (metadataOnly ? shown(object) : object)),
      resourceVersion: String(store.version),
    }));
  }

  async *watch(kind: KindInfo, options: Select & { resourceVersion: string }, signal: AbortSignal): AsyncGenerator<WatchEvent> {
    const { namespace = '', labelSelector, fieldSelector } = options;
    const watched = this.#watches.begin([kindKey(kind), namespace, labelSelector, fieldSelector].join(' '), signal);
    const { store } = this.#cluster;
    const parts = {
      clock: this.#clock,
      since: (version: number) => (this.#faults.silent ? [] : version < store.oldestVersion ? undefined : store.since(version)),
      changed: () => this.#news.promise,
      begin: async () => {
        let scope: (object: Stored) => boolean = () => false;
        await this.#request({ verb: 'watch', kind, namespace }, {}, signal, (served) => void (scope = selects(served, options)));
        return scope;
      },
      isServed: () => this.#cluster.served(kind) !== undefined,
      isSilent: () => this.#faults.silent,
      progress: () => watched.progress(),
    };
    let lost = false;
    try {
      for await (const event of eventsOf(tableOf(kind), options.resourceVersion, parts, signal)) {
        lost = event.type === 'RESYNC';
        yield event;
      }
    } finally {
      if (!lost) watched.end();
    }
  }

  async apply(kind: KindInfo, object: KubeObject, options: WriteOptions & { force?: boolean }, signal: AbortSignal): Promise<KubeObject> {
    return await this.#write('apply', kind, object, options, signal, (request) => {
      const { kind: served, namespace, name } = request;
      if (!this.#cluster.store.get(tableOf(served), namespace, name)) this.#allow(options.as, 'create', kind, namespace);
      return this.#cluster.writes.write('apply', { ...request, force: options.force ?? false }, object).object;
    });
  }

  async create(kind: KindInfo, object: KubeObject, options: WriteOptions, signal: AbortSignal): Promise<KubeObject> {
    return await this.#write('create', kind, object, options, signal, (request) => this.#cluster.writes.create(request, object));
  }

  async update(kind: KindInfo, object: KubeObject, options: WriteOptions, signal: AbortSignal): Promise<KubeObject> {
    return await this.#write('update', kind, object, options, signal, (request) => {
      if (object.metadata.resourceVersion) return this.#cluster.writes.update(request, object);
      throw new KubeError('INVALID', `update ${kind.kind} ${object.metadata.name}: no resourceVersion to replace`);
    });
  }

  async delete(
    kind: KindInfo,
    { namespace, name }: ObjectRef,
    options: WriteOptions & { uid: string; resourceVersion?: string; propagation?: 'Background' | 'Foreground' | 'Orphan' },
    signal: AbortSignal,
  ): Promise<void> {
    await this.#request({ verb: 'delete', kind, namespace, name }, options, signal, (served) => {
      this.#cluster.writes.delete(served, namespace, name, options);
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
    this.#cluster.store.compact();
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
    return this.#cluster.store.objects().map(([, object]) => object);
  }

  /** The kind, as discovery would say it. Throws NO_SUCH_KIND. */
  kind(group: string, kind: string): KindInfo {
    return this.#cluster.kind(group, kind);
  }

  /** Somebody else writes the object as it is, its status too: a person, a controller. Unlogged, without faults or rights. Throws ApiError. */
  put(object: KubeObject, manager = 'kubectl'): KubeObject {
    return this.#cluster.put(object, manager);
  }

  /** Somebody else deletes it. */
  remove(object: KubeObject): void {
    this.#cluster.remove(object);
  }

  async #write(
    verb: 'apply' | 'create' | 'update',
    kind: KindInfo,
    { metadata: { namespace = '', name } }: KubeObject,
    options: WriteOptions,
    signal: AbortSignal,
    work: (request: WriteRequest) => Stored,
  ): Promise<KubeObject> {
    const about = { verb, kind, namespace, name };
    return await this.#request(about, options, signal, (served) => {
      const written = work({ kind: served, namespace, name, manager: fieldManager, dryRun: options.dryRun ?? false });
      if (options.dryRun) return written;
      this.#cluster.settle();
      return this.#cluster.store.get(tableOf(served), namespace, name) ?? written;
    });
  }

  /** One request: silence, faults, rights and the log around what is decided in one go. */
  async #request<T>(about: About, options: WriteOptions, signal: AbortSignal, answer: (served: Kind) => T): Promise<T> {
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
      const served = kind && this.#cluster.served(kind);
      if (kind && !served) throw new KubeError('NO_SUCH_KIND', `${kind.group}/${kind.version} ${kind.kind} is not served`);
      if (kind) this.#allow(options.as, verb === 'apply' ? 'patch' : verb, kind, namespace);
      const result = answer(served as Kind);
      this.#cluster.settle();
      log('OK');
      if (fault) throw planned(fault.code);
      return structuredClone(result);
    } catch (thrown) {
      // Said as the real one says it over HTTP, and read as that is read.
      const error = thrown instanceof ApiError ? errorOf({ status: thrown.code, body: JSON.stringify(thrown.status) }, about) : thrown;
      if (error instanceof KubeError && !isLogged) log(error.code);
      throw error;
    }
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

/** Which objects were asked for. Throws ApiError for a selector that is none. */
function selects(
  kind: Kind,
  { namespace = '', labelSelector: labels = '', fieldSelector: fields = '' }: Select,
): (object: Stored) => boolean {
  const [byLabel, byField] = [labelSelector(labels), fieldSelector(fields, kind.builtIn ? kind.kind : '')];
  return (object) => (namespace === '' || object.metadata.namespace === namespace) && byLabel(object) && byField(object);
}
