import type { Clock } from '#shared/clock/mod.ts';
import type { Random } from '#shared/kernel/mod.ts';
import { sql, type Commit, type Store } from '#hub/store/mod.ts';
import { touchedBy } from './touches.ts';

export interface FeedOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly onError: (error: unknown) => void;
  readonly keysMax?: number;
}

const collectMs = 100;
const chunk = 500;

/**
 * Which rows changed last, and in which order: keys, never bodies; a key that changes again moves to the end. Bounded: what is older than the last 100,000
 * keys is forgotten, and who asks for it is told so.
 */
export class Feed {
  readonly #options: FeedOptions;
  readonly #life: string;
  /** `plural/id` -> when it changed last, oldest first. */
  readonly #changed = new Map<string, number>();
  readonly #listeners = new Map<string, Set<(id: number) => void>>();
  #seq = 0;
  /** Everything up to here has been forgotten, in part at least. */
  #floor = 0;
  #placements = new Set<number>();
  #clusters = new Set<number>();
  #collecting = false;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#life = Buffer.from(options.random.bytes(6)).toString('hex');
    options.store.onCommit((commit) => this.#committed(commit));
  }

  /** Now: what a list answers, and a watch can go on from. */
  position(): string {
    return `${this.#life}.${this.#seq}`;
  }

  /** What is known of contact with these clusters has changed. */
  clusters(ids: Iterable<number>): void {
    for (const id of ids) this.#clusters.add(id);
    this.#collect();
  }

  /** Rows of a collection that changed after the position; undefined: that is not known (any more). */
  since(position: string, plural: string): number[] | undefined {
    const [life, text = ''] = position.split('.');
    const seq = Number(text);
    if (life !== this.#life || !Number.isSafeInteger(seq) || seq < this.#floor || seq > this.#seq) return undefined;
    const ids: number[] = [];
    const prefix = `${plural}/`;
    for (const [key, at] of this.#changed) if (at > seq && key.startsWith(prefix)) ids.push(Number(key.slice(prefix.length)));
    return ids;
  }

  /** Calls back for every row of the collection that changes; the answer ends it. */
  listen(plural: string, listener: (id: number) => void): () => void {
    const all = this.#listeners.get(plural) ?? new Set();
    this.#listeners.set(plural, all.add(listener));
    return () => void all.delete(listener);
  }

  #committed(commit: Commit): void {
    const { shown, placementIds, clusterIds } = touchedBy(commit);
    for (const [plural, id] of shown) this.#touch(plural, id);
    for (const id of placementIds) this.#placements.add(id);
    for (const id of clusterIds) this.#clusters.add(id);
    if (placementIds.length + clusterIds.length > 0) this.#collect();
  }

  #touch(plural: string, id: number): void {
    const key = `${plural}/${id}`;
    this.#changed.delete(key);
    this.#changed.set(key, ++this.#seq);
    const [oldest] = this.#changed;
    if (oldest && this.#changed.size > (this.#options.keysMax ?? 100_000)) {
      this.#changed.delete(oldest[0]);
      this.#floor = oldest[1];
    }
    for (const listener of this.#listeners.get(plural) ?? []) listener(id);
  }

  /** A little later, together: a change of a cluster is one of its placements, and of everything that counts them. */
  #collect(): void {
    if (this.#collecting) return;
    this.#collecting = true;
    this.#options.clock.after(collectMs, () => {
      this.#collecting = false;
      void this.#spread().catch(this.#options.onError);
    });
  }

  async #spread(): Promise<void> {
    const placements = [...this.#placements];
    const clusters = [...this.#clusters];
    this.#placements = new Set();
    this.#clusters = new Set();
    for (const id of clusters) this.#touch('clusters', id);
    for (const id of placements) this.#touch('placements', id);
    const touched = new Set<string>();
    for (const rows of await this.#owners('p.id', placements)) touched.add(rows);
    for (const rows of await this.#owners('p.cluster_id', clusters)) touched.add(rows);
    for (const key of touched) {
      const [plural = '', id] = key.split('/');
      this.#touch(plural, Number(id));
    }
  }

  /** `plural/id` of everything that shows or counts these placements. */
  async #owners(column: string, ids: readonly number[]): Promise<string[]> {
    const keys: string[] = [];
    for (let from = 0; from < ids.length; from += chunk) {
      const { rows } = await sql<Record<string, number>>`
        SELECT p.id AS placements, p.cluster_id AS clusters, p.target_id AS targets, p.app_id AS apps, g.environment_id AS environments, a.tenant_id AS tenants
        FROM placements p JOIN targets g ON g.id = p.target_id JOIN apps a ON a.id = p.app_id
        WHERE ${sql.ref(column)} IN (${sql.join(ids.slice(from, from + chunk))})`.execute(this.#options.store.read);
      for (const row of rows) for (const [plural, id] of Object.entries(row)) keys.push(`${plural}/${id}`);
    }
    return keys;
  }
}
