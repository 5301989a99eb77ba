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

export const keyOf = ({ metadata: { namespace = '', name } }: { readonly metadata: Pick<Metadata, 'name' | 'namespace'> }): string =>
  `${namespace}/${name}`;

/** The objects of one cluster, each change at a version of its own, and the last changes. No rules: `writes` has them. */
export class Store {
  readonly #tables = new Map<string, Map<string, Stored>>();
  readonly #listeners = new Set<(event: StoreEvent) => void>();
  #events: StoreEvent[] = [];
  version: number;
  /** Changes after this version are still known. */
  oldestVersion: number;

  constructor(objects: Iterable<readonly [string, Stored]>, version: number) {
    for (const [table, object] of objects) this.#table(table).set(keyOf(object), object);
    this.version = this.oldestVersion = version;
  }

  get(table: string, namespace: string, name: string): Stored | undefined {
    return this.#tables.get(table)?.get(`${namespace}/${name}`);
  }

  /** In the order of their names. */
  list(table: string, namespace = ''): readonly Stored[] {
    const entries = [...this.#table(table)].filter(([key]) => namespace === '' || key.startsWith(`${namespace}/`));
    return entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
  }

  objects(): readonly (readonly [table: string, object: Stored])[] {
    return [...this.#tables].flatMap(([table, objects]) => [...objects.values()].map((object) => [table, object] as const));
  }

  since(version: number): readonly StoreEvent[] {
    return this.#events.filter((event) => event.version > version);
  }

  /** Forgets what happened, as the compaction of etcd does. */
  compact(): void {
    [this.#events, this.oldestVersion] = [[], this.version];
  }

  put(table: string, object: Stored): Stored {
    return this.#change(table, object, false);
  }

  remove(table: string, object: Stored): void {
    this.#change(table, object, true);
  }

  listen(listener: (event: StoreEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #table(name: string): Map<string, Stored> {
    const table = this.#tables.get(name) ?? new Map<string, Stored>();
    this.#tables.set(name, table);
    return table;
  }

  #change(table: string, given: Stored, isEnd: boolean): Stored {
    const version = ++this.version;
    const object = { ...given, metadata: { ...given.metadata, resourceVersion: String(version) } };
    const [objects, key] = [this.#table(table), keyOf(object)];
    const before = objects.get(key);
    if (isEnd) objects.delete(key);
    else objects.set(key, object);
    this.#events.push({ version, table, key, before, after: isEnd ? undefined : object, object });
    if (this.#events.length > eventsMax * 2) this.oldestVersion = this.#events.splice(0, eventsMax).at(-1)?.version ?? 0;
    for (const listener of this.#listeners) listener(this.#events.at(-1) as StoreEvent);
    return object;
  }
}
