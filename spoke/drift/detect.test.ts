import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '../kube/mod.ts';
import type { InventoryEntry, Live } from '../plan/mod.ts';
import { fieldsHashOf, found, isMadeAnew, type Found } from './detect.ts';

const mine = { manager: 'wheelhouse', operation: 'Apply', time: '2026-01-01T00:00:00Z', fieldsV1: { 'f:data': { 'f:a': {}, 'f:b': {} } } };
const object = (metadata: Record<string, unknown> = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a', uid: 'u', managedFields: [mine], ...metadata },
});
const entry: InventoryEntry = {
  ref: { group: '', kind: 'ConfigMap', namespace: 'shop', name: 'a' },
  uid: 'u',
  fields: fieldsHashOf(object()),
};
const less = { ...mine, fieldsV1: { 'f:data': { 'f:a': {} } } };
const theirs = { manager: 'kubectl', operation: 'Update', fieldsV1: { 'f:x': {} } };
const status = { ...mine, subresource: 'status', fieldsV1: { 'f:status': {} } };
const later = { ...mine, time: '2026-01-01T00:00:01Z' };
const timeless = object({ managedFields: [{ ...mine, time: undefined }] });
const update = { manager: 'wheelhouse', operation: 'Update', time: later.time, fieldsV1: { 'f:data': { 'f:b': {} } } };
const { uid: _uid, ...intent } = entry;
const { fields: _fields, ...givenUp } = entry;

const rows: readonly (readonly [what: string, live: Live, found: Found, entry?: InventoryEntry])[] = [
  ['as it was written', object(), 'none'],
  ['with others beside us', object({ managedFields: [theirs, mine] }), 'none'],
  ['with our keys in another order', object({ managedFields: [{ ...mine, fieldsV1: { 'f:data': { 'f:b': {}, 'f:a': {} } } }] }), 'none'],
  ['with a status that bears our name', object({ managedFields: [mine, status] }), 'none'],
  ['written with other values under our name, at another time', object({ managedFields: [later] }), 'Changed'],
  ['written by us, which recorded no time then', object({ managedFields: [later] }), 'none', { ...entry, fields: fieldsHashOf(timeless) }],
  ['without a time of ours', timeless, 'none'],
  ['without a time of ours, and robbed of a field', object({ managedFields: [{ ...less, time: undefined }] }), 'Changed'],
  ['with a status that bears our name, of another time', object({ managedFields: [mine, { ...status, time: later.time }] }), 'none'],
  ['with an update under our name of what we leave open', object({ managedFields: [mine, update] }), 'none'],
  ['robbed of a field by an update under our name', object({ managedFields: [less, update] }), 'Changed'],
  ['with a new generation, version and annotation', object({ generation: 7, resourceVersion: '9', annotations: { a: 'b' } }), 'none'],
  ['not to be seen', 'unknown', 'unknown'],
  ['being deleted', object({ uid: 'other', deletionTimestamp: 'x' }), 'unknown'],
  ['never read back', object(), 'unknown', intent],
  ['absent, and never read back', 'absent', 'unknown', intent],
  ['of a revision that was given up', object(), 'unknown', givenUp],
  ['absent, and of a revision that was given up', 'absent', 'unknown', givenUp],
  ['dropped, and absent', 'absent', 'none', { ...entry, dropped: true }],
  ['dropped, and changed', object({ managedFields: [] }), 'none', { ...entry, dropped: true }],
  ['absent', 'absent', 'Deleted'],
  ['made anew, the same in every field', object({ uid: 'other' }), 'Replaced'],
  ['robbed of a field', object({ managedFields: [less, theirs] }), 'Changed'],
  ['robbed of everything', object({ managedFields: [] }), 'Changed'],
  ['without a record of who manages it', object({ managedFields: undefined }), 'Changed'],
];
for (const [what, live, wanted, given = entry] of rows)
  test(`an object that is ${what}: ${wanted}`, () => {
    assert.equal(found(given, live, typeof live === 'string' ? '' : fieldsHashOf(live)), wanted);
  });

test('fields nested without end, or of what has no canonical form, have a hash like any others', () => {
  let fields: object = {};
  for (let depth = 0; depth < 9_000; depth++) fields = { 'f:x': fields };
  const of = (fieldsV1: unknown): string =>
    fieldsHashOf({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'a', managedFields: [{ manager: 'wheelhouse', operation: 'Apply', fieldsV1 }] },
    });
  assert.equal(of(fields), of({ 'f:x': fields }));
  assert.notEqual(of(fields), of({ 'f:y': fields }));
  assert.equal(of({ 'f:\ud800': {} }).length, 16);
  assert.match(fieldsHashOf(object()), /^[0-9a-f]{16}@1767225600$/);
});

const anew: readonly (readonly [what: string, managedFields: unknown, is: boolean, entry?: InventoryEntry])[] = [
  ['applied by us later', [later], true],
  ['with the time of the original, as a backup has it', [mine], false],
  ['written under our name, and not applied', [update], false],
  ['applied by us later, and with other fields', [{ ...less, time: later.time }], false],
  ['made by somebody else', [theirs], false],
  ['without managers', undefined, false],
  ['applied by us, nobody recorded when', [{ ...mine, time: undefined }], false],
  ['applied by us later than nobody knows when', [later], false, { ...entry, fields: fieldsHashOf(timeless) }],
  ['of a revision that was given up', [later], false, givenUp],
];
for (const [what, managedFields, is, known = entry] of anew)
  test(`an object of another uid that is ${what} is ${is ? '' : 'not '}known to be made anew by us`, () =>
    assert.equal(isMadeAnew(known, object({ uid: 'other', managedFields })), is));
