import { sql, type RawBuilder } from '#hub/store/mod.ts';
import type { Field } from '../kinds/view.ts';
import { ApiError } from '../problems/errors.ts';

const termsMax = 20;
const wordPattern = /^[A-Za-z0-9_./:@+-]{0,512}$/;

interface Term {
  readonly key: string;
  readonly operator: 'in' | 'notin' | 'exists' | 'absent';
  readonly values: readonly string[];
}

const termPattern = /^\s*(?:(!)\s*([^\s=!,()]+)|([^\s=!,()]+)\s*(?:(==|=|!=)\s*([^\s,()=!]*)|\s(in|notin)\s*\(([^()]*)\))?)\s*$/;

/** `a=b,c!=d,e in (x,y),e notin (x),f,!f`, as in Kubernetes. Pure. Throws ApiError SELECTOR_INVALID. */
export function parseSelector(text: string): readonly Term[] {
  const terms = text.split(/,(?![^(]*\))/).filter((part) => part.trim() !== '');
  if (terms.length > termsMax) throw invalid(text, `has more than ${termsMax} parts`);
  return terms.map((part) => {
    const [, not, absent, key, sign, value = '', word, list = ''] = termPattern.exec(part) ?? [];
    const named = absent ?? key;
    if (named === undefined) throw invalid(part, 'is none of a=b, a!=b, a in (b,c), a notin (b,c), a, !a');
    const values = sign ? [value] : list.split(',').map((one) => one.trim());
    if (![named, ...values].every((one) => wordPattern.test(one))) throw invalid(part, 'has a character that no key or value has');
    if (not) return { key: named, operator: 'absent', values: [] };
    if (sign) return { key: named, operator: sign === '!=' ? 'notin' : 'in', values };
    if (word) return { key: named, operator: word === 'in' ? 'in' : 'notin', values };
    return { key: named, operator: 'exists', values: [] };
  });
}

const invalid = (part: string, why: string): ApiError => new ApiError('SELECTOR_INVALID', `selector "${part.trim().slice(0, 200)}" ${why}`);

/** What labels have to hold, over a column of JSON. */
export function labelCondition(text: string, column: string | undefined, kind: string): RawBuilder<unknown> {
  if (column === undefined) throw new ApiError('SELECTOR_INVALID', `${kind} has no labels to select by: use fieldSelector`);
  const conditions = parseSelector(text).map(({ key, operator, values }) => {
    const value = sql`json_extract(${sql.ref(column)}, ${`$."${key}"`})`;
    return rules[operator](value, values);
  });
  return all(conditions);
}

const listed = (values: readonly unknown[]): RawBuilder<unknown> => sql`(${sql.join([...values])})`;
const rules: Readonly<Record<Term['operator'], (value: RawBuilder<unknown>, values: readonly unknown[]) => RawBuilder<unknown>>> = {
  in: (value, values) => sql`${value} IN ${listed(values)}`,
  // As in Kubernetes, also where the key is absent.
  notin: (value, values) => sql`(${value} IS NULL OR ${value} NOT IN ${listed(values)})`,
  exists: (value) => sql`${value} IS NOT NULL`,
  absent: (value) => sql`${value} IS NULL`,
};

/** What fields have to be, each with its column; only those of the kind's closed list. */
export const fieldConditions = (text: string, fields: Readonly<Record<string, Field>>): (readonly [string, RawBuilder<unknown>])[] =>
  parseSelector(text).map(({ key, operator, values }) => {
    const field = fieldOf(key, fields);
    const compared = values.map((value) => valueOf(key, value, field));
    const condition = rules[operator](sql.ref(field.column), compared);
    return [field.column, field.keyedBy === undefined ? condition : keyed(condition, operator, values, field.keyedBy)];
  });

/** Words have no character that JSON would escape. */
function keyed(condition: RawBuilder<unknown>, operator: Term['operator'], values: readonly string[], column: string): RawBuilder<unknown> {
  const named = values.map((value) => sql`instr(${sql.ref(column)}, ${`"${value}":`}) > 0`);
  if (named.length === 0) return condition;
  const any = sql`(${sql.join(named, sql` OR `)})`;
  return operator === 'in' ? sql`(${condition} OR ${any})` : sql`(${condition} AND NOT ${any})`;
}

function fieldOf(key: string, fields: Readonly<Record<string, Field>>): Field {
  const field = Object.hasOwn(fields, key) ? fields[key] : undefined;
  if (!field) throw new ApiError('FIELD_UNKNOWN', `${key.slice(0, 100)} is no field to select by`, { known: Object.keys(fields) });
  return field;
}

function valueOf(key: string, value: string, { ranks }: Field): string | number {
  if (!ranks) return value;
  const rank = ranks.indexOf(value);
  if (rank < 0) throw new ApiError('SELECTOR_INVALID', `${key} is one of ${ranks.join(', ')}, not "${value.slice(0, 100)}"`);
  return rank;
}

export const all = (conditions: readonly RawBuilder<unknown>[]): RawBuilder<unknown> =>
  conditions.length === 0 ? sql`1 = 1` : sql`(${sql.join([...conditions], sql` AND `)})`;
