import { isDeepStrictEqual } from 'node:util';
import { kindKey } from '../paths.ts';
import type { KindInfo, KubeObject } from '../port.ts';
import type { Owned } from './apply.ts';
import { fieldsV1 } from './fields.ts';

export interface Change {
  readonly version: number;
  readonly kind: string;
  /** What it was and what it is; undefined before the creation and after the removal. */
  readonly before: KubeObject | undefined;
  readonly after: KubeObject | undefined;
}

const changesMax = 10_000;

/** Objects with their versions, owners and a bounded history of changes. Synchronous; knows no verbs, rights or faults. */
export class MemoryStore {
  readonly #objects = new Map<string, Map<string, Owned>>();
  #changes: Change[] = [];
  #version = 1;
  /** Versions at or below it cannot be watched from any more. */
  #floor = 0;
  #uids = 0;
  readonly #name: string;
  readonly #now: () => number;
  readonly #changed: () => void;

  constructor(name: string, now: () => number, changed: () => void) {
    this.#name = name;
    this.#now = now;
    this.#changed = changed;
  }

  get version(): string {
    return String(this.#version);
  }

  get(kind: KindInfo, namespace: string, name: string): Owned | undefined {
    return this.#objects.get(kindKey(kind))?.get(`${namespace}/${name}`);
  }

  list(kind: KindInfo): readonly KubeObject[] {
    const all = [...(this.#objects.get(kindKey(kind)) ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
    return all.map(([, { object }]) => object);
  }

  all(): readonly KubeObject[] {
    return this.#objects
      .values()
      .flatMap((of) => of.values().map(({ object }) => object))
      .toArray();
  }

  /** What the object would become; the very same value when nothing changes. */
  completed(live: Owned | undefined, next: Owned): Owned {
    const { managedFields: _, resourceVersion: __, deletionTimestamp: ___, ...metadata } = next.object.metadata;
    const kept = live?.object.metadata;
    const generation = generationOf(live?.object, next.object);
    const object: KubeObject = {
      ...next.object,
      metadata: {
        ...metadata,
        name: next.object.metadata.name,
        uid: kept?.uid ?? this.#uid(),
        creationTimestamp: kept?.['creationTimestamp'] ?? this.timestamp(),
        ...(generation === undefined ? {} : { generation }),
        ...(kept?.deletionTimestamp === undefined ? {} : { deletionTimestamp: kept.deletionTimestamp }),
        resourceVersion: String(this.#version + 1),
        managedFields: managedFields(next, live?.object, this.timestamp()),
      },
    };
    return live && isSame(live.object, object) ? live : { object, owners: next.owners };
  }

  put(kind: KindInfo, next: Owned): void {
    const key = kindKey(kind);
    const { namespace = '', name } = next.object.metadata;
    const before = this.get(kind, namespace, name);
    if (before === next) return;
    let of = this.#objects.get(key);
    if (!of) this.#objects.set(key, (of = new Map()));
    of.set(`${namespace}/${name}`, next);
    this.#record(key, before?.object, next.object);
  }

  /** Marks an object as being deleted. Its owners and its generation stay as they are. */
  mark(kind: KindInfo, { object, owners }: Owned): Owned {
    const metadata = { ...object.metadata, deletionTimestamp: this.timestamp(), resourceVersion: String(this.#version + 1) };
    const marked = { object: { ...object, metadata }, owners };
    this.put(kind, marked);
    return marked;
  }

  remove(kind: KindInfo, namespace: string, name: string): void {
    const before = this.get(kind, namespace, name);
    if (!before) return;
    this.#objects.get(kindKey(kind))?.delete(`${namespace}/${name}`);
    this.#record(kindKey(kind), before.object, undefined);
  }

  /** Forgets a kind with its objects: its definition is gone. */
  dropKind(kind: KindInfo): void {
    for (const { metadata } of this.list(kind)) this.remove(kind, metadata.namespace ?? '', metadata.name);
    this.#objects.delete(kindKey(kind));
  }

  /** The changes after a version; undefined when the history does not reach back that far. */
  since(version: number): readonly Change[] | undefined {
    return version < this.#floor ? undefined : this.#changes.filter((change) => change.version > version);
  }

  /** Forgets the history, as etcd's compaction does. */
  compact(): void {
    this.#changes = [];
    this.#floor = this.#version;
  }

  timestamp(): string {
    return new Date(this.#now()).toISOString().replace(/\.\d+Z$/, 'Z');
  }

  #record(kind: string, before: KubeObject | undefined, after: KubeObject | undefined): void {
    this.#version += 1;
    this.#changes.push({ version: this.#version, kind, before, after });
    if (this.#changes.length > changesMax) this.#floor = this.#changes.shift()?.version ?? this.#floor;
    this.#changed();
  }

  #uid(): string {
    this.#uids += 1;
    return `${this.#name}-${String(this.#uids).padStart(6, '0')}`;
  }
}

const isSame = (a: KubeObject, b: KubeObject): boolean => isDeepStrictEqual(asWritten(a), asWritten(b));

/** Without what a write changes by itself: the version, and when who wrote. */
const asWritten = ({ metadata, ...object }: KubeObject): unknown => ({
  ...object,
  metadata: { ...metadata, resourceVersion: '', managedFields: entriesOf(metadata).map((entry) => ({ ...entry, time: '' })) },
});

interface ManagedEntry {
  readonly manager: string;
  readonly operation: string;
  readonly time: string;
}
const entriesOf = ({ managedFields }: KubeObject['metadata']): readonly ManagedEntry[] =>
  (managedFields as readonly ManagedEntry[] | undefined) ?? [];

/** Counts changes of what is wanted (`spec` and its like); kinds without a spec have none, as with a real API server. */
function generationOf(live: KubeObject | undefined, next: KubeObject): number | undefined {
  if (!('spec' in next)) return undefined;
  if (!live) return 1;
  const wanted = (object: KubeObject): unknown => ({ ...object, metadata: undefined, status: undefined });
  return (live.metadata.generation ?? 1) + (isDeepStrictEqual(wanted(live), wanted(next)) ? 0 : 1);
}

/** Who has what since when: whoever writes, since now; who only keeps or loses fields, since he wrote. */
function managedFields({ object, owners, writer }: Owned, live: KubeObject | undefined, now: string): readonly unknown[] {
  return [...owners].map(([owner, paths]) => {
    const manager = owner.replace(/\/Update$/, '');
    const operation = owner.endsWith('/Update') ? 'Update' : 'Apply';
    const before = live && entriesOf(live.metadata).find((entry) => entry.manager === manager && entry.operation === operation);
    return {
      manager,
      operation,
      apiVersion: object.apiVersion,
      time: owner === writer ? now : (before?.time ?? now),
      fieldsType: 'FieldsV1',
      fieldsV1: fieldsV1([...paths].sort()),
    };
  });
}
