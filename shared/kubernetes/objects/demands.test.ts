import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Doc } from '../values.ts';
import { unmetDemands } from './demands.ts';

const text = { type: 'string' };
const rows: readonly (readonly [schema: Doc, value: unknown, unmet: readonly string[]])[] = [
  [{}, { anything: [1] }, []],
  [text, 'a', []],
  [text, undefined, []],
  [text, 1, ['x FieldValueTypeInvalid Invalid value: "integer": x in body must be of type string: "integer"']],
  [text, null, ['x FieldValueTypeInvalid Invalid value: "null": x in body must be of type string: "null"']],
  [{ ...text, nullable: true }, null, []],
  [{ type: 'integer' }, 1.5, ['x FieldValueTypeInvalid Invalid value: "number": x in body must be of type integer: "number"']],
  [{ type: 'number' }, 1, []],
  [{ type: 'array', items: text }, {}, ['x FieldValueTypeInvalid Invalid value: "object": x in body must be of type array: "object"']],
  [{ 'x-kubernetes-int-or-string': true }, 'a', []],
  [{ 'x-kubernetes-int-or-string': true }, 1, []],
  [{ type: 'integer', minimum: 1, maximum: 9 }, 1, []],
  [{ type: 'integer', minimum: 1 }, 0, ['x FieldValueInvalid Invalid value: 0: x in body should be greater than or equal to 1']],
  [{ type: 'integer', maximum: 9 }, 10, ['x FieldValueInvalid Invalid value: 10: x in body should be less than or equal to 9']],
  [{ ...text, minLength: 1 }, '', ['x FieldValueInvalid Invalid value: "": x in body should be at least 1 chars long']],
  [{ ...text, maxLength: 1 }, '😀', []],
  [{ 'x-kubernetes-int-or-string': true, minimum: 6 }, '5', []],
  [
    { 'x-kubernetes-int-or-string': true, type: 'string' },
    true,
    ['x FieldValueTypeInvalid Invalid value: "boolean": x in body must be of type string: "boolean"'],
  ],
  [{ ...text, pattern: '^\\-a$' }, '-b', ['x FieldValueInvalid Invalid value: "-b": x in body should match \'^\\-a$\'']],
  [{ type: 'object', required: ['constructor'] }, {}, ['x.constructor FieldValueRequired Required value']],
  [{ ...text, maxLength: 1 }, 'ab', ['x FieldValueInvalid Invalid value: "ab": x in body should be at most 1 chars long']],
  [{ ...text, pattern: '^[a-z]+$' }, 'A', ['x FieldValueInvalid Invalid value: "A": x in body should match \'^[a-z]+$\'']],
  [{ ...text, pattern: '(?i)only Go reads this' }, 'A', []],
  [{ ...text, enum: ['a', 'b'] }, 'b', []],
  [{ ...text, enum: ['a', 'b'] }, 'c', ['x FieldValueNotSupported Unsupported value: "c": supported values: "a", "b"']],
  [{ type: 'array', maxItems: 1 }, [1, 2], ['x FieldValueTooMany Too many: 2: must have at most 1 items']],
  [{ type: 'array', minItems: 1 }, [], ['x FieldValueInvalid Invalid value: []: x in body should have at least 1 items']],
  [
    { type: 'object', required: ['a', 'b'], properties: { a: text, c: { type: 'array', items: { type: 'object', required: ['d'] } } } },
    { a: 1, c: [{ d: 1 }, {}] },
    [
      'x.b FieldValueRequired Required value',
      'x.a FieldValueTypeInvalid Invalid value: "integer": x.a in body must be of type string: "integer"',
      'x.c[1].d FieldValueRequired Required value',
    ],
  ],
  [
    { type: 'object', additionalProperties: text },
    { a: 'b', c: true },
    ['x.c FieldValueTypeInvalid Invalid value: "boolean": x.c in body must be of type string: "boolean"'],
  ],
];
test('a pattern that would never end refuses, and holds nobody up for long', () => {
  const [cause] = unmetDemands({ ...text, pattern: '^(a+)+$' }, `${'a'.repeat(60)}!`, 'x');
  assert.equal(cause?.reason, 'FieldValueInvalid');
});

for (const [schema, value, unmet] of rows)
  test(`${JSON.stringify(value)} under ${JSON.stringify(schema)}`, () => {
    assert.deepEqual(
      unmetDemands(schema, value, 'x').map(({ field, reason, message }) => `${field} ${reason} ${message}`),
      unmet,
    );
  });
