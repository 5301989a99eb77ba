import type { Metadata, Stored } from '../values.ts';

/** Something happened to one object; `before` is missing when it is new, `after` when it is gone. */
export interface StoreEvent {
  readonly version: number;
  readonly table: string;
  readonly key: string;
  readonly before: Stored | undefined;
  readonly after: Stored | undefined;
  /** As the last thing heard of it: of what is gone, its last state at the version of its end. */
  readonly object: Stored;
}

/** So many can be asked for again by who fell behind; who is further behind reads everything anew. */
const eventsMax = 2_000;

export const keyOf = (namespace: string, name: string): string => `${namespace}/${name}`;
export const keyOfObject = ({ metadata }: { readonly metadata: Pick<Metadata, 'name' | 'namespace'> }): string =>
  keyOf(metadata.namespace ?? '', metadata.name);

/** The objects of one cluster, each change at a version of its own, and the last changes. No rules: `writes` has them. */
export class Store {
  readonly #tables = new Map<string, Map<string, Stored>>();
  readonly #listeners = new Set<(event: StoreEvent) => void>();
  #events: StoreEvent[] = [];
  #version: number;
  #oldest: number;

  constructor(objects: Iterable<readonly [string, Stored]>, version: number) {
    for (const [table, object] of objects) this.#table(table).set(keyOfObject(object), object);
    this.#version = this.#oldest = version;
  }

  get version(): number {
    return this.#version;
  }

  /** Changes after this version are still known. */
  get oldestVersion(): number {
    return this.#oldest;
  }

  get(table: string, namespace: string, name: string): Stored | undefined {
    return this.#tables.get(table)?.get(keyOf(namespace, name));
  }

  /** In the order of their names. */
  list(table: string, namespace = ''): readonly Stored[] {
    const prefix = `${namespace}/`;
    const entries = [...(this.#tables.get(table) ?? [])].filter(([key]) => namespace === '' || key.startsWith(prefix));
    return entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
  }

  tables(): readonly string[] {
    return [...this.#tables.keys()];
  }

  /** As the table was at an older version; undefined when that is not known any more. */
  listAt(table: string, namespace: string, version: number): readonly Stored[] | undefined {
    if (version < this.#oldest || version > this.#version) return undefined;
    const objects = new Map(this.list(table, namespace).map((object) => [keyOfObject(object), object]));
    for (const event of this.since(version).toReversed()) {
      if (event.table !== table || (namespace !== '' && !event.key.startsWith(`${namespace}/`))) continue;
      if (event.before) objects.set(event.key, event.before);
      else objects.delete(event.key);
    }
    return [...objects].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
  }

  since(version: number): readonly StoreEvent[] {
    const first = this.#events.findIndex((event) => event.version > version);
    return first < 0 ? [] : this.#events.slice(first);
  }

  put(table: string, object: Stored): Stored {
    const before = this.get(table, object.metadata.namespace ?? '', object.metadata.name);
    const after = this.#stamped(object);
    this.#table(table).set(keyOfObject(after), after);
    this.#tell({ version: this.#version, table, key: keyOfObject(after), before, after, object: after });
    return after;
  }

  remove(table: string, object: Stored): Stored {
    const last = this.#stamped(object);
    this.#table(table).delete(keyOfObject(object));
    this.#tell({ version: this.#version, table, key: keyOfObject(object), before: object, after: undefined, object: last });
    return last;
  }

  listen(listener: (event: StoreEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  *objects(): Generator<readonly [string, Stored]> {
    for (const [table, objects] of this.#tables) for (const object of objects.values()) yield [table, object];
  }

  #table(name: string): Map<string, Stored> {
    let table = this.#tables.get(name);
    if (!table) this.#tables.set(name, (table = new Map()));
    return table;
  }

  #stamped(object: Stored): Stored {
    this.#version += 1;
    return { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } };
  }

  #tell(event: StoreEvent): void {
    this.#events.push(event);
    if (this.#events.length > eventsMax * 2) {
      this.#events = this.#events.slice(-eventsMax);
      this.#oldest = (this.#events[0]?.version ?? 1) - 1;
    }
    for (const listener of this.#listeners) listener(event);
  }
}
