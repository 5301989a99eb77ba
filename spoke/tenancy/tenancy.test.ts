import assert from 'node:assert/strict';
import test from 'node:test';
import { VirtualClock } from '#shared/clock/mod.ts';
import type { Inputs } from '#shared/kernel/mod.ts';
import type { KubeObject } from '#spoke/kube/mod.ts';
import { MemoryKube } from '#spoke/kube/memory/mod.ts';
import { Tenancy } from './mod.ts';

const inputs: Inputs = {
  apiVersion: 'wheelhouse.dev/v1alpha1',
  namespace: 'shop',
  serviceAccount: 'shop',
  allow: { namespaces: ['shop', 'shop-jobs', 'not-there'], kinds: ['*'] },
  parameters: {},
  prune: { shareMax: 0.5 },
  health: { timeoutMs: 60_000 },
};
const { signal } = new AbortController();

async function cluster(...objects: KubeObject[]) {
  const clock = new VirtualClock();
  const kube = new MemoryKube();
  const discovery = await kube.discover(signal);
  const kindOf = (kind: string) =>
    discovery.kinds.find((k) => k.kind === kind && (k.group === '' || k.group.startsWith('rbac'))) ?? assert.fail(kind);
  for (const name of ['wheelhouse-tenants', 'shop-jobs'])
    await kube.create(kindOf('Namespace'), { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, {}, signal);
  for (const object of objects) await kube.create(kindOf(object.kind), object, {}, signal);
  return { kube, discovery, kindOf, clock, tenancy: new Tenancy(kube, clock) };
}

test('makes account, target namespace and one binding per namespace that exists; a second time writes nothing', async () => {
  const { kube, discovery, kindOf, tenancy } = await cluster();
  await tenancy.ensure(inputs, discovery, signal);
  assert.ok(await kube.get(kindOf('ServiceAccount'), 'wheelhouse-tenants', 'shop', signal));
  const bindings = await kube.list(kindOf('RoleBinding'), {}, signal);
  assert.deepEqual(bindings.items.map((b) => b.metadata.namespace).toSorted(), ['shop', 'shop-jobs']);
  const before = kube.requests.filter((r) => r.verb === 'create').length;
  await tenancy.ensure(inputs, discovery, signal);
  assert.equal(kube.requests.filter((r) => r.verb === 'create').length, before);
});

const configMapCreates = (kube: MemoryKube): number =>
  kube.requests.filter(({ verb, kind, dryRun }) => verb === 'create' && kind === 'ConfigMap' && dryRun).length;

test('a binding that does not count yet is waited for, by whoever needs it', async () => {
  const { kube, discovery, clock, tenancy } = await cluster();
  kube.fail({ verb: 'create', kind: 'ConfigMap', code: 'FORBIDDEN', times: 3 });
  let ready = 0;
  const both = [0, 1].map(() => tenancy.ensure(inputs, discovery, signal).then(() => ready++));
  await clock.advance(0);
  assert.equal(ready, 0);
  await clock.advance(500);
  await Promise.all(both);
  assert.ok(configMapCreates(kube) >= 3);
});

test('what stays denied is not waited for longer than a few seconds', async () => {
  const { kube, discovery, clock, tenancy } = await cluster();
  kube.fail({ verb: 'create', kind: 'ConfigMap', code: 'FORBIDDEN', times: 10_000 });
  const ensured = tenancy.ensure(inputs, discovery, signal);
  await clock.advance(12_000);
  await ensured;
});

for (const namespace of ['kube-system', 'wheelhouse-system', 'wheelhouse-tenants']) {
  test(`${namespace} is closed, whatever the hub says`, async () => {
    const { kube, discovery, tenancy } = await cluster();
    const before = kube.requests.length;
    await assert.rejects(tenancy.ensure({ ...inputs, allow: { ...inputs.allow, namespaces: ['shop', namespace] } }, discovery, signal), {
      code: 'CLOSED_NAMESPACE',
    });
    await assert.rejects(tenancy.ensure({ ...inputs, namespace }, discovery, signal), { code: 'CLOSED_NAMESPACE' });
    assert.equal(kube.requests.length, before);
  });
}

test("somebody else's binding of that name is not taken for ours", async () => {
  const foreign = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name: 'wheelhouse-tenant-shop', namespace: 'shop-jobs' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [],
  };
  const { discovery, tenancy } = await cluster(foreign);
  await assert.rejects(tenancy.ensure(inputs, discovery, signal), { code: 'FOREIGN_BINDING' });
});
