import type { Cause } from '../errors.ts';
import { at, docAt, isDoc, isList, listAt, textAt, type Doc } from '../values.ts';
import { required, unsupported, wrong } from './causes.ts';
import { matching } from './patterns.ts';

// What the schema of a definition demands of values, beyond which fields there are. Not looked at: rules in CEL, combinations (allOf, anyOf, oneOf, not),
// format, multipleOf, exclusive bounds, how many properties there are.

const typeOf = (value: unknown): string =>
  value === null ? 'null' : isList(value) ? 'array' : isDoc(value) ? 'object' : Number.isInteger(value) ? 'integer' : typeof value;

/** Unless the check of that number holds, if there is one. */
type Unmet = Cause & { readonly unless?: number };
type Checks = (readonly [pattern: string, text: string])[];

/** Whatever is wrong with a value, depth first; nothing: []. The words are the real one's. */
export function unmetDemands(schema: Doc, value: unknown, path = ''): readonly Cause[] {
  const checks: Checks = [];
  const found = unmet(schema, value, path, checks);
  const holds = matching(checks);
  return found.flatMap(({ unless, ...cause }) => (unless !== undefined && holds[unless] ? [] : [cause]));
}

function unmet(schema: Doc, value: unknown, path: string, checks: Checks): readonly Unmet[] {
  if (value === undefined || (value === null && schema['nullable'] === true)) return [];
  const [type, found] = [textAt(schema, 'type'), typeOf(value)];
  const isFit = schema['x-kubernetes-int-or-string'] === true ? ['integer', 'string'].includes(found) : fits(type, found);
  if (!isFit) return [{ ...wrong(path, found, `${path} in body must be of type ${type}: "${found}"`), reason: 'FieldValueTypeInvalid' }];
  const of = docAt(schema, 'items');
  const items = isList(value) ? value.flatMap((item, index) => unmet(of, item, `${path}[${index}]`, checks)) : [];
  if (!isDoc(value)) return [...amiss(schema, value, path, checks), ...items];
  const inside = path === '' ? '' : `${path}.`;
  const missing = (listAt(schema, 'required') as readonly string[]).filter((name) => at(value, name) === undefined);
  const schemaOf = (name: string): Doc => docAt({ of: at(schema, 'properties', name) ?? schema['additionalProperties'] }, 'of');
  return [
    ...missing.map((name) => required(`${inside}${name}`)),
    ...Object.entries(value).flatMap(([name, one]) => unmet(schemaOf(name), one, `${inside}${name}`, checks)),
  ];
}

const fits = (type: string, found: string): boolean => type === '' || type === found || (type === 'number' && found === 'integer');

/** The demands on a value of the right type. */
function amiss(schema: Doc, value: unknown, path: string, checks: Checks): readonly Unmet[] {
  const say = (isAmiss: boolean, words: string): readonly Cause[] => (isAmiss ? [wrong(path, value, `${path} in body ${words}`)] : []);
  const of = (name: string, otherwise: number): number => Number(schema[name] ?? otherwise);
  const allowed = listAt(schema, 'enum');
  const named = allowed.length === 0 || allowed.includes(value) ? [] : [unsupported(path, value, allowed)];
  if (typeof value === 'number')
    return [
      ...say(value < of('minimum', -Infinity), `should be greater than or equal to ${String(schema['minimum'])}`),
      ...say(value > of('maximum', Infinity), `should be less than or equal to ${String(schema['maximum'])}`),
      ...named,
    ];
  if (isList(value)) {
    const tooMany = {
      reason: 'FieldValueTooMany',
      message: `Too many: ${value.length}: must have at most ${String(schema['maxItems'])} items`,
    };
    return [
      ...say(value.length < of('minItems', 0), `should have at least ${String(schema['minItems'])} items`),
      ...(value.length > of('maxItems', Infinity) ? [{ ...tooMany, field: path }] : []),
    ];
  }
  if (typeof value !== 'string') return named;
  const [size, pattern] = [Array.from(value).length, textAt(schema, 'pattern')];
  const mismatch = say(pattern !== '', `should match '${pattern}'`).map((cause) => ({
    ...cause,
    unless: checks.push([pattern, value]) - 1,
  }));
  return [
    ...say(size < of('minLength', 0), `should be at least ${String(schema['minLength'])} chars long`),
    ...say(size > of('maxLength', Infinity), `should be at most ${String(schema['maxLength'])} chars long`),
    ...mismatch,
    ...named,
  ];
}
