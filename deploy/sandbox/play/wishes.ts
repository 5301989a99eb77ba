import type { DeleteOptions } from '../objects/writes.ts';
import type { Doc, Stored } from '../values.ts';

export type Entry = readonly [table: string, object: Stored];

/** What there is to go by for one object. */
export interface Seen {
  readonly table: string;
  readonly object: Stored;
  /** What it controls. */
  readonly owned: readonly Stored[];
  /** What controls it, what controls that, and so on. */
  readonly owners: readonly Stored[];
  readonly nodes: readonly Stored[];
  readonly all: readonly Entry[];
  readonly now: number;
  /** How long what a controller or kubelet does takes here. */
  readonly delayMs: number;
  /** What every namespace is told to trust. */
  readonly ca: string;
}

/** What is to become of it, by rules that are pure. */
export interface Wish {
  /** Only after this time, from when the same was wished first. */
  readonly after?: { readonly what: string; readonly ms: number };
  readonly create?: readonly Doc[];
  readonly put?: readonly Stored[];
  readonly remove?: readonly Stored[];
  readonly removing?: DeleteOptions;
  /** To be looked at again after this time, even if nothing happens. */
  readonly againMs?: number | undefined;
}
