import type { Clock } from '#shared/clock/mod.ts';
import { labels } from '#shared/kernel/mod.ts';
import { refOf, refText, type KindInfo, type KubeObject } from '#spoke/kube/mod.ts';
import { MemoryKube } from '#spoke/kube/memory/mod.ts';
import { namespace, widget } from './contents.ts';

/** One object that a request of the spoke has changed. */
export interface Written {
  readonly cluster: SimCluster;
  /** undefined: the spoke's own account. */
  readonly user: string | undefined;
  readonly verb: string;
  readonly before: KubeObject | undefined;
  readonly after: KubeObject | undefined;
}

const mutating = new Set(['create', 'update', 'patch', 'delete']);

export const keyOf = (object: KubeObject): string => refText(refOf(object));
export const bearsMarks = ({ metadata }: KubeObject): boolean => metadata.labels?.[labels.assignment] !== undefined;

/**
 * One cluster: the API server in memory, its controllers, and somebody who stands beside it and sees every write exactly: what was there in the moment before
 * and in the moment after, whether the spoke heard the answer or not.
 */
export class SimCluster {
  readonly name: string;
  readonly environment: string;
  readonly kube: MemoryKube;
  readonly kubeSystemUid: string;
  uid = '';
  /** Who looks at every write, at once. */
  onWrite: (written: Written) => void = () => {};
  writes = 0;
  /** Rises with each change of any object, whoever made it. */
  version = 0;
  #played = -1;
  #pending: { readonly user: string | undefined; readonly verb: string; readonly before: ReadonlyMap<string, KubeObject> } | undefined;

  constructor(name: string, environment: string, clock: Clock) {
    this.name = name;
    this.environment = environment;
    this.kube = new MemoryKube({
      clock,
      name,
      authorize: (user, verb, kind) => this.#about(user, verb, kind),
    });
    this.kube.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, 'kube-apiserver');
    this.kube.put(widget);
    this.kubeSystemUid = this.object('/Namespace//kube-system')?.metadata.uid ?? '';
  }

  objects(): ReadonlyMap<string, KubeObject> {
    return new Map(this.kube.objects().map((object) => [keyOf(object), object]));
  }

  object(key: string): KubeObject | undefined {
    return this.kube.objects().find((object) => keyOf(object) === key);
  }

  /** What tenants' objects there are, whoever made them. */
  tenants(): readonly KubeObject[] {
    return this.kube.objects().filter(({ metadata, kind }) => metadata.namespace === namespace && kind !== 'RoleBinding');
  }

  /** Rights are asked for in the moment of a request: what differs a moment later, it has done. */
  #about(user: string | undefined, verb: string, _kind: KindInfo): boolean {
    if (!mutating.has(verb)) return true;
    this.flush();
    this.#pending = { user, verb, before: this.objects() };
    queueMicrotask(() => this.flush());
    return true;
  }

  flush(): void {
    const pending = this.#pending;
    if (!pending) return;
    this.#pending = undefined;
    const { user, verb, before } = pending;
    const now = this.objects();
    for (const key of new Set([...before.keys(), ...now.keys()])) {
      const [was, is] = [before.get(key), now.get(key)];
      if (was === is) continue;
      this.writes += 1;
      this.version += 1;
      this.onWrite({ cluster: this, user, verb, before: was, after: is });
    }
  }

  /** Somebody else writes, as it is. */
  put(object: KubeObject, manager = 'kubectl'): void {
    this.flush();
    this.version += 1;
    this.kube.put(object, manager);
  }

  remove(object: KubeObject): void {
    this.flush();
    this.version += 1;
    this.kube.remove(object);
  }

  /** Every controller of the platform has a look. */
  play(): void {
    if (this.#played === this.version) return;
    this.#played = this.version;
    for (const object of this.tenants()) {
      const status = object.kind === 'Deployment' ? deploymentStatus(object) : object.kind === 'Widget' ? widgetStatus(object) : undefined;
      if (status && JSON.stringify(status) !== JSON.stringify(object['status'])) this.put({ ...object, status }, 'kube-controller-manager');
    }
  }
}

interface Workload {
  readonly replicas?: number;
  readonly template?: { readonly spec?: { readonly containers?: readonly { readonly image?: string }[] } };
}

const specOf = (object: KubeObject): Workload => object['spec'] as Workload;
export const isBroken = (object: KubeObject): boolean =>
  specOf(object).template?.spec?.containers?.some(({ image = '' }) => image.includes('broken')) ?? false;

function deploymentStatus(object: KubeObject): object {
  const wanted = specOf(object).replicas ?? 1;
  const ready = isBroken(object) ? 0 : wanted;
  const { generation = 1 } = object.metadata;
  return { observedGeneration: generation, replicas: wanted, updatedReplicas: wanted, availableReplicas: ready };
}

const widgetStatus = ({ metadata }: KubeObject): object => ({
  observedGeneration: metadata.generation ?? 1,
  conditions: [{ type: 'Ready', status: 'True', reason: 'Made', message: '', observedGeneration: metadata.generation ?? 1 }],
});

/** By the plain word of the object itself, without the spoke's rules. */
export function isReady(object: KubeObject): boolean {
  if (object.metadata.deletionTimestamp !== undefined) return false;
  const { generation = 1 } = object.metadata;
  if (object.kind === 'Deployment') {
    const { observedGeneration, availableReplicas = 0 } = (object['status'] ?? {}) as Record<string, number | undefined>;
    return observedGeneration === generation && availableReplicas >= (specOf(object).replicas ?? 1);
  }
  // A custom kind is taken to be there until its controller says otherwise.
  return true;
}
