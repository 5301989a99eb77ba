import { builtin, defaults, facts } from '../schemas/tables.ts';
import { at, docAt, isDoc, isList, listAt, textAt, type Doc } from '../values.ts';

/** What is known about a value: which fields it has, how it is merged and owned. */
export interface Shape {
  /** s text, i whole number, n number, b truth, x number or text, m map or struct, l list, u anything. */
  readonly as: string;
  /** Owned and replaced as a whole. */
  readonly atomic?: boolean;
  /** Declared fields of a struct. */
  readonly fields?: ReadonlyMap<string, Shape>;
  /** Of a map's values or a list's items. */
  readonly element?: Shape | undefined;
  /** Fields that name an item of a list. */
  readonly keys?: readonly string[] | undefined;
  /** What comes when it is not given; "field?other~pattern": only if the other field is like that. {}: Go always shows it. */
  readonly defaults?: Doc;
  readonly required?: readonly string[];
}

export const anything: Shape = { as: 'u' };
const made = new Map<string, Shape>();

/** The shape of a built-in type ("core.v1.Pod"), made when first asked for. */
export function shapeOf(id: string): Shape {
  const known = made.get(id);
  if (known) return known;
  const type = docAt(builtin, 'types', id);
  const zero = Object.fromEntries(listAt(type, 'z').map((name) => [name, {}]));
  const fields = new Map<string, Shape>();
  const rules = { defaults: { ...zero, ...docAt(type, 'd'), ...docAt(defaults, id) }, required: listAt(facts, 'required', id) as string[] };
  const shape = { as: 'm', atomic: type['a'] === 1, fields, ...rules };
  made.set(id, shape); // before its fields: types refer to themselves
  for (const [name, one] of Object.entries(docAt(type, 'f'))) fields.set(name, compact(one));
  return shape;
}

/** The shape that a word of builtin.json stands for. */
function compact(word: unknown): Shape {
  if (typeof word === 'string') return { as: word };
  const { t, l, m, a, k, s } = word as Doc;
  if (typeof t === 'string') return a === 1 ? { ...shapeOf(t), atomic: true } : shapeOf(t);
  if (m !== undefined) return { as: 'm', atomic: a === 1, element: compact(m) };
  return { as: 'l', atomic: !isList(k) && s !== 1, element: compact(l), keys: k as readonly string[] | undefined };
}

const types: Readonly<Record<string, string>> = { string: 's', integer: 'i', number: 'n', boolean: 'b', object: 'm', array: 'l' };

/** The shape that the schema of a custom kind describes: its fields, their defaults, how they are merged. What it demands of values: `demands.ts`. */
export function shapeOfSchema(schema: Doc, isRoot = false): Shape {
  const as = schema['x-kubernetes-int-or-string'] === true ? 'x' : (types[textAt(schema, 'type')] ?? (isRoot ? 'm' : 'u'));
  const properties = Object.entries(docAt(schema, 'properties'));
  const given = properties.flatMap(([name, one]) => (at(one, 'default') === undefined ? [] : [[name, at(one, 'default')] as const]));
  const fields = new Map(properties.map(([name, one]) => [name, shapeOfSchema(one as Doc)]));
  const head = isRoot || schema['x-kubernetes-embedded-resource'] === true ? ['apiVersion', 'kind', 'metadata'] : [];
  for (const name of head) fields.set(name, shapeOf('core.v1.ConfigMap').fields?.get(name) ?? anything);
  const inner = schema[as === 'l' ? 'items' : 'additionalProperties'];
  const isFree = inner === true || schema['x-kubernetes-preserve-unknown-fields'] === true;
  const [how, keys] = [schema['x-kubernetes-list-type'], schema['x-kubernetes-list-map-keys'] as readonly string[]];
  const atomic = as === 'l' ? how !== 'map' && how !== 'set' : schema['x-kubernetes-map-type'] === 'atomic';
  const element = isDoc(inner) ? shapeOfSchema(inner) : isFree ? anything : undefined;
  return { as, atomic, fields, element, keys: how === 'map' ? keys : undefined, defaults: Object.fromEntries(given) };
}

/** The shape of what is at a map's key; undefined: no such field. */
export const childOf = (shape: Shape, key: string): Shape | undefined =>
  shape.fields?.get(key) ?? shape.element ?? (shape.as === 'u' ? anything : undefined);

/** How this very value is merged: what has no schema is merged as a map, and replaced when it is a list. */
export const formOf = ({ as, atomic = false }: Shape, value: unknown): 'map' | 'list' | 'leaf' =>
  !atomic && (as === 'm' || as === 'u') && isDoc(value) ? 'map' : !atomic && as === 'l' && isList(value) ? 'list' : 'leaf';
