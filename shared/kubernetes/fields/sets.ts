import { isDoc, isList, same, type Doc } from '../values.ts';
import { anything, childOf, formOf, type Shape } from './shapes.ts';

// Sets of fields. A field is named by its steps as FieldsV1 writes them, `f:name`, `k:{"name":"web"}` for an item of a keyed list, `v:"x"` for one of a
// set, put together with a byte that no step holds.
export type Fields = ReadonlySet<string>;

const separator = '\0';
const join = (path: string, step: string): string => (path === '' ? step : `${path}${separator}${step}`);
const stepsOf = (path: string): readonly string[] => (path === '' ? [] : path.split(separator));
export const minus = (set: Fields, ...others: readonly Fields[]): Fields =>
  new Set([...set].filter((path) => !others.some((other) => other.has(path))));

/** The step to an item of a keyed list or of a set. Keys that it lacks are taken from the schema's defaults. */
export function itemStep(shape: Shape, item: unknown): string {
  if (!shape.keys) return `v:${JSON.stringify(item)}`;
  const defaults = shape.element?.defaults ?? {};
  const keys = shape.keys.toSorted().map((key) => [key, (isDoc(item) ? item[key] : undefined) ?? defaults[key]]);
  return `k:${JSON.stringify(Object.fromEntries(keys))}`;
}

/** Steps to what is directly in a map or keyed list; what the shape does not know is nobody's. */
function childrenOf(shape: Shape, value: unknown): Map<string, unknown> {
  const form = formOf(shape, value);
  if (form === 'list') return new Map((value as readonly unknown[]).map((item) => [itemStep(shape, item), item]));
  return new Map(form === 'map' ? Object.entries(value as Doc).map(([key, inner]) => [`f:${key}`, inner]) : []);
}
const shapeAt = (shape: Shape, step: string): Shape => (step.startsWith('f:') ? childOf(shape, step.slice(2)) : shape.element) ?? anything;

/** One place in a value; `isOwned`: who applies it owns the place itself, not only what is in it. */
interface Place {
  readonly value: unknown;
  readonly isLeaf: boolean;
  readonly isOwned: boolean;
}

function placesOf(shape: Shape, value: unknown, path = '', isItem = false, places = new Map<string, Place>()): Map<string, Place> {
  const [isLeaf, inner] = [formOf(shape, value) === 'leaf', childrenOf(shape, value)];
  places.set(path, { value, isLeaf, isOwned: isItem || isLeaf || (inner.size === 0 && !isList(value)) });
  for (const [step, one] of inner) placesOf(shapeAt(shape, step), one, join(path, step), !shape.fields?.has(step.slice(2)), places);
  return places;
}

/** Every field that a document sets: what its applier owns. */
export const fieldsOf = (shape: Shape, value: unknown): Fields =>
  new Set([...placesOf(shape, value)].flatMap(([path, { isOwned }]) => (isOwned ? [path] : [])));

/** What differs between two states of an object, field by field; the order of a keyed list is no difference. */
export function changesOf(shape: Shape, before: unknown, after: unknown): { readonly touched: Fields; readonly removed: Fields } {
  const [old, next] = [placesOf(shape, before), placesOf(shape, after)];
  // A container that takes the place of null is no change of its own.
  const isSame = (a: Place, b: Place): boolean =>
    a.isLeaf === b.isLeaf ? !a.isLeaf || same(a.value, b.value) : a.value === null || b.value === null;
  const touched = [...next].flatMap(([path, place]) => (isSame(old.get(path) ?? place, place) && old.has(path) ? [] : [path]));
  return { touched: new Set(touched), removed: minus(new Set(old.keys()), new Set(next.keys())) };
}

/**
 * What an apply makes of the live value: maps and keyed lists are merged, everything else is replaced, and the fields of `gone` go unless they are wanted,
 * with what is left empty then. Lists are in the wanted order; what only the live one has stays behind its neighbour.
 */
export function merged(shape: Shape, live: unknown, wanted: unknown, gone: Fields, path = ''): unknown {
  if (wanted === undefined && gone.has(path)) return undefined;
  const form = formOf(shape, wanted === undefined ? live : wanted);
  if (form === 'leaf') return wanted === undefined ? live : wanted;
  const [old, next] = [childrenOf(shape, live), childrenOf(shape, wanted)];
  const [order, before] = [[...next.keys()], [...old.keys()]];
  for (const [index, step] of before.entries()) if (!next.has(step)) order.splice(order.indexOf(before[index - 1] ?? '') + 1, 0, step);
  const kept = order.flatMap((step) => {
    const inner = merged(shapeAt(shape, step), old.get(step), next.get(step), gone, join(path, step));
    return inner === undefined ? [] : [[step.slice(2), inner] as const];
  });
  if (kept.length === 0 && order.length > 0 && wanted === undefined) return undefined;
  return form === 'list' ? kept.map(([, item]) => item) : Object.fromEntries(kept);
}

/** The set and what its fields are in: who owned all of a struct owned the struct. */
export function withParents(set: Fields): Fields {
  const parents = (path: string): readonly string[] => stepsOf(path).map((_, index, steps) => steps.slice(0, index + 1).join(separator));
  const isField = (path: string): boolean => path.startsWith('f:', path.lastIndexOf(separator) + 1);
  return new Set([...set, ...[...set].flatMap(parents).filter(isField)]);
}

/** As `managedFields` shows a set. */
export function toFieldsV1(set: Fields): Doc {
  const root: Record<string, unknown> = {};
  for (const path of [...set].sort()) {
    let [node, here] = [root, ''];
    for (const step of stepsOf(path)) {
      if (set.has(here)) node['.'] = {}; // a field itself, with others in it
      node = (node[step] ??= {}) as Record<string, unknown>;
      here = join(here, step);
    }
  }
  return root;
}

/** Whoever may write an object may write this too: what is no step is not there. */
function isStep(step: string): boolean {
  if (!step.startsWith('k:')) return /^[fvi]:/.test(step);
  try {
    return isDoc(JSON.parse(step.slice(2)));
  } catch {
    return false;
  }
}

/** Reads what `toFieldsV1` wrote. */
export function fromFieldsV1(tree: Doc, path = ''): readonly string[] {
  const steps = Object.entries(tree).filter(([step, inner]) => step === '.' || (isStep(step) && isDoc(inner)));
  const here = path !== '' && (steps.length === 0 || tree['.'] !== undefined) ? [path] : [];
  return [...here, ...steps.flatMap(([step, inner]) => (step === '.' ? [] : fromFieldsV1(inner as Doc, join(path, step))))];
}

/** For people: `.spec.containers[name="web"].image`. */
export function pathText(path: string): string {
  const keys = (json: string): string =>
    String(Object.entries(JSON.parse(json) as Doc).map(([key, value]) => `${key}=${JSON.stringify(value)}`));
  const words = {
    f: (text: string) => `.${text}`,
    k: (text: string) => `[${keys(text)}]`,
    v: (text: string) => `[=${text}]`,
    i: (text: string) => `[${text}]`,
  };
  return stepsOf(path)
    .map((step) => words[step[0] as 'f'](step.slice(2)))
    .join('');
}
