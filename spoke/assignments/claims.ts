import { refText, type ObjectRef } from '../kube/mod.ts';

/**
 * Which assignment of this spoke has which object. All of them write as one field manager, so the API server would let the second overwrite the first:
 * that inventories stay disjoint is kept here, between looking and writing.
 */
export class Claims {
  readonly #owners = new Map<string, string>();
  readonly #held = new Map<string, Set<string>>();

  hold(uid: string, refs: readonly ObjectRef[]): void {
    for (const name of refs.map(refText)) if (!this.#owners.has(name)) this.#give(uid, name);
  }

  /** All or none. Returns what belongs to others, with whom. */
  take(uid: string, refs: readonly ObjectRef[]): readonly { readonly ref: ObjectRef; readonly owner: string }[] {
    const clashes = refs.flatMap((ref) => {
      const owner = this.#owners.get(refText(ref));
      return owner === undefined || owner === uid ? [] : [{ ref, owner }];
    });
    if (clashes.length === 0) for (const ref of refs) this.#give(uid, refText(ref));
    return clashes;
  }

  /** From now on it has these and no others. */
  keep(uid: string, refs: readonly ObjectRef[]): void {
    const kept = new Set(refs.map(refText));
    const held = this.#held.get(uid) ?? new Set();
    for (const name of held.difference(kept)) {
      held.delete(name);
      this.#owners.delete(name);
    }
    if (held.size === 0) this.#held.delete(uid);
  }

  #give(uid: string, name: string): void {
    const held = this.#held.get(uid) ?? new Set<string>();
    this.#held.set(uid, held.add(name));
    this.#owners.set(name, uid);
  }
}
