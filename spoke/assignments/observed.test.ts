import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '../kube/mod.ts';
import { ownerOf } from '../plan/mod.ts';
import { observed } from './observed.ts';

const managed = [
  { manager: 'wheelhouse', operation: 'Apply', fieldsV1: { 'f:data': { 'f:password': {} } } },
  { manager: 'kubectl', operation: 'Update', time: '2026-01-01T00:00:00Z', fieldsV1: { 'f:data': { 'f:other': {} } } },
];
const secret: KubeObject = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: {
    name: 'a',
    uid: 'u',
    labels: { 'wheelhouse.dev/fleet': 'f', 'wheelhouse.dev/assignment': 'p1' },
    annotations: { 'wheelhouse.dev/object': '/Secret//a' },
    managedFields: managed,
  },
  data: { a: 'c2VjcmV0' },
  stringData: { a: 'secret' },
  spec: { replicas: 1, template: {} },
};

test('what is kept of a watched object holds no data, and of its fields only the hash of ours', () => {
  const { object, fieldsHash } = observed(secret);
  const text = JSON.stringify(object);
  for (const gone of ['c2VjcmV0', 'secret"', 'f:password', 'f:other', 'template']) assert.equal(text.includes(gone), false, gone);
  assert.deepEqual(object['spec'], { replicas: 1 });
  assert.match(fieldsHash, /^[0-9a-f]{16}$/);
  const [ours] = managed;
  assert.equal(observed({ ...secret, metadata: { ...secret.metadata, managedFields: [ours] } }).fieldsHash, fieldsHash);
  assert.notEqual(observed({ ...secret, metadata: { ...secret.metadata, managedFields: [] } }).fieldsHash, fieldsHash);
});

test('what is kept still says whose it is', () => {
  assert.deepEqual(ownerOf(observed(secret).object), { fleetId: 'f', assignmentUid: 'p1' });
});
