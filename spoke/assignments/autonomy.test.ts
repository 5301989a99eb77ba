import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { configMap, deployment, filesOf, Rig } from './testing/rig.ts';

// What goes on when the next revision cannot be had: the last one that was verified is kept as it was applied.

function rigFor(t: TestContext): Rig {
  const rig = new Rig();
  t.after(() => rig.stop());
  return rig.start();
}

test('while the wanted revision cannot be pulled, drift of the applied one is corrected from what is held', async (t) => {
  const rig = rigFor(t);
  rig.desire(await rig.assignment('p1', filesOf(deployment('web'))));
  await rig.run();
  rig.registryUp = false;
  rig.desire(await rig.assignment('p1', filesOf(deployment('web', 'nginx:2'))));
  await rig.run();
  rig.kube.remove(rig.object('Deployment', 'web') ?? assert.fail());
  await rig.run(70_000);
  const web = rig.object('Deployment', 'web');
  assert.match(JSON.stringify(web?.['spec']), /nginx:1/);
  assert.equal(rig.report().reason, 'ContentUnavailable');
  rig.registryUp = true;
  await rig.run(90_000);
  assert.match(JSON.stringify(rig.object('Deployment', 'web')?.['spec']), /nginx:2/);
  assert.equal(rig.report().health, 'HEALTH_HEALTHY');
});

test('so it is while the wanted revision is one that can never be written', async (t) => {
  const rig = rigFor(t);
  rig.desire(await rig.assignment('p1', filesOf(configMap('a'))));
  await rig.run();
  rig.desire(await rig.assignment('p1', filesOf(configMap('a', '2'), configMap('b', '1', 'other'))));
  await rig.run();
  assert.equal(rig.report().reason, 'NotAllowed');
  rig.kube.remove(rig.object('ConfigMap', 'a') ?? assert.fail());
  await rig.run();
  assert.deepEqual(rig.object('ConfigMap', 'a')?.['data'], { value: '1' });
  assert.equal(rig.report().reason, 'NotAllowed');
  assert.equal(rig.report().health, 'HEALTH_DEGRADED');
});

test('what can never be written is not asked for again whenever something moves', async (t) => {
  const rig = rigFor(t);
  rig.desire(await rig.assignment('p1', filesOf(deployment('web'))));
  await rig.run();
  rig.kube.fail({ verb: 'apply', name: 'web', code: 'INVALID', times: 1_000 });
  rig.desire(await rig.assignment('p1', filesOf(deployment('web', 'nginx:2'))));
  await rig.run();
  assert.equal(rig.report().reason, 'Invalid');
  rig.kube.forgetRequests();
  for (let i = 0; i < 5; i++) {
    const web = rig.object('Deployment', 'web') ?? assert.fail();
    rig.kube.put({ ...web, status: { ...(web['status'] as object), conditions: [{ type: 'Seen', status: String(i) }] } }, 'kubelet');
    await rig.run(1_000);
  }
  assert.deepEqual(
    rig.kube.requests.filter(({ verb }) => verb === 'apply'),
    [],
  );
  assert.equal(rig.report().reason, 'Invalid');
  rig.kube.heal();
  const synced = rig.spoke.syncNow('p1');
  await rig.run();
  assert.equal(rig.report().health, 'HEALTH_HEALTHY', 'asked to look again, it does');
  assert.deepEqual(await synced, { visited: 1, problem: undefined });
  assert.deepEqual(await rig.spoke.syncNow('p2'), { visited: 0, problem: undefined });
});

test('a restart amid a disturbance is no failure: what had been healthy has its time again, and keeps its hops', async (t) => {
  const rig = rigFor(t);
  const a = await rig.assignment('p1', filesOf(deployment('web')));
  rig.desire(a);
  await rig.run(120_000);
  const { hops } = rig.report();
  assert.ok(hops?.healthy !== undefined);
  await rig.stop();
  // A node was drained, and the spoke with it.
  rig.broken.add('web');
  rig.controllers();
  rig.start().desire(a);
  await rig.run(50_000);
  assert.equal(rig.report().health, 'HEALTH_PROGRESSING', rig.report().message);
  assert.deepEqual(rig.report().hops, hops);
  await rig.run(20_000);
  assert.equal(rig.report().health, 'HEALTH_DEGRADED');
});
