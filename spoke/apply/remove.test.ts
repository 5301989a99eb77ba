import assert from 'node:assert/strict';
import { test } from 'node:test';
import { labels } from '../../shared/kernel/mod.ts';
import { refOf, refText, type KindInfo, type KubeObject } from '../kube/mod.ts';
import { MemoryKube } from '../kube/memory/mod.ts';
import { deleteAll, failureOf, releaseAll, unmarked } from './mod.ts';

const account = 'system:serviceaccount:wheelhouse-tenants:shop';
const { signal } = new AbortController();

async function cluster(): Promise<{ kube: MemoryKube; kind: KindInfo; object: KubeObject }> {
  const kube = new MemoryKube();
  const kind = kube.kind('', 'ConfigMap');
  const ref = { group: '', kind: 'ConfigMap', namespace: 'default', name: 'a' };
  const document: KubeObject = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: 'a',
      namespace: 'default',
      labels: { [labels.fleet]: 'f', [labels.assignment]: 'p1', team: 'x' },
      annotations: { [labels.object]: refText(ref), note: 'y' },
    },
    data: { value: '1' },
  };
  const object = await kube.apply(kind, document, { as: account }, signal);
  kube.forgetRequests();
  return { kube, kind, object };
}
const deletionOf = (object: KubeObject) => ({
  entry: { ref: refOf(object) },
  uid: object.metadata.uid ?? '',
  resourceVersion: object.metadata.resourceVersion ?? '',
});

test('what was judged is deleted, under the tenant account', async () => {
  const { kube, kind, object } = await cluster();
  assert.deepEqual(await deleteAll([deletionOf(object)], { kube, account, kindOf: () => kind }, signal), []);
  assert.deepEqual(
    kube.writes.map(({ verb, as }) => [verb, as]),
    [['delete', account]],
  );
});

test('what changed since it was judged stays, to be judged again; what is gone is no failure', async () => {
  const { kube, kind, object } = await cluster();
  kube.put({ ...object, data: { value: '2' } });
  assert.deepEqual(await deleteAll([deletionOf(object)], { kube, account, kindOf: () => kind }, signal), []);
  assert.deepEqual(kube.writes, []);
  kube.remove(object);
  assert.deepEqual(await deleteAll([deletionOf(object)], { kube, account, kindOf: () => kind }, signal), []);
});

test('a kind that is not served is not touched; a denial is said', async () => {
  const { kube, kind, object } = await cluster();
  await deleteAll([deletionOf(object)], { kube, account, kindOf: () => undefined }, signal);
  assert.deepEqual(kube.requests, []);
  kube.fail({ verb: 'delete', code: 'FORBIDDEN' });
  const [failure] = await deleteAll([deletionOf(object)], { kube, account, kindOf: () => kind }, signal);
  assert.equal(failure?.reason, 'Denied');
  assert.match(failure?.message ?? '', /ConfigMap a in default: system:serviceaccount:wheelhouse-tenants:shop may not/);
});

test('a released object keeps everything but our marks, under the tenant account', async () => {
  const { kube, kind, object } = await cluster();
  await releaseAll([{ ref: refOf(object), object }], { kube, account, kindOf: () => kind }, signal);
  const left = kube.objects().find(({ kind: name }) => name === 'ConfigMap') ?? assert.fail();
  assert.deepEqual([left.metadata.labels, left.metadata.annotations, left['data']], [{ team: 'x' }, { note: 'y' }, { value: '1' }]);
  assert.deepEqual(
    kube.writes.map(({ verb, as }) => [verb, as]),
    [['update', account]],
  );
  assert.deepEqual(unmarked({ ...object, metadata: { ...object.metadata, managedFields: [] } }).metadata['managedFields'], [{}]);
});

test('an error of no API server is no verdict about the object', () => {
  const failure = failureOf({ group: '', kind: 'ConfigMap', namespace: 'x', name: 'a' }, new Error('socket hang up'), account);
  assert.deepEqual([failure.reason, failure.retryable], ['Unavailable', true]);
});
