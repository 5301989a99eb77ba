import { jitteredMs, type Random } from '../../shared/kernel/mod.ts';
import { systemClock, systemRandom, type Clock } from '../../shared/clock/mod.ts';
import { inClusterCredentials, kubeconfigCredentials, type Credentials } from './credentials.ts';
import { discoveryAccept, discoveryOf, groupsOf, resourcesOf, type GroupListing } from './discovery.ts';
import { KubeError, isKubeError, type Asked } from './errors.ts';
import { kubeLimits, type KubeLimits } from './limits.ts';
import { listAll } from './lists.ts';
import { objectOf, pageOf } from './objects.ts';
import { kindKey, pathOf } from './paths.ts';
import {
  fieldManager,
  type Discovery,
  type KindInfo,
  type KubeClient,
  type KubeObject,
  type ListPage,
  type ObjectRef,
  type WatchEvent,
  type WatchHealth,
  type WriteOptions,
} from './port.ts';
import { Transport } from './transport.ts';
import { WatchTable } from './watch-health.ts';
import { watchFrom } from './watches.ts';

export interface KubeClientOptions {
  readonly clock?: Clock;
  readonly random?: Random;
  readonly limits?: Partial<KubeLimits>;
}

/** A client for a context of a kubeconfig file (the current one by default). Rejects with CONFIG; nothing is sent yet. */
export const fromKubeconfig = async (path: string, context?: string, options: KubeClientOptions = {}): Promise<HttpKubeClient> =>
  new HttpKubeClient(await kubeconfigCredentials(path, context), options);

/** A client for the cluster that this process is a pod of. Rejects with CONFIG. */
export const inCluster = async (options: KubeClientOptions = {}): Promise<HttpKubeClient> =>
  new HttpKubeClient(await inClusterCredentials(), options);

type Select = { namespace?: string; labelSelector?: string; fieldSelector?: string };
type About = Asked & { kind: KindInfo };

// Who cannot do that sends the whole objects, which is only slower.
const metadataAccept = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json';

/** KubeClient over HTTP: every method is one request (or its pages), checked to be about what was asked. */
export class HttpKubeClient implements KubeClient, AsyncDisposable {
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #limits: KubeLimits;
  readonly #watches: WatchTable;

  constructor(credentials: Credentials, { clock = systemClock, random = systemRandom, limits }: KubeClientOptions = {}) {
    this.#clock = clock;
    this.#random = random;
    this.#limits = kubeLimits(limits);
    this.#transport = new Transport(credentials, clock, this.#limits);
    this.#watches = new WatchTable(clock);
  }

  async version(signal: AbortSignal): Promise<string> {
    const answer = await this.#transport.json({ method: 'GET', path: '/version', asked: { verb: 'get /version' } }, signal);
    const version = answer['gitVersion'];
    if (typeof version === 'string' && version !== '') return version;
    throw new KubeError('BAD_RESPONSE', 'get /version: the answer names no version');
  }

