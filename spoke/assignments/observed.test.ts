import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '../kube/mod.ts';
import type { Live } from '../plan/mod.ts';
import { driftOf, fieldsOf, lastWriter, slim } from './observed.ts';

const mine = { manager: 'wheelhouse', operation: 'Apply', time: '2026-01-01T00:00:00Z', fieldsV1: { 'f:data': { 'f:a': {}, 'f:b': {} } } };
const object = (metadata: Record<string, unknown> = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a', uid: 'u', managedFields: [mine], ...metadata },
});
const entry = { ref: { group: '', kind: 'ConfigMap', namespace: 'shop', name: 'a' }, uid: 'u', fields: fieldsOf(object()) };
const less = { ...mine, fieldsV1: { 'f:data': { 'f:a': {} } } };
const theirs = (manager: string, time: string, subresource = ''): object => ({
  manager,
  operation: 'Update',
  time,
  subresource,
  fieldsV1: { 'f:x': {} },
});

const rows: readonly (readonly [what: string, live: Live, how: RegExp | undefined, change?: object])[] = [
  ['as it was written', object(), undefined],
  ['with others beside us', object({ managedFields: [theirs('kubectl', '2026-01-02'), mine] }), undefined],
  ['with our keys in another order', object({ managedFields: [{ ...mine, fieldsV1: { 'f:data': { 'f:b': {}, 'f:a': {} } } }] }), undefined],
  ['unknown', 'unknown', undefined],
  ['being deleted', object({ uid: 'other', deletionTimestamp: 'x' }), undefined],
  ['dropped', 'absent', undefined, { dropped: true }],
  ['absent', 'absent', /deleted/],
  ['made anew, the same in every field', object({ uid: 'other' }), /made anew/],
  ['robbed of a field', object({ managedFields: [less, theirs('kubectl-edit', '2026-01-02')] }), /changed by kubectl-edit/],
  ['robbed of everything', object({ managedFields: [] }), /changed by somebody/],
];
for (const [what, live, how, change] of rows)
  test(`an object that is ${what} is ${how ? '' : 'no '}drift`, () => {
    const drift = driftOf({ ...entry, ...change }, live);
    if (how) assert.match(drift?.how ?? '', how);
    else assert.equal(drift, undefined);
  });

test('the last writer is neither ourselves nor who writes status', () => {
  const fields = [
    theirs('helm', '2026-01-01'),
    theirs('kubectl', '2026-01-03', 'scale'),
    theirs('controller', '2026-01-09', 'status'),
    mine,
  ];
  assert.equal(lastWriter(object({ managedFields: fields })), 'kubectl');
});

test('what is kept of a watched object holds no data', () => {
  const secret: KubeObject = {
    ...object(),
    kind: 'Secret',
    data: { a: 'c2VjcmV0' },
    stringData: { a: 'secret' },
    spec: { replicas: 1, template: {} },
  };
  assert.equal(JSON.stringify(slim(secret)).includes('c2VjcmV0'), false);
  assert.deepEqual(slim(secret)['spec'], { replicas: 1 });
});
