import type { Store } from '#hub/store/mod.ts';

/** Tells whoever keeps a stream open that some token has gone, so that it looks whether its own is still good. */
export class Revocations {
  readonly #listeners = new Set<() => void>();

  constructor(store: Pick<Store, 'onCommit'>) {
    store.onCommit(({ writes }) => {
      if (writes.some(({ op, table }) => op === 'remove' && table === 'tokens')) for (const listener of this.#listeners) listener();
    });
  }

  /** Until the answer is called. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
