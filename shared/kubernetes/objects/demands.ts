import type { Cause } from '../errors.ts';
import { at, docAt, isDoc, isList, listAt, textAt, type Doc } from '../values.ts';
import { required, wrong } from './checks.ts';

// What the schema of a definition demands of values, beyond which fields there are. CEL rules and combinations (allOf, anyOf, oneOf, not) are not looked at.

const typeOf = (value: unknown): string =>
  value === null ? 'null' : isList(value) ? 'array' : isDoc(value) ? 'object' : Number.isInteger(value) ? 'integer' : typeof value;

/** Whatever is wrong with a value, depth first; nothing: []. The words are the real one's. */
export function unmetDemands(schema: Doc, value: unknown, path = ''): readonly Cause[] {
  if (value === undefined || (value === null && schema['nullable'] === true)) return [];
  const [type, found] = [textAt(schema, 'type'), typeOf(value)];
  const isFit = schema['x-kubernetes-int-or-string'] === true ? ['integer', 'string'].includes(found) : fits(type, found);
  if (!isFit) return [{ ...wrong(path, found, `${path} in body must be of type ${type}: "${found}"`), reason: 'FieldValueTypeInvalid' }];
  const inside = path === '' ? '' : `${path}.`;
  if (isList(value))
    return [
      ...amiss(schema, value, path),
      ...value.flatMap((item, index) => unmetDemands(docAt(schema, 'items'), item, `${path}[${index}]`)),
    ];
  if (!isDoc(value)) return amiss(schema, value, path);
  const missing = (listAt(schema, 'required') as readonly string[]).filter((name) => value[name] === undefined);
  const schemaOf = (name: string): Doc => docAt({ of: at(schema, 'properties', name) ?? schema['additionalProperties'] }, 'of');
  return [
    ...missing.map((name) => required(`${inside}${name}`)),
    ...Object.entries(value).flatMap(([name, one]) => unmetDemands(schemaOf(name), one, `${inside}${name}`)),
  ];
}

const fits = (type: string, found: string): boolean => type === '' || type === found || (type === 'number' && found === 'integer');

/** The demands on a value of the right type. */
function amiss(schema: Doc, value: unknown, path: string): readonly Cause[] {
  const say = (isAmiss: boolean, words: string): readonly Cause[] => (isAmiss ? [wrong(path, value, `${path} in body ${words}`)] : []);
  const of = (name: string, otherwise: number): number => Number(schema[name] ?? otherwise);
  const [size, allowed] = [isList(value) || typeof value === 'string' ? value.length : 0, listAt(schema, 'enum')];
  const supported = allowed.map((one) => JSON.stringify(one)).join(', ');
  const isUnknown = allowed.length > 0 && !allowed.includes(value);
  return [
    ...say(Number(value) < of('minimum', -Infinity), `should be greater than or equal to ${String(schema['minimum'])}`),
    ...say(Number(value) > of('maximum', Infinity), `should be less than or equal to ${String(schema['maximum'])}`),
    ...say(typeof value === 'string' && size < of('minLength', 0), `should be at least ${String(schema['minLength'])} chars long`),
    ...say(typeof value === 'string' && size > of('maxLength', Infinity), `should be at most ${String(schema['maxLength'])} chars long`),
    ...say(typeof value === 'string' && !matches(textAt(schema, 'pattern'), value), `should match '${textAt(schema, 'pattern')}'`),
    ...say(isList(value) && size < of('minItems', 0), `should have at least ${String(schema['minItems'])} items`),
    ...(isList(value) && size > of('maxItems', Infinity)
      ? [{ reason: 'FieldValueTooMany', message: `Too many: ${size}: must have at most ${String(schema['maxItems'])} items`, field: path }]
      : []),
    ...(isUnknown
      ? [
          {
            reason: 'FieldValueNotSupported',
            message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported}`,
            field: path,
          },
        ]
      : []),
  ];
}

/** A pattern that only Go can read demands nothing here. */
function matches(pattern: string, text: string): boolean {
  try {
    return new RegExp(pattern, 'u').test(text);
  } catch {
    return true;
  }
}
