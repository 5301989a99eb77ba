import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { KubeClient } from '../kube/mod.ts';
import { configMap, deployment, filesOf, Rig } from './testing/rig.ts';

// Somebody who writes under our own field manager's name: no field is taken from us, and it is noticed all the same.

async function applied(t: TestContext) {
  const rig = new Rig();
  const client: KubeClient = rig.kube;
  t.after(() => rig.stop());
  const wanted = await rig.assignment('p1', filesOf(configMap('a'), configMap('b'), deployment('web')));
  rig.start().desire(wanted);
  await rig.run();
  assert.equal(rig.report().health, 'HEALTH_HEALTHY');
  rig.kube.forgetRequests();
  return { rig, client, wanted };
}
const valueOf = (rig: Rig, name: string): unknown =>
  (rig.object('ConfigMap', name)?.['data'] as Record<string, unknown> | undefined)?.['value'];

/** The very fields that we apply, with that value. */
async function applyAsUs(rig: Rig, client: KubeClient, value: string): Promise<void> {
  const { metadata, ...rest } = rig.object('ConfigMap', 'a') ?? assert.fail();
  const { name, namespace, labels, annotations } = metadata;
  const document = {
    ...rest,
    metadata: { name, namespace: namespace ?? '', labels: labels ?? {}, annotations: annotations ?? {} },
    data: { value },
  };
  await client.apply(rig.kube.kind('', 'ConfigMap'), document, { force: true }, new AbortController().signal);
}
const applies = (rig: Rig): readonly string[] =>
  rig.kube.requests
    .filter(({ verb, as }) => verb === 'apply' && as !== undefined)
    .map(({ name, dryRun }) => `${name}${dryRun ? ' (dry run)' : ''}`);

test('another value applied under our name is corrected by one write, told with the field and the name, and is then forgotten', async (t) => {
  const { rig, client } = await applied(t);
  await applyAsUs(rig, client, 'theirs');
  await rig.run();
  assert.equal(valueOf(rig, 'a'), '1');
  assert.deepEqual(applies(rig), ['a']);
  const { drift, message } = rig.report();
  assert.deepEqual(
    drift.map(({ object, fields, manager, operation }) => [object, fields, manager, operation]),
    [['/ConfigMap/shop/a', ['.data.value'], 'wheelhouse', 'Apply']],
  );
  assert.match(message, /ConfigMap a in shop: \.data\.value was changed by wheelhouse/);
  rig.kube.forgetRequests();
  await rig.run(10 * 60_000);
  assert.deepEqual(applies(rig), []);
});

test('the same value applied under our name is nobody’s business', async (t) => {
  const { rig, client } = await applied(t);
  await applyAsUs(rig, client, '1');
  await rig.run(60_000);
  assert.deepEqual([applies(rig), rig.report().drift], [[], []]);
});

test('undone before anybody looked: asked about once, written by nobody, told of nobody', async (t) => {
  const { rig, client, wanted } = await applied(t);
  await rig.stop();
  await applyAsUs(rig, client, 'theirs');
  await rig.clock.advance(5_000);
  await applyAsUs(rig, client, '1');
  const version = rig.object('ConfigMap', 'a')?.metadata.resourceVersion;
  rig.kube.forgetRequests();
  rig.start().desire(wanted);
  await rig.run(60_000);
  assert.deepEqual([applies(rig), rig.report().health, rig.report().drift], [['a'], 'HEALTH_HEALTHY', []]);
  assert.equal(rig.object('ConfigMap', 'a')?.metadata.resourceVersion, version);
});

test('it is noticed after a restart too; what was corrected before it is not asked for again', async (t) => {
  const { rig, client, wanted } = await applied(t);
  rig.kube.put({ ...(rig.object('ConfigMap', 'b') ?? assert.fail()), data: { value: 'theirs' } });
  await rig.run();
  assert.deepEqual(applies(rig), ['b']);
  await rig.stop();
  await rig.clock.advance(5_000);
  await applyAsUs(rig, client, 'theirs');
  rig.kube.forgetRequests();
  rig.start().desire(wanted);
  await rig.run();
  assert.deepEqual([valueOf(rig, 'a'), applies(rig)], ['1', ['a']]);
});

test('what another spoke wrote down without times is left as it is, and knows them from its next write on', async (t) => {
  const { rig, client, wanted } = await applied(t);
  await rig.stop();
  const record = rig.records.records.get('p1') ?? assert.fail();
  const inventory = record.inventory.map((one) => (one.fields ? { ...one, fields: one.fields.replace(/@.*/, '') } : one));
  rig.records.records.set('p1', { ...record, inventory });
  rig.kube.forgetRequests();
  rig.start().desire(wanted);
  await rig.run(60_000);
  assert.deepEqual(applies(rig), []);
  rig.kube.put({ ...(rig.object('ConfigMap', 'a') ?? assert.fail()), data: { value: 'theirs' } });
  await rig.run();
  await applyAsUs(rig, client, 'theirs again');
  await rig.run(5_000);
  assert.equal(valueOf(rig, 'a'), '1');
});
