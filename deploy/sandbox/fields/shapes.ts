import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { at, docAt, isDoc, isList, listAt, type Doc } from '../values.ts';

/** s text, i whole number, n number, b truth, x number or text, m map or struct, l list, u anything. */
export type As = 's' | 'i' | 'n' | 'b' | 'x' | 'm' | 'l' | 'u';

/** What is known about a value: which fields it has, how it is merged and owned. */
export interface Shape {
  readonly as: As;
  /** Owned and replaced as a whole. */
  readonly atomic: boolean;
  /** Declared fields of a struct. */
  readonly fields: ReadonlyMap<string, Shape>;
  /** Of a map's values or a list's items. */
  readonly element: Shape | undefined;
  /** Fields that name an item of a list. */
  readonly keys: readonly string[] | undefined;
  /** Field that names an item in a strategic merge patch. */
  readonly patchKey: string | undefined;
  readonly defaults: Doc;
  /** Structs that are always there, if empty; lists that are null when not given. Only built-in kinds have such. */
  readonly zero: readonly string[];
  readonly nulls: readonly string[];
  /** The schema's own words, of a custom kind: what it demands, and whether unknown fields stay. */
  readonly demands: Doc | undefined;
}

type Making = { -readonly [key in keyof Shape]: Shape[key] };
const blank: Shape = {
  as: 'u',
  atomic: false,
  fields: new Map(),
  element: undefined,
  keys: undefined,
  patchKey: undefined,
  defaults: {},
  zero: [],
  nulls: [],
  demands: undefined,
};
const scalars = Object.fromEntries(['s', 'i', 'n', 'b', 'x', 'u'].map((as) => [as, { ...blank, as: as as As }]));
export const anything: Shape = { ...blank };

const read = (name: string): Doc => JSON.parse(readFileSync(join(import.meta.dirname, '../schemas', name), 'utf8')) as Doc;
export const builtin = read('golden/builtin.json');
const defaults = read('defaults.json');
const types = docAt(builtin, 'types');
const made = new Map<string, Shape>();

/** The shape of a built-in type ("core.v1.Pod"), made when first asked for. */
export function shapeOf(id: string): Shape {
  const known = made.get(id);
  if (known) return known;
  const type = docAt(types, id);
  const shape: Making = { ...blank, as: 'm', atomic: type['a'] === 1 };
  made.set(id, shape); // before its fields: types refer to themselves
  shape.zero = listAt(type, 'z') as readonly string[];
  shape.nulls = listAt(type, 'r') as readonly string[];
  shape.defaults = { ...docAt(type, 'd'), ...docAt(defaults, id) };
  shape.fields = new Map(Object.entries(docAt(type, 'f')).map(([name, one]) => [name, compact(one)]));
  return shape;
}

function compact(type: unknown): Shape {
  if (typeof type === 'string') return scalars[type] ?? anything;
  const { t, l, m, a, k, s, p } = type as Doc;
  if (typeof t === 'string') return a === 1 ? { ...shapeOf(t), atomic: true } : shapeOf(t);
  if (m !== undefined) return { ...blank, as: 'm', atomic: a === 1, element: compact(m) };
  const keys = isList(k) ? (k as readonly string[]) : undefined;
  return { ...blank, as: 'l', atomic: !keys && s !== 1, element: compact(l), keys, patchKey: typeof p === 'string' ? p : undefined };
}

const jsonTypes: Readonly<Record<string, As>> = { string: 's', integer: 'i', number: 'n', boolean: 'b', object: 'm', array: 'l' };

/** The shape that the schema of a custom kind describes. */
export function shapeOfSchema(schema: Doc, isRoot = false): Shape {
  const shape: Making = { ...blank, demands: schema };
  shape.as = schema['x-kubernetes-int-or-string'] === true ? 'x' : (jsonTypes[String(schema['type'])] ?? 'u');
  shape.atomic = schema['x-kubernetes-map-type'] === 'atomic';
  const properties = Object.entries(docAt(schema, 'properties')).map(([name, one]) => [name, shapeOfSchema(one as Doc)] as const);
  const head = isRoot || schema['x-kubernetes-embedded-resource'] === true;
  shape.fields = new Map([...properties, ...(head ? headOf() : [])]);
  shape.defaults = Object.fromEntries(
    Object.entries(docAt(schema, 'properties')).flatMap(([name, one]) =>
      at(one, 'default') === undefined ? [] : [[name, at(one, 'default')]],
    ),
  );
  const inner = shape.as === 'l' ? schema['items'] : schema['additionalProperties'];
  if (isDoc(inner)) shape.element = shapeOfSchema(inner);
  else if (inner === true || schema['x-kubernetes-preserve-unknown-fields'] === true) shape.element = anything;
  const how = schema['x-kubernetes-list-type'];
  if (how === 'map') shape.keys = listAt(schema, 'x-kubernetes-list-map-keys') as readonly string[];
  if (shape.as === 'l') shape.atomic = how !== 'map' && how !== 'set';
  if (isRoot && shape.as === 'u') shape.as = 'm';
  return shape;
}

const text: Shape = { ...blank, as: 's' };
const headOf = (): [string, Shape][] => [
  ['apiVersion', text],
  ['kind', text],
  ['metadata', shapeOf('meta.v1.ObjectMeta')],
];

/** The shape of what is at a map's key; undefined: no such field. */
export const childOf = (shape: Shape, key: string): Shape | undefined =>
  shape.fields.get(key) ?? shape.element ?? (shape.as === 'u' ? anything : undefined);

/** How this very value is merged: what has no schema is merged as a map, and replaced when it is a list. */
export const formOf = (shape: Shape, value: unknown): 'map' | 'list' | 'leaf' => {
  if (shape.atomic || (shape.as !== 'u' && shape.as !== 'm' && shape.as !== 'l')) return 'leaf';
  if (isDoc(value)) return shape.as === 'l' ? 'leaf' : 'map';
  return isList(value) && shape.as === 'l' ? 'list' : 'leaf';
};

/** What an empty value of a built-in kind has anyway. */
export function zeroOf(shape: Shape): Doc {
  const structs = shape.zero.map((name) => [name, zeroOf(shape.fields.get(name) ?? anything)]);
  return Object.fromEntries([...structs, ...shape.nulls.map((name) => [name, null])]) as Doc;
}
