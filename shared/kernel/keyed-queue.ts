/**
 * Work by key and by level: ten events for one key are one visit, and there are never two visits to one key at a time. Keys come out in the order they
 * became dirty. Pure: who visits and when is the caller's business.
 */
export class KeyedQueue {
  readonly #dirty = new Set<string>();
  readonly #busy = new Set<string>();

  add(key: string): void {
    this.#dirty.add(key);
  }

  /** The next key that is dirty and not being visited; it counts as visited until `done`. */
  take(): string | undefined {
    for (const key of this.#dirty) {
      if (this.#busy.has(key)) continue;
      this.#dirty.delete(key);
      this.#busy.add(key);
      return key;
    }
    return undefined;
  }

  done(key: string): void {
    this.#busy.delete(key);
  }

  get pending(): number {
    return this.#dirty.size;
  }

  get idle(): boolean {
    return this.#dirty.size === 0 && this.#busy.size === 0;
  }
}
