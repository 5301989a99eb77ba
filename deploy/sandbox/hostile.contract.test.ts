// Whoever is let into one cluster can neither end nor hold up the process that serves hundreds of them, and deletes nothing by a slip.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { eventually } from '../../spoke/kube/contract.ts';
import { startSandbox, type Sandbox } from './mod.ts';
import { send, type Sent } from './testing.ts';

let dir: string;
let sandbox: Sandbox;
const said: string[] = [];

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'wheelhouse-hostile-'));
  sandbox = await startSandbox({ dir, names: ['one', 'two'], delayMs: 10, log: (line) => void said.push(line) });
  await eventually(async () => (await ask('/api/v1/namespaces/default/configmaps/kube-root-ca.crt')).status === 200);
});
after(async () => {
  await sandbox?.stop();
  await rm(dir, { recursive: true, force: true });
});

const here = () => sandbox.clusters[0] ?? assert.fail();
const ask = (path: string, sent: Sent = {}) => send(here(), path, sent);
const space = '/api/v1/namespaces/default';
const apps = '/apis/apps/v1/namespaces/default';
const merge = 'application/merge-patch+json';
const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'web', image: 'x' }] } };
const workload = (kind: string, name: string, replicas: number) => ({
  kind,
  metadata: { name },
  spec: { replicas, selector: { matchLabels: { a: 'b' } }, template },
});
const nested = (levels: number): string => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;

/** The other cluster answers, and soon: no request of the first one takes the process for itself. */
async function assertServes(): Promise<void> {
  const beginsMs = performance.now();
  assert.equal((await send(sandbox.clusters[1] ?? assert.fail(), '/api/v1/namespaces')).status, 200);
  assert.ok(performance.now() - beginsMs < 5_000);
}

const rows: readonly (readonly [what: string, path: string, sent: Sent, status: number])[] = [
  ['no path', '//', {}, 404],
  ['half a percent sign', `${space}/configmaps/%`, {}, 400],
  ['a body of 100,000 levels', `${space}/configmaps`, { method: 'POST', body: nested(100_000) }, 400],
  ['a body of 300 levels', `${space}/configmaps`, { method: 'POST', body: nested(300) }, 400],
  ['a body of 4 MB', `${space}/configmaps`, { method: 'POST', body: { metadata: { name: 'l' }, data: { x: 'x'.repeat(4_000_000) } } }, 413],
  ['data of 2 MB', `${space}/configmaps`, { method: 'POST', body: { metadata: { name: 'l' }, data: { x: 'x'.repeat(2_000_000) } } }, 422],
  ['labels that are no texts', `${space}/configmaps`, { method: 'POST', body: { metadata: { name: 'l', labels: { a: 5 } } } }, 400],
  ['a limit that is no number', `${space}/configmaps?limit=abc`, {}, 400],
  ['a limit below nothing', `${space}/configmaps?limit=-1`, {}, 400],
  ['replicas below nothing', `${apps}/deployments`, { method: 'POST', body: workload('Deployment', 'below', -1) }, 422],
  ['a delete of all namespaces', '/api/v1/namespaces', { method: 'DELETE' }, 405],
  ['a delete of a kind in all namespaces', '/apis/apps/v1/deployments', { method: 'DELETE' }, 405],
  ['a misspelt dry run', `${space}/configmaps/kube-root-ca.crt?dryRun=all`, { method: 'DELETE' }, 422],
  ['a misspelt dry run of all', `${space}/configmaps`, { method: 'DELETE', body: { dryRun: ['all'] } }, 422],
  ['another object', `${space}/configmaps`, { method: 'DELETE', body: { preconditions: { uid: 'another' } } }, 409],
  ['a dry run in the body', `${space}/configmaps`, { method: 'DELETE', body: { dryRun: ['All'] } }, 200],
  ['a selector named like what everything has', `${space}/configmaps?labelSelector=constructor`, { method: 'DELETE' }, 200],
  [
    'more operations than are allowed',
    `${space}/configmaps/kube-root-ca.crt`,
    {
      method: 'PATCH',
      type: 'application/json-patch+json',
      body: Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/kind', value: 'ConfigMap' })),
    },
    413,
  ],
  [
    'copies of copies',
    `${space}/configmaps/kube-root-ca.crt`,
    {
      method: 'PATCH',
      type: 'application/json-patch+json',
      body: Array.from({ length: 30 }, (_, n) => ({ op: 'copy', from: '/data', path: `/data/c${n}` })),
    },
    422,
  ],
];
for (const [what, path, sent, status] of rows)
  test(`${what}: ${status}`, async () => {
    const answer = await ask(path, sent);
    assert.equal(answer.status, status, await answer.text());
    assert.equal((await ask(`${space}/configmaps/kube-root-ca.crt`)).status, 200, 'what was there is there');
    await assertServes();
  });

