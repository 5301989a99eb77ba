import { KubeError } from '../errors.ts';
import { kindKey } from '../paths.ts';
import { groupOf, type KindInfo, type KubeObject } from '../port.ts';
import { updated, type Owned } from './apply.ts';
import { builtInKinds, definedKind, isDefinition } from './kinds.ts';
import type { MemoryStore } from './store.ts';

/** The lives of objects: kinds appear with their definitions, finalizers and full namespaces delay a removal. */
export class MemoryCluster {
  readonly #store: MemoryStore;
  readonly #kinds = new Map<string, KindInfo>(builtInKinds.map((kind) => [kindKey(kind), kind]));

  constructor(store: MemoryStore) {
    this.#store = store;
  }

  kinds(): readonly KindInfo[] {
    return [...this.#kinds.values()];
  }

  kind(group: string, kind: string): KindInfo {
    const known = this.#kinds.get(kindKey({ group, kind }));
    if (!known) throw new KubeError('NO_SUCH_KIND', `${group}/${kind} is not served`);
    return known;
  }

  serves(kind: KindInfo): boolean {
    const known = this.#kinds.get(kindKey(kind));
    return known?.version === kind.version && known.resource === kind.resource;
  }

  /** The object of that name, to be written; throws NO_SUCH_NAMESPACE. */
  live(kind: KindInfo, { metadata }: KubeObject): Owned | undefined {
    if (kind.namespaced && !this.#store.get(this.#namespaces, '', metadata.namespace ?? ''))
      throw new KubeError('NO_SUCH_NAMESPACE', `${kind.kind} ${metadata.name}: namespaces "${metadata.namespace}" not found`);
    return this.#store.get(kind, metadata.namespace ?? '', metadata.name);
  }

  write(kind: KindInfo, live: Owned | undefined, next: Owned, dryRun = false): KubeObject {
    const completed = this.#store.completed(live, next);
    if (dryRun) return completed.object;
    this.#store.put(kind, completed);
    if (completed.object.metadata.deletionTimestamp !== undefined) this.#finish(kind, completed.object);
    else if (isDefinition(kind)) return this.#define(kind, completed);
    return completed.object;
  }

  delete(kind: KindInfo, { metadata }: KubeObject): void {
    const found = this.#store.get(kind, metadata.namespace ?? '', metadata.name);
    if (!found) return;
    const isHeld = finalizersOf(found.object).length > 0 || isNamespace(kind);
    const { object } = isHeld && found.object.metadata.deletionTimestamp === undefined ? this.#store.mark(kind, found) : found;
    if (isNamespace(kind))
      for (const inside of this.#inside(metadata.name)) this.delete(this.kind(groupOf(inside.apiVersion), inside.kind), inside);
    // The last object inside may have taken the namespace with it already.
    if (this.#store.get(kind, metadata.namespace ?? '', metadata.name)) this.#finish(kind, object);
  }

  /** A definition is accepted at once: there is nobody who could hold the names. */
  #define(kind: KindInfo, live: Owned): KubeObject {
    const defined = definedKind(live.object);
    if (!defined) return live.object;
    this.#kinds.set(kindKey(defined), defined);
    const conditions = ['NamesAccepted', 'Established'].map((type) => ({ type, status: 'True', reason: 'InMemory', message: '' }));
    const status = { conditions, acceptedNames: (live.object['spec'] as { names?: unknown }).names };
    const established = this.#store.completed(live, updated(live, { ...live.object, status }, 'kube-apiserver'));
    this.#store.put(kind, established);
    return established.object;
  }

  /** Removes what is being deleted and what nothing holds any more. */
  #finish(kind: KindInfo, object: KubeObject): void {
    const { namespace = '', name } = object.metadata;
    if (finalizersOf(object).length > 0 || (isNamespace(kind) && this.#inside(name).length > 0)) return;
    this.#store.remove(kind, namespace, name);
    const defined = isDefinition(kind) ? definedKind(object) : undefined;
    if (defined) {
      this.#store.dropKind(defined);
      this.#kinds.delete(kindKey(defined));
    }
    const home = namespace === '' ? undefined : this.#store.get(this.#namespaces, '', namespace)?.object;
    if (home?.metadata.deletionTimestamp !== undefined) this.#finish(this.#namespaces, home);
  }

  #inside(namespace: string): readonly KubeObject[] {
    return this.#store.all().filter(({ metadata }) => metadata.namespace === namespace);
  }

  get #namespaces(): KindInfo {
    return this.kind('', 'Namespace');
  }
}

const isNamespace = (kind: KindInfo): boolean => kind.group === '' && kind.kind === 'Namespace';
const finalizersOf = ({ metadata }: KubeObject): readonly unknown[] =>
  Array.isArray(metadata['finalizers']) ? metadata['finalizers'] : [];
