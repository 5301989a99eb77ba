import { isDoc, isList, type Doc } from '../values.ts';
import { childOf, type Shape } from '../fields/shapes.ts';
import { itemStep, pathText } from '../fields/sets.ts';

// Reads what somebody sent into what is kept: unknown fields go, defaults come, as with the real one.

export interface Decoded {
  readonly value: Doc;
  /** Paths of fields that the schema does not know, dropped. */
  readonly unknown: readonly string[];
}

/** The document does not fit its schema. */
export class MisfitError extends Error {
  override readonly name = 'MisfitError';
  readonly path: string;
  readonly expected: string;
  readonly got: string;
  constructor(path: string, expected: string, got: string, message: string) {
    super(message);
    [this.path, this.expected, this.got] = [path, expected, got];
  }
}

const schemaTypes: Readonly<Record<string, string>> = { s: 'string', i: 'integer', n: 'number', b: 'boolean', m: 'object', l: 'array' };
const goTypes: Readonly<Record<string, string>> = {
  s: 'string',
  i: 'int32',
  n: 'float64',
  b: 'bool',
  m: 'map',
  l: 'slice',
  x: 'string',
  u: '',
};
const nameOf = (value: unknown): string =>
  isList(value) ? 'array' : isDoc(value) ? 'object' : typeof value === 'boolean' ? 'bool' : typeof value;
const fits = ({ as }: Shape, value: unknown): boolean => {
  if (as === 'm') return isDoc(value);
  if (as === 'l') return isList(value);
  if (as === 's') return typeof value === 'string';
  if (as === 'b') return typeof value === 'boolean';
  if (as === 'i') return Number.isInteger(value);
  if (as === 'n') return typeof value === 'number';
  return as === 'u' || typeof value === 'string' || typeof value === 'number';
};

// Go leaves out an empty one of these when it writes JSON; other truths are pointers, and false is said.
const plainTruths = new Set(
  'paused hostNetwork hostPID hostIPC readOnly stdin stdinOnce tty publishNotReadyAddresses unschedulable insecureSkipTLSVerify shared'.split(
    ' ',
  ),
);
const omitted = (shape: Shape, parent: Shape, key: string, value: unknown): boolean => {
  if (parent.nulls.includes(key) || Object.hasOwn(parent.defaults, key)) return false;
  if (isList(value)) return value.length === 0;
  if (isDoc(value)) return shape.as === 'm' && shape.element !== undefined && Object.keys(value).length === 0;
  return value === '' || (value === false && plainTruths.has(key));
};

/** Throws MisfitError for a value of another type. `builtIn`: nulls and empty values vanish, as Go's JSON has it. */
export function decode(shape: Shape, document: Doc, builtIn: boolean): Decoded {
  const unknown: string[] = [];
  const walk = (here: Shape, value: unknown, path: string, name: string): unknown => {
    if (!fits(here, value)) {
      const got = Number.isInteger(value) && !builtIn ? 'integer' : nameOf(value);
      const want = (builtIn ? goTypes : schemaTypes)[here.as] ?? '';
      throw new MisfitError(path, want, got, `json: cannot unmarshal ${got} into Go struct field ${name} of type ${want}`);
    }
    if (isList(value)) return here.element ? value.map((item, at) => walk(here.element ?? here, item, `${path}[${at}]`, name)) : value;
    if (!isDoc(value) || (here.as === 'u' && !here.demands)) return value;
    const out: Record<string, unknown> = {};
    for (const [key, inner] of Object.entries(value)) {
      const child = childOf(here, key);
      const step = path === '' ? key : `${path}.${key}`;
      if (!child) unknown.push(step);
      else if (inner === null) {
        // Go reads a null text as an empty one.
        if (builtIn && child.as === 's' && !here.fields.has(key)) out[key] = '';
        if (!builtIn && child.demands?.['nullable'] === true) out[key] = null;
      } else {
        const kept = walk(child, inner, step, `${name === '' ? '' : `${name}.`}${key}`);
        if (!builtIn || !omitted(child, here, key, kept)) out[key] = kept;
      }
    }
    return out;
  };
  return { value: walk(shape, document, '', '') as Doc, unknown };
}

/** A copy with the schema's defaults, and of built-in kinds what an empty Go value shows. */
export function withDefaults(shape: Shape, value: unknown): unknown {
  if (isList(value))
    return shape.element && shape.element.as !== 's' ? value.map((item) => withDefaults(shape.element ?? shape, item)) : value;
  if (!isDoc(value)) return value;
  const out: Record<string, unknown> = { ...value };
  for (const key of shape.zero) out[key] ??= {};
  for (const key of shape.nulls) out[key] ??= null;
  for (const [rule, given] of Object.entries(shape.defaults)) {
    const [key = '', condition] = rule.split('?');
    const [field = '', values = ''] = condition?.split('=') ?? [];
    if (condition === undefined || values.split(',').includes(String(out[field]))) out[key] ??= given;
  }
  for (const [key, inner] of Object.entries(out)) {
    const child = childOf(shape, key);
    if (child && (child.as === 'm' || child.as === 'l')) out[key] = withDefaults(child, inner);
  }
  return out;
}

/** Throws Error in the words of a typed patch that does not fit: an unknown field, another type, two items of one key. */
export function checkTyped(shape: Shape, value: unknown, path = ''): void {
  if (value === null || value === undefined) return;
  if (!fits(shape, value)) {
    const expected =
      { m: 'map', l: 'list', s: 'string', i: 'numeric (int or float)', n: 'numeric (int or float)', b: 'boolean' }[shape.as as 's'] ??
      'scalar';
    const got = isDoc(value) ? `&{map[${Object.keys(value).length > 0 ? '...' : ''}]}` : isList(value) ? '&{[...]}' : typeof value;
    throw new Error(
      `${path}: expected ${expected}, got ${shape.as === 'l' || shape.as === 'm' ? got : nameOf(value).replace('number', 'int64')}`,
    );
  }
  if (isDoc(value))
    for (const [key, inner] of Object.entries(value)) {
      const child = childOf(shape, key);
      if (!child) throw new Error(`${path}.${key}: field not declared in schema`);
      checkTyped(child, inner, `${path}.${key}`);
    }
  if (!isList(value) || !shape.element) return;
  const seen = new Set<string>();
  for (const [at, item] of value.entries()) {
    const step = shape.atomic ? '' : itemStep(shape, item);
    if (step !== '' && seen.has(step)) throw new Error(`${path}: duplicate entries for key ${pathText(step)}`);
    seen.add(step);
    checkTyped(shape.element, item, step === '' ? `${path}[${at}]` : `${path}${pathText(step)}`);
  }
}