  async discover(signal: AbortSignal): Promise<Discovery> {
    const roots = await Promise.all((['/api', '/apis'] as const).map(async (root) => groupsOf(root, await this.#discovery(root, signal))));
    const groups = await Promise.all(roots.flat().map(async (group) => await this.#completed(group, signal)));
    return discoveryOf(groups);
  }

  async get(kind: KindInfo, namespace: string, name: string, signal: AbortSignal): Promise<KubeObject | undefined> {
    const asked: About = { verb: 'get', kind, namespace, name: named(name) };
    try {
      return objectOf(await this.#transport.json({ method: 'GET', path: pathOf(kind, namespace, name), asked }, signal), asked);
    } catch (error) {
      if (isKubeError(error, 'NOT_FOUND')) return undefined;
      throw error;
    }
  }

  async list(kind: KindInfo, select: Select & { metadataOnly?: boolean }, signal: AbortSignal): Promise<ListPage> {
    const asked: About = { verb: 'list', kind, namespace: select.namespace ?? '' };
    const path = pathOf(kind, select.namespace);
    const accept = select.metadataOnly ? metadataAccept : 'application/json';
    let bytes = 0;
    const page = async (token: string) => {
      const query = { ...selectors(select), limit: String(this.#limits.listPageItems), ...(token === '' ? {} : { continue: token }) };
      const text = await this.#transport.text({ method: 'GET', path, query, accept, timeoutMs: this.#limits.listTimeoutMs, asked }, signal);
      bytes = (token === '' ? 0 : bytes) + text.length;
      if (bytes > this.#limits.listMaxBytes)
        throw new KubeError('TOO_LARGE', `list ${kind.kind}: more than ${this.#limits.listMaxBytes} bytes`);
      return pageOf(parsed(text, asked), asked);
    };
    return await listAll(page, this.#limits.listItemsMax);
  }

  async *watch(kind: KindInfo, options: Select & { resourceVersion: string }, signal: AbortSignal): AsyncGenerator<WatchEvent> {
    const asked: About = { verb: 'watch', kind, namespace: options.namespace ?? '' };
    const path = pathOf(kind, options.namespace);
    const key = [kindKey(kind), options.namespace, options.labelSelector, options.fieldSelector].join(' ');
    const watched = this.#watches.begin(key, signal);
    const open = async (resourceVersion: string, link: AbortSignal) => {
      const timeoutSeconds = Math.round(jitteredMs(this.#limits.watchTimeoutSeconds, 0.03, this.#random));
      const watching = { watch: 'true', allowWatchBookmarks: 'true', timeoutSeconds: String(timeoutSeconds), resourceVersion };
      return await this.#transport.stream({ method: 'GET', path, query: { ...selectors(options), ...watching }, asked }, link);
    };
    const parts = {
      kind,
      open,
      progress: () => watched.progress(),
      clock: this.#clock,
      random: this.#random,
      lineMaxBytes: this.#limits.watchLineMaxBytes,
    };
    let lost = false;
    try {
      for await (const event of watchFrom(options.resourceVersion, parts, signal)) {
        lost = event.type === 'RESYNC';
        yield event;
      }
    } finally {
      if (!lost) watched.end();
    }
  }

  async apply(kind: KindInfo, object: KubeObject, options: WriteOptions & { force?: boolean }, signal: AbortSignal): Promise<KubeObject> {
    const asked = aboutObject('apply', kind, object);
    const query = { ...writing(options), force: String(options.force ?? false) };
    // JSON is YAML, so the document needs no second form.
    const call = {
      method: 'PATCH',
      path: pathOf(kind, asked.namespace, asked.name),
      query,
      contentType: 'application/apply-patch+yaml',
    } as const;
    return objectOf(await this.#transport.json({ ...call, body: object, ...as(options), asked }, signal), asked);
  }

  async create(kind: KindInfo, object: KubeObject, options: WriteOptions, signal: AbortSignal): Promise<KubeObject> {
    const asked = aboutObject('create', kind, object);
    const call = { method: 'POST', path: pathOf(kind, asked.namespace), query: writing(options) } as const;
    return objectOf(await this.#transport.json({ ...call, body: object, ...as(options), asked }, signal), asked);
  }

  async update(kind: KindInfo, object: KubeObject, options: WriteOptions, signal: AbortSignal): Promise<KubeObject> {
    const asked = aboutObject('update', kind, object);
    if (!object.metadata.resourceVersion)
      throw new KubeError('INVALID', `update ${kind.kind} ${asked.name}: no resourceVersion to replace`);
    const call = { method: 'PUT', path: pathOf(kind, asked.namespace, asked.name), query: writing(options) } as const;
    return objectOf(await this.#transport.json({ ...call, body: object, ...as(options), asked }, signal), asked);
  }

  async delete(
    kind: KindInfo,
    ref: ObjectRef,
    options: WriteOptions & { uid: string; resourceVersion?: string; propagation?: 'Background' | 'Foreground' | 'Orphan' },
    signal: AbortSignal,
  ): Promise<void> {
    const asked: About = { verb: 'delete', kind, namespace: ref.namespace, name: named(ref.name) };
    if (options.uid === '') throw new KubeError('INVALID', `delete ${kind.kind} ${ref.name}: no uid, so it could be another object`);
    const body = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      preconditions: { uid: options.uid, ...(options.resourceVersion ? { resourceVersion: options.resourceVersion } : {}) },
      propagationPolicy: options.propagation ?? 'Background',
      ...(options.dryRun ? { dryRun: ['All'] } : {}),
    };
    const call = { method: 'DELETE', path: pathOf(kind, ref.namespace, ref.name), body } as const;
    const answer = await this.#transport.json({ ...call, ...as(options), asked }, signal);
    // The object itself while finalizers keep it; a Status when it is gone.
    if (answer['kind'] === 'Status' && answer['status'] === 'Success') return;
    objectOf(answer, asked);
  }

  watchHealth(): WatchHealth {
    return this.#watches.health();
  }

  /** Closes every connection; what is under way rejects. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#transport[Symbol.asyncDispose]();
  }

  async #discovery(path: string, signal: AbortSignal): Promise<Record<string, unknown>> {
    return await this.#transport.json({ method: 'GET', path, accept: discoveryAccept, asked: { verb: `discover ${path}` } }, signal);
  }

  /** Asks for the versions of a group that the root document did not hold. One that fails stays open, and makes the discovery incomplete. */
  async #completed(listing: GroupListing, signal: AbortSignal): Promise<GroupListing> {
    const { group } = listing;
    const versions = listing.versions.map(async (entry) => {
      if (entry.resources) return entry;
      const path = group === '' ? `/api/${entry.version}` : `/apis/${group}/${entry.version}`;
      try {
        return { ...entry, resources: resourcesOf(group, entry.version, await this.#discovery(path, signal)) };
      } catch (error) {
        if (!isKubeError(error)) throw error;
        return entry;
      }
    });
    return { group, versions: await Promise.all(versions) };
  }
}

/** An empty name would turn the path of an object into that of its whole collection. */
function named(name: string): string {
  if (name === '') throw new KubeError('INVALID', 'an object without a name');
  return name;
}

function aboutObject(verb: string, kind: KindInfo, object: KubeObject): About & { namespace: string; name: string } {
  return { verb, kind, namespace: object.metadata.namespace ?? '', name: named(object.metadata.name) };
}

function parsed(text: string, asked: About): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // The same answer as for what is no document.
  }
  throw new KubeError('BAD_RESPONSE', `${asked.verb} ${asked.kind.kind}: the answer is no JSON document (${text.length} characters)`);
}

const as = (options: WriteOptions): { as?: string } => (options.as === undefined ? {} : { as: options.as });
const writing = (options: WriteOptions): Record<string, string> => ({ fieldManager, ...(options.dryRun ? { dryRun: 'All' } : {}) });
const selectors = ({ labelSelector, fieldSelector }: Select): Record<string, string> => ({
  ...(labelSelector === undefined ? {} : { labelSelector }),
  ...(fieldSelector === undefined ? {} : { fieldSelector }),
});
