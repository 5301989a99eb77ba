import type { Cause } from '../errors.ts';
import { facts } from '../schemas/tables.ts';
import { docAt } from '../values.ts';

// How a field is refused, in the words of the real one.

export const wrong = (field: string, value: unknown, why: string, reason = 'FieldValueInvalid'): Cause => {
  const what = reason === 'FieldValueForbidden' ? 'Forbidden' : `Invalid value: ${JSON.stringify(value) ?? 'null'}`;
  return { reason, message: `${what}: ${why}`, field };
};
export const required = (field: string, why = ''): Cause => ({ reason: 'FieldValueRequired', message: `Required value${why}`, field });

export const unsupported = (field: string, value: unknown, supported: readonly unknown[]): Cause => {
  const message = `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported.map((one) => JSON.stringify(one)).join(', ')}`;
  return { reason: 'FieldValueNotSupported', message, field };
};

/** Rules of texts are data: `names` of facts.json. */
export const textCauses = (field: string, texts: readonly string[], rule: string): readonly Cause[] =>
  texts.flatMap((text) => {
    const { pattern, max, unit, why } = docAt(facts, 'names', rule) as { pattern: string; max: number; unit: string; why: string };
    if (text.length > max) return [wrong(field, text, `must be no more than ${max} ${unit}`)];
    return new RegExp(pattern).test(text) ? [] : [wrong(field, text, why)];
  });
