import { seededRandom, type Clock } from '#shared/clock/mod.ts';
import {
  apiVersionOf,
  definition,
  Kinds,
  play,
  same,
  Store,
  tableOf,
  Writes,
  type Kind,
  type Rules,
  type Stored,
} from '#shared/kubernetes/mod.ts';
import { KubeError } from '../errors.ts';
import { groupOf, type KindInfo, type KubeObject } from '../port.ts';

const verbs = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'];
/** Definitions are established and ends come, at once. No workload has a controller: tests say how these fare. */
const rules: Rules = { 'apiextensions.k8s.io/customresourcedefinitions': definition };
/** Each look may be the cause of another; no cluster needs so many. */
const looksMax = 1_000;

/** One cluster's objects, under the rules of an API server. */
export class MemoryCluster {
  readonly store = new Store([], 1);
  readonly writes: Writes;
  readonly #kinds = new Kinds();
  #due: (() => void) | undefined;

  /** Clusters of another name draw other uids. */
  constructor(name: string, clock: Clock) {
    const random = seededRandom(Buffer.from(name).reduce((sum, byte) => Math.imul(sum, 31) + byte, 7));
    this.writes = new Writes(this.store, this.#kinds, clock, random);
    const soon = (look: () => void) => {
      this.#due = look;
      return () => (this.#due = undefined);
    };
    const failed = (error: unknown): never => {
      throw error;
    };
    play(this.writes, { rules, clock, delayMs: 0, soon, failed });
    for (const namespace of ['default', 'kube-system', 'kube-public'])
      this.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, 'kube-apiserver');
  }

  /** Does what the last write has made due: elsewhere controllers do it a moment later. */
  settle(): void {
    for (let looks = 0; this.#due; looks += 1) {
      if (looks > looksMax) throw new Error('the cluster in memory does not come to rest');
      const look = this.#due;
      this.#due = undefined;
      look();
    }
  }

  kinds(): readonly KindInfo[] {
    return this.#kinds.all().map(infoOf);
  }

  /** Throws NO_SUCH_KIND. */
  kind(group: string, kind: string): KindInfo {
    const known = this.#kinds.all().find((one) => one.group === group && one.kind === kind);
    if (!known) throw new KubeError('NO_SUCH_KIND', `${group}/${kind} is not served`);
    return infoOf(known);
  }

  /** What the server knows of that kind; undefined: it is not served, at least not at that version. */
  served(info: KindInfo): Kind | undefined {
    const known = this.#kinds.ofTable(tableOf(info));
    return known?.version === info.version ? known : undefined;
  }

  put(object: KubeObject, manager: string): Stored {
    const kind = this.served(this.kind(groupOf(object.apiVersion), object.kind)) as Kind;
    const { resourceVersion: _, ...metadata } = object.metadata;
    const [{ namespace = '', name }, document] = [metadata, { ...object, metadata, apiVersion: apiVersionOf(kind) }];
    const request = { kind, namespace, name, manager, validation: 'Ignore' };
    const isThere = this.store.get(tableOf(kind), namespace, name) !== undefined;
    const made = this.writes.write(isThere ? 'update' : 'create', request, document).object;
    const { status } = object;
    if (kind.hasStatus && status !== undefined && !same(made['status'], status))
      this.writes.update({ ...request, subresource: 'status' }, { ...made, status });
    this.settle();
    return this.store.get(tableOf(kind), namespace, name) ?? made;
  }

  remove(object: KubeObject): void {
    const kind = this.served(this.kind(groupOf(object.apiVersion), object.kind)) as Kind;
    const { namespace = '', name } = object.metadata;
    if (this.store.get(tableOf(kind), namespace, name)) this.writes.delete(kind, namespace, name, {});
    this.settle();
  }
}

const infoOf = ({ group, version, kind, resource, namespaced }: Kind): KindInfo => ({ group, version, kind, resource, namespaced, verbs });