test('objects that own each other, managers with names of the prototype, and times that are none hold nobody up', async () => {
  const made = (await (await ask(`${space}/configmaps`, { method: 'POST', body: { metadata: { name: 'own' } } })).json()) as {
    metadata: { uid: string };
  };
  const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'own', uid: made.metadata.uid, controller: true };
  const circle = { metadata: { ownerReferences: [owner] } };
  assert.equal((await ask(`${space}/configmaps/own`, { method: 'PATCH', type: merge, body: circle })).status, 200);
  const fieldsV1 = '{"__proto__":{"get":{},"signal":{}},"f:data":{"f:x":{}},"k:{":{}}';
  const managed = `{"metadata":{"name":"managed","managedFields":[{"manager":"m","operation":"Update","apiVersion":"v1","fieldsV1":${fieldsV1}}]},"data":{"x":"1"}}`;
  assert.equal((await ask(`${space}/configmaps`, { method: 'POST', body: managed })).status, 201);
  const job = { kind: 'Job', metadata: { name: 'j' }, spec: { template: { spec: { ...template.spec, restartPolicy: 'Never' } } } };
  assert.equal((await ask('/apis/batch/v1/namespaces/default/jobs', { method: 'POST', body: job })).status, 201);
  const status = { status: { startTime: 'abc' } };
  await ask('/apis/batch/v1/namespaces/default/jobs/j/status', { method: 'PATCH', type: merge, body: status });
  await assertServes();
  assert.equal(({} as Record<string, unknown>)['get'], undefined, 'nothing was written to what everything stands on');
});

test('a workload of two thousand million pods stays short of them', async () => {
  for (const [resource, kind] of [
    ['statefulsets', 'StatefulSet'],
    ['replicasets', 'ReplicaSet'],
  ] as const) {
    const answer = await ask(`${apps}/${resource}`, { method: 'POST', body: workload(kind, `huge-${resource}`, 2_000_000_000) });
    assert.equal(answer.status, 201, await answer.text());
    await assertServes();
    assert.equal((await ask(`${apps}/${resource}/huge-${resource}`, { method: 'DELETE' })).status, 200);
  }
});

test('an object of a kind of its own has a head like any other', async () => {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  const definition = {
    metadata: { name: 'gadgets.hostile.example' },
    spec: {
      group: 'hostile.example',
      scope: 'Namespaced',
      names: { kind: 'Gadget', plural: 'gadgets' },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  };
  const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  assert.equal((await ask(definitions, { method: 'POST', body: definition })).status, 201);
  const gadgets = '/apis/hostile.example/v1/namespaces/default/gadgets';
  await eventually(async () => (await ask(gadgets)).status === 200);
  for (const head of [{ ownerReferences: 'abc' }, { finalizers: true }, { labels: { a: 5 } }, { annotations: ['a'] }]) {
    const body = { apiVersion: 'hostile.example/v1', kind: 'Gadget', metadata: { name: 'g', ...head } };
    assert.equal((await ask(gadgets, { method: 'POST', body })).status, 400, JSON.stringify(head));
  }
  await assertServes();
});

test('a patch of a scale that names no number leaves it', async () => {
  assert.equal((await ask(`${apps}/deployments`, { method: 'POST', body: workload('Deployment', 'kept', 2) })).status, 201);
  const answer = await ask(`${apps}/deployments/kept/scale`, { method: 'PATCH', type: merge, body: { metadata: { labels: {} } } });
  assert.equal(answer.status, 200, await answer.text());
  assert.equal(((await (await ask(`${apps}/deployments/kept`)).json()) as { spec: { replicas: number } }).spec.replicas, 2);
});

test('none of this was news to the sandbox', () => assert.deepEqual(said, []));
