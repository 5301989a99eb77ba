import { isDeepStrictEqual } from 'node:util';

/** A JSON object. Documents are never changed in place: who wants another one makes it. */
export interface Doc {
  readonly [key: string]: unknown;
}

export interface Metadata extends Doc {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation?: number;
  readonly creationTimestamp: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly Owner[];
}
export interface Owner extends Doc {
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
}

/** An object as the store keeps it. */
export interface Stored extends Doc {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
}

export const isDoc = (value: unknown): value is Doc => typeof value === 'object' && value !== null && !Array.isArray(value);
export const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);
export const docAt = (value: unknown, ...path: readonly string[]): Doc => {
  const found = at(value, ...path);
  return isDoc(found) ? found : {};
};
export const listAt = (value: unknown, ...path: readonly string[]): readonly unknown[] => {
  const found = at(value, ...path);
  return isList(found) ? found : [];
};
export const textAt = (value: unknown, ...path: readonly string[]): string => {
  const found = at(value, ...path);
  return typeof found === 'string' ? found : '';
};
export const at = (value: unknown, ...path: readonly string[]): unknown =>
  path.reduce<unknown>((inner, key) => (isDoc(inner) ? inner[key] : undefined), value);

/** A copy with the value at `path`; undefined takes it away. */
export function withAt(doc: Doc, [key, ...rest]: readonly string[], value: unknown): Doc {
  if (key === undefined) return doc;
  if (rest.length > 0) return { ...doc, [key]: withAt(docAt(doc, key), rest, value) };
  if (value !== undefined) return { ...doc, [key]: value };
  const { [key]: _, ...others } = doc;
  return others;
}

/** Equal as JSON: the order of keys says nothing. */
export const same = (a: unknown, b: unknown): boolean => a === b || isDeepStrictEqual(a, b);

/** Seconds, as Kubernetes writes times. */
export const timestamp = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
