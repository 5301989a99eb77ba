import type { z } from 'zod';
import { nearest } from './hints.ts';
import type { Path, ProblemCode } from './problems.ts';

/** A problem without its place. */
export interface Fault {
  readonly path: Path;
  /** It is the field's name that is wrong, not its value. */
  readonly onKey: boolean;
  readonly code: ProblemCode;
  readonly message: string;
  readonly next: string;
}

type Issue = z.core.$ZodIssue;

/** What a schema says of a value, in words for who wrote it. */
export function faultsOf(schema: z.ZodType, value: unknown, at: Path): { readonly output: unknown; readonly faults: readonly Fault[] } {
  const result = schema.safeParse(value);
  if (result.success) return { output: result.data, faults: [] };
  return { output: undefined, faults: result.error.issues.flatMap((issue) => faultOf(issue, value, at)) };
}

function faultOf(issue: Issue, value: unknown, at: Path): readonly Fault[] {
  const inner = issue.path.filter((part) => typeof part !== 'symbol');
  const path = [...at, ...inner];
  const fault = (code: ProblemCode, message: string, next: string): Fault => ({ path, onKey: false, code, message, next });
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownField([...path, key], key, issue.message.split(' ')));
    case 'invalid_type': {
      const given = inner.reduce<unknown>(
        (v, key) => (typeof v === 'object' && v !== null ? (v as Record<string, unknown>)[key] : undefined),
        value,
      );
      const wanted = typeNames[issue.expected] ?? issue.expected;
      if (given === undefined) return [fault('MISSING_FIELD', 'is missing', `add it: ${wanted}`)];
      return [
        fault('WRONG_TYPE', `is ${typeName(given)}`, issue.expected === 'string' && !isCompound(given) ? 'quote it' : `write ${wanted}`),
      ];
    }
    case 'invalid_value': {
      const values = issue.values.map(String);
      return [fault('BAD_VALUE', 'is none of the values that it can have', `write ${values.join(' or ')}`)];
    }
    case 'invalid_key':
      return [{ ...fault('BAD_VALUE', issue.issues[0]?.message ?? 'is not a key', 'rename it'), onKey: true }];
    case 'too_small':
      return [fault('BAD_VALUE', `is below its minimum of ${issue.minimum}`, 'raise it')];
    case 'too_big':
      return [fault('BAD_VALUE', issue.message.startsWith('has') ? issue.message : `is above its maximum of ${issue.maximum}`, 'lower it')];
    case 'custom': {
      const { code = 'BAD_VALUE', next = 'correct it' } = (issue.params ?? {}) as { code?: ProblemCode; next?: string };
      return [fault(code, issue.message, next)];
    }
    case 'invalid_format':
    case 'invalid_union':
    case 'invalid_element':
    case 'not_multiple_of':
      break;
  }
  return [fault('BAD_VALUE', issue.message, 'correct it')];
}

function unknownField(path: Path, key: string, known: readonly string[]): Fault {
  const meant = nearest(key, known);
  const next = meant ? `did you mean ${meant}?` : `known are ${known.join(', ')}`;
  return { path, onKey: true, code: 'UNKNOWN_FIELD', message: 'is not a field that is known here', next };
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
};

const isCompound = (value: unknown): boolean => typeof value === 'object' && value !== null;

const typeName = (value: unknown): string =>
  value === null ? 'empty' : Array.isArray(value) ? 'a list' : (typeNames[typeof value] ?? `a ${typeof value}`);
