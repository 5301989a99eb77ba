import { isDeepStrictEqual } from 'node:util';

/** A JSON object. Documents are never changed in place: who wants another one makes it. */
export interface Doc {
  readonly [key: string]: unknown;
}
type Texts = Readonly<Record<string, string>>;
export interface Metadata extends Doc, Readonly<Record<'name' | 'uid' | 'resourceVersion' | 'creationTimestamp', string>> {
  readonly namespace?: string;
  readonly generation?: number;
  readonly deletionTimestamp?: string;
  readonly labels?: Texts;
  readonly annotations?: Texts;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly ({ readonly controller?: boolean } & Readonly<Record<'kind' | 'name' | 'uid', string>>)[];
}
/** An object as the store keeps it. */
export interface Stored extends Doc, Readonly<Record<'apiVersion' | 'kind', string>> {
  readonly metadata: Metadata;
}

export const isDoc = (value: unknown): value is Doc => typeof value === 'object' && value !== null && !Array.isArray(value);
export const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);

/** What is at that path of maps, as it is; or as what it should be, an empty one when it is something else. */
export const at = (value: unknown, ...path: readonly string[]): unknown =>
  path.reduce<unknown>((inner, key) => (isDoc(inner) && Object.hasOwn(inner, key) ? inner[key] : undefined), value);
export const docAt = (value: unknown, ...path: readonly string[]): Doc => [at(value, ...path)].find(isDoc) ?? {};
export const listAt = (value: unknown, ...path: readonly string[]): readonly unknown[] => [at(value, ...path)].find(isList) ?? [];
export const textAt = (value: unknown, ...path: readonly string[]): string =>
  [at(value, ...path)].find((found) => typeof found === 'string') ?? '';

/** A copy with the value at `path`; undefined takes it away. */
export function withAt<T extends Doc>(doc: T, [key = '', ...rest]: readonly string[], value: unknown): T {
  if (rest.length > 0) return { ...doc, [key]: withAt(docAt(doc, key), rest, value) };
  const { [key]: _, ...others } = doc as Doc;
  return (value === undefined ? others : { ...doc, [key]: value }) as T;
}

/** Equal as JSON: the order of keys says nothing. */
export const same = (a: unknown, b: unknown): boolean => a === b || isDeepStrictEqual(a, b);

/** Seconds, as Kubernetes writes times. */
export const timestamp = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
