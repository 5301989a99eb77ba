// Strict reading of ProtoJSON. The generated `fromJSON` never throws: it turns absent fields into zeros, unknown enum values into UNRECOGNIZED and rounds
// integers above 2^53. What decides about clusters must not be guessed, so it is read by the checks below instead.

/** At most this many problems are listed: enough to mend a document in one go, bounded whatever the document is. */
export const problemsMax = 20;
export const depthMax = 32;

export interface Problem {
  /** `$.assignments[3].variant.digest` */
  readonly path: string;
  readonly message: string;
}

export type DecodeCode = 'TOO_LARGE' | 'NOT_GZIP' | 'NOT_JSON' | 'INVALID' | 'UNSUPPORTED';

/** A document that is not what it should be, with everything that is wrong with it. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
  readonly code: DecodeCode;
  readonly problems: readonly Problem[];
  /** The document's fence, if it could be read: worth reporting, never worth deciding on. */
  readonly seen: { readonly epoch: number; readonly generation: number } | undefined;
  constructor(code: DecodeCode, problems: readonly Problem[], options?: ErrorOptions & { readonly seen?: DecodeError['seen'] }) {
    super(problems.map((p) => `${p.path}: ${p.message}`).join('; '), options);
    this.code = code;
    this.problems = problems;
    this.seen = options?.seen;
  }
}

export class Problems {
  readonly list: Problem[] = [];
  add(path: string, message: string): void {
    if (this.list.length < problemsMax) this.list.push({ path, message });
  }
}

/** Reads one value. What is wrong is noted, and the field's zero value returned, so that one pass finds everything. */
export type Read<T> = (value: unknown, path: string, problems: Problems) => T;

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

const kindOf = (value: unknown): string => {
  if (value === undefined || value === null) return 'nothing';
  return Array.isArray(value) ? 'an array' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
};

/** A reader of one JSON kind: absent is "missing", another kind is named, and the rest is for `check`, which says what is wrong or nothing. */
function scalar<V, T>(
  kind: string,
  zero: T,
  is: (value: unknown) => value is V,
  check: (value: V) => string | undefined,
  to: (v: V) => T,
): Read<T> {
  return (value, path, problems) => {
    if (value === undefined || value === null) problems.add(path, 'missing');
    else if (!is(value)) problems.add(path, `must be ${kind}, is ${kindOf(value)}`);
    else {
      const wrong = check(value);
      if (wrong === undefined) return to(value);
      problems.add(path, wrong);
    }
    return zero;
  };
}

const isText = (value: unknown): value is string => typeof value === 'string';

/** A non-empty string of at most `charsMax` UTF-16 units that matches `pattern`; `what` says what it should be. */
export const text = (charsMax: number, pattern?: RegExp, what = 'text'): Read<string> =>
  scalar(
    'a string',
    '',
    isText,
    (v) => {
      if (v === '') return 'is empty';
      if (v.length > charsMax) return `longer than ${charsMax} characters`;
      if (!v.isWellFormed()) return 'holds a lone surrogate';
      return pattern && !pattern.test(v) ? `not ${what}` : undefined;
    },
    (v) => v,
  );

export const name: Read<string> = text(63, /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'a lower-case RFC 1123 label');
export const digest: Read<string> = text(71, /^sha256:[0-9a-f]{64}$/, 'a digest sha256:<64 hex>');

const isNumeral = (value: unknown): value is number | string => typeof value === 'number' || isText(value);

/** A whole number between min and max. ProtoJSON writes 64-bit integers as strings too; beyond 2^53 nothing is accepted, because JavaScript rounds it. */
export const integer = (min: number, max = Number.MAX_SAFE_INTEGER): Read<number> =>
  scalar(
    'a whole number',
    0,
    isNumeral,
    (v) => {
      if (isText(v) && !/^(0|[1-9][0-9]{0,15})$/.test(v)) return 'not a whole number';
      const number = Number(v);
      if (!Number.isSafeInteger(number)) return 'not a safe whole number';
      return number < min || number > max ? `must be between ${min} and ${max}` : undefined;
    },
    Number,
  );

export const uint32Max = 0xffff_ffff;

/** Canonical base 64 of between min and max bytes. */
export const bytes = (bytesMin: number, bytesMax: number): Read<Buffer> =>
  scalar(
    'a base64 string',
    Buffer.alloc(0),
    isText,
    (v) => {
      if (v.length > Math.ceil(bytesMax / 3) * 4) return `longer than ${bytesMax} bytes`;
      const raw = Buffer.from(v, 'base64');
      if (raw.toString('base64') !== v) return 'not canonical base64';
      if (raw.length > bytesMax) return `longer than ${bytesMax} bytes`;
      return raw.length < bytesMin ? `shorter than ${bytesMin} bytes` : undefined;
    },
    (v) => Buffer.from(v, 'base64'),
  );

