import { isDoc, same, type Doc } from '../values.ts';
import { childOf, formOf, type Shape } from './shapes.ts';

// Sets of fields. A field is named by its steps as FieldsV1 writes them, `f:name`, `k:{"name":"web"}` for an item of a keyed list, `v:"x"` for one of a
// set, put together with a byte that no step holds.
export type Fields = ReadonlySet<string>;

const separator = '\0';
export const join = (path: string, step: string): string => (path === '' ? step : `${path}${separator}${step}`);
export const stepsOf = (path: string): readonly string[] => (path === '' ? [] : path.split(separator));
export const isUnder = (path: string, ancestor: string): boolean => path === ancestor || path.startsWith(`${ancestor}${separator}`);

export const union = (...sets: readonly Fields[]): Fields => new Set(sets.flatMap((set) => [...set]));
export const minus = (set: Fields, other: Fields): Fields => new Set([...set].filter((path) => !other.has(path)));

/** The step to an item of a keyed list or of a set. Keys that it lacks are taken from the schema's defaults. */
export function itemStep(shape: Shape, item: unknown): string {
  if (!shape.keys) return `v:${JSON.stringify(item)}`;
  const defaults = shape.element?.defaults ?? {};
  const keys = shape.keys.toSorted().map((key) => [key, (isDoc(item) ? item[key] : undefined) ?? defaults[key]]);
  return `k:${JSON.stringify(Object.fromEntries(keys))}`;
}

/** Every field that a document sets: what its applier owns. */
export function fieldsOf(shape: Shape, value: unknown, path = '', set = new Set<string>()): Set<string> {
  const form = formOf(shape, value);
  if (form === 'leaf' && path !== '') set.add(path);
  if (form === 'list')
    for (const item of value as readonly unknown[]) {
      const step = join(path, itemStep(shape, item));
      if (shape.element) fieldsOf(shape.element, item, step, set);
      set.add(step);
    }
  if (form === 'map')
    for (const [key, inner] of Object.entries(value as Doc)) {
      const step = join(path, `f:${key}`);
      const child = childOf(shape, key);
      if (!child) continue;
      if (inner === null || (isDoc(inner) && Object.keys(inner).length === 0) || !shape.fields.has(key)) set.add(step);
      if (inner !== null) fieldsOf(child, inner, step, set);
    }
  return set;
}

export interface Changes {
  readonly added: Set<string>;
  readonly changed: Set<string>;
  readonly removed: Set<string>;
}

const isEmpty = (value: unknown): boolean =>
  value === undefined || value === null || (Array.isArray(value) ? value.length === 0 : isDoc(value) && Object.keys(value).length === 0);

/** What differs between two states of an object, field by field; the order of a keyed list is no difference. */
export function changesOf(
  shape: Shape,
  before: unknown,
  after: unknown,
  path = '',
  all: Changes = { added: new Set(), changed: new Set(), removed: new Set() },
): Changes {
  if (before === undefined) all.added.add(path);
  if (after === undefined) all.removed.add(path);
  const form = formOf(shape, isEmpty(after) ? before : after);
  const other = formOf(shape, isEmpty(before) ? after : before);
  if (form === 'leaf' || other !== form || (isEmpty(before) && isEmpty(after))) {
    if (before !== undefined && after !== undefined && !same(before, after)) all.changed.add(path);
    return all;
  }
  const [old, next] = [childrenOf(shape, before), childrenOf(shape, after)];
  for (const step of new Set([...old.keys(), ...next.keys()])) {
    const child = form === 'list' ? shape.element : childOf(shape, step.slice(2));
    if (child) changesOf(child, old.get(step), next.get(step), join(path, step), all);
  }
  return all;
}

/** Steps to the values directly in a map or keyed list. */
export function childrenOf(shape: Shape, value: unknown): Map<string, unknown> {
  if (isDoc(value)) return new Map(Object.entries(value).map(([key, inner]) => [`f:${key}`, inner]));
  return new Map((Array.isArray(value) ? (value as unknown[]) : []).map((item) => [itemStep(shape, item), item]));
}

/** The set and the declared fields on the way to its members: who owned all of a struct owned the struct. */
export function withParents(shape: Shape, set: Fields): Set<string> {
  const all = new Set(set);
  for (const path of set) {
    let [here, inner]: [string, Shape | undefined] = ['', shape];
    for (const step of stepsOf(path)) {
      here = join(here, step);
      if (!inner) break;
      const isField = step.startsWith('f:');
      if (isField && inner.fields.has(step.slice(2))) all.add(here);
      inner = isField ? childOf(inner, step.slice(2)) : inner.element;
    }
  }
  return all;
}

/** As `managedFields` shows a set. */
export function toFieldsV1(set: Fields): Doc {
  const root: Record<string, unknown> = {};
  for (const path of [...set].sort()) {
    let node = root;
    for (const step of stepsOf(path)) node = (node[step] ??= {}) as Record<string, unknown>;
    node['.'] = {};
  }
  return tidy(root);
}

function tidy(node: Doc): Doc {
  const entries = Object.entries(node).sort(([a], [b]) => (a < b ? -1 : 1));
  if (entries.length === 1 && entries[0]?.[0] === '.') return {};
  return Object.fromEntries(entries.map(([step, inner]) => [step, tidy(inner as Doc)]));
}

/** Reads what `toFieldsV1` wrote. */
export function fromFieldsV1(tree: Doc, path = '', set = new Set<string>()): Set<string> {
  const steps = Object.entries(tree);
  if (path !== '' && (steps.length === 0 || tree['.'] !== undefined)) set.add(path);
  for (const [step, inner] of steps) if (step !== '.' && isDoc(inner)) fromFieldsV1(inner, join(path, step), set);
  return set;
}

/** For people: `.spec.containers[name="web"].image`. */
export function pathText(path: string): string {
  const item = (json: string): string =>
    Object.entries(JSON.parse(json) as Doc)
      .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
      .join();
  return stepsOf(path)
    .map((step) =>
      step.startsWith('f:') ? `.${step.slice(2)}` : step.startsWith('k:') ? `[${item(step.slice(2))}]` : `[=${step.slice(2)}]`,
    )
    .join('');
}
