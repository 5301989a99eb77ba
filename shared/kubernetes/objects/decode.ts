import { childOf, type Shape } from '../fields/shapes.ts';
import { itemStep, pathText } from '../fields/sets.ts';
import { isDoc, isList } from '../values.ts';

/** What is wrong with a document: an unknown field, another type, two items of one key, a field that is not there. */
export type Problem = Readonly<Record<'what' | 'path' | 'text', string>>;

const fits: Readonly<Record<string, (value: unknown) => boolean>> = {
  m: isDoc,
  l: isList,
  s: (value) => typeof value === 'string',
  b: (value) => typeof value === 'boolean',
  i: Number.isInteger,
  n: Number.isFinite,
  x: (value) => typeof value === 'string' || typeof value === 'number',
  u: () => true,
};

/** A document as it is kept: unknown fields, nulls and empty values go, defaults come. Tells `found` what is wrong with it. */
export function decode(shape: Shape, value: unknown, found: Problem[], path = ''): unknown {
  const tell = (what: string, where: string, text = ''): void => void found.push({ what, path: where, text });
  if (!fits[shape.as]?.(value)) {
    tell('misfit', path, `json: cannot unmarshal ${typeof value} into ${path}`);
    return value;
  }
  const { element, defaults = {}, required = [] } = shape;
  if (isList(value)) {
    const steps = shape.atomic ? [] : value.map((item) => itemStep(shape, item));
    const seen = new Set<string>();
    const twice = steps.find((step) => seen.size === seen.add(step).size);
    if (twice !== undefined) tell('twice', path, `duplicate entries for key ${pathText(twice)}`);
    return element ? value.map((item, index) => decode(element, item, found, `${path}[${index}]`)) : value;
  }
  if (!isDoc(value)) return value;
  const given: Record<string, unknown> = { ...value };
  for (const [rule, otherwise] of Object.entries(defaults)) {
    const [, key = '', field = '', wanted] = /^([^?]+)(?:\?(\w+)~(.*))?$/.exec(rule) ?? [];
    if (wanted === undefined || new RegExp(wanted).test(String(given[field]))) given[key] ??= otherwise;
  }
  const inside = path === '' ? '' : `${path}.`;
  for (const key of required) if (!given[key]) tell('missing', `${inside}${key}`);
  const entries = Object.entries(given).flatMap(([key, inner]): [string, unknown][] => {
    const child = childOf(shape, key);
    if (!child) tell('unknown', `${inside}${key}`, 'field not declared in schema');
    if (!child || (child.element && isVoid(inner) && !Object.hasOwn(defaults, key))) return [];
    // Of a map of texts, Go reads a null as an empty one.
    if (inner === null) return child.as === 's' && element ? [[key, '']] : [];
    return [[key, decode(child, inner, found, `${inside}${key}`)]];
  });
  return Object.fromEntries(entries);
}

/** Go leaves an empty map or list out when it writes JSON. */
const isVoid = (value: unknown): boolean => (isList(value) ? value.length === 0 : isDoc(value) && Object.keys(value).length === 0);