/** One of the names of a generated enum; the unspecified and the unrecognized one are none. */
export function oneOf<E extends string>(values: Readonly<Record<string, E>>): Read<E> {
  const all = Object.values(values);
  const zero = all[0] as E;
  const allowed = all.filter((v) => v !== zero && v !== 'UNRECOGNIZED');
  return scalar(
    'the name of an enum value',
    zero,
    isText,
    (v) => (allowed.some((a) => a === v) ? undefined : `must be one of ${allowed.join(', ')}`),
    (v) => v as E,
  );
}

/** `read`, but absent is fine and gives `zero`. */
export const optional =
  <T, Z>(read: Read<T>, zero: Z): Read<T | Z> =>
  (value, path, problems) =>
    value === undefined || value === null ? zero : read(value, path, problems);

/** A list of at most `itemsMax`; absent is the empty list, as ProtoJSON has it. With `keyOf` no two items may have the same key. */
export const list =
  <T>(read: Read<T>, itemsMax: number, keyOf?: (item: T) => string): Read<T[]> =>
  (value, path, problems) => {
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value)) {
      problems.add(path, `must be an array, is ${kindOf(value)}`);
      return [];
    }
    if (value.length > itemsMax) {
      problems.add(path, `more than ${itemsMax} items`);
      return [];
    }
    const seen = new Set<string>();
    return value.map((item: unknown, index) => {
      const one = read(item, `${path}[${index}]`, problems);
      const key = keyOf?.(one) ?? '';
      if (key !== '' && seen.has(key)) problems.add(`${path}[${index}]`, `a second ${key}`);
      seen.add(key);
      return one;
    });
  };

/** An object with exactly these fields known; others pass unread, so that a newer writer may add some. */
export function shape<T extends object>(fields: { readonly [K in keyof T]: Read<T[K]> }): Read<T> {
  return (value, path, problems) => {
    if (!isRecord(value)) problems.add(path, value === undefined || value === null ? 'missing' : `must be an object, is ${kindOf(value)}`);
    const from = isRecord(value) ? value : undefined;
    const into: Record<string, unknown> = {};
    // A value that is no object at all has one problem, not one for each of its fields.
    const to = from ? problems : new Problems();
    for (const [key, read] of Object.entries<Read<unknown>>(fields)) {
      into[key] = read(from && Object.hasOwn(from, key) ? from[key] : undefined, `${path}.${key}`, to);
    }
    return into as T;
  };
}

/** Bytes that are one JSON document in UTF-8, at most `depthMax` deep. */
export function parseJson(raw: Uint8Array): unknown {
  let decoded: string;
  try {
    decoded = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(raw);
  } catch (cause) {
    throw new DecodeError('NOT_JSON', [{ path: '$', message: 'not UTF-8' }], { cause });
  }
  if (depthOf(decoded) > depthMax) throw new DecodeError('TOO_LARGE', [{ path: '$', message: `nested deeper than ${depthMax}` }]);
  try {
    return JSON.parse(decoded) as unknown;
  } catch {
    // The parser's own message quotes the document, which may be long and may hold what nobody should read.
    throw new DecodeError('NOT_JSON', [{ path: '$', message: 'not JSON' }]);
  }
}

/** How deep brackets nest outside strings. */
function depthOf(json: string): number {
  let depth = 0;
  let deepest = 0;
  let quoted = false;
  for (let i = 0; i < json.length; i++) {
    const c = json.charCodeAt(i);
    if (quoted) {
      if (c === 0x5c) i++;
      else if (c === 0x22) quoted = false;
    } else if (c === 0x22) quoted = true;
    else if (c === 0x5b || c === 0x7b) deepest = Math.max(deepest, ++depth);
    else if (c === 0x5d || c === 0x7d) depth--;
  }
  return deepest;
}

/** Reads a whole document with `read`; throws DecodeError with every problem found. */
export function readDocument<T>(json: unknown, read: Read<T>, seen?: DecodeError['seen']): T {
  const problems = new Problems();
  const value = read(json, '$', problems);
  if (problems.list.length > 0) throw new DecodeError('INVALID', problems.list, seen ? { seen } : {});
  return value;
}
