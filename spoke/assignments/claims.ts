import { refText, type ObjectRef } from '../kube/mod.ts';

/**
 * Which assignment of this spoke has which object. All of them write as one field manager, so the API server would let the second overwrite the first:
 * that inventories stay disjoint is kept here, between looking and writing.
 */
export class Claims {
  readonly #owners = new Map<string, string>();

  hold(uid: string, refs: readonly ObjectRef[]): void {
    for (const ref of refs) if (!this.#owners.has(refText(ref))) this.#owners.set(refText(ref), uid);
  }

  /** All or none. Returns what belongs to others, with whom. */
  take(
    uid: string,
    refs: readonly ObjectRef[],
    takesOver: readonly string[],
  ): readonly { readonly ref: ObjectRef; readonly owner: string }[] {
    const clashes = refs.flatMap((ref) => {
      const owner = this.#owners.get(refText(ref));
      return owner === undefined || owner === uid || takesOver.includes(owner) ? [] : [{ ref, owner }];
    });
    if (clashes.length === 0) for (const ref of refs) this.#owners.set(refText(ref), uid);
    return clashes;
  }

  /** From now on it has these and no others. */
  keep(uid: string, refs: readonly ObjectRef[]): void {
    const kept = new Set(refs.map(refText));
    for (const [name, owner] of this.#owners) if (owner === uid && !kept.has(name)) this.#owners.delete(name);
  }
}
