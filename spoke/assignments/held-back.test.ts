import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configMap, deployment, filesOf, Rig } from './testing/rig.ts';

// What a healthy, applied revision no longer has is deleted only when it is all that, and when all of it is known.

test('beside a change of somebody else that waits to be corrected nothing is pruned', async (t) => {
  const rig = new Rig();
  t.after(() => rig.stop());
  rig.start().desire(await rig.assignment('p1', filesOf(configMap('a'), configMap('b'), deployment('web'))));
  await rig.run();
  rig.kube.fail({ verb: 'delete', code: 'FORBIDDEN', times: 1_000 });
  rig.desire(await rig.assignment('p1', filesOf(configMap('a'), deployment('web'))));
  await rig.run();
  const change = (value: string): void => {
    rig.kube.put({ ...(rig.object('ConfigMap', 'a') ?? assert.fail()), data: { value } }, 'kubectl-edit');
  };
  change('theirs');
  await rig.run(100);
  change('theirs again');
  await rig.run(100);
  rig.kube.heal();
  rig.kube.put(
    {
      ...(rig.object('Deployment', 'web') ?? assert.fail()),
      status: { availableReplicas: 1, observedGeneration: 1, updatedReplicas: 1, replicas: 1, readyReplicas: 1 },
    },
    'x',
  );
  await rig.run(200);
  assert.deepEqual(rig.object('ConfigMap', 'a')?.['data'], { value: 'theirs again' }, 'it waits');
  assert.ok(rig.object('ConfigMap', 'b'), 'so b stays');
  await rig.run();
  assert.deepEqual(rig.object('ConfigMap', 'a')?.['data'], { value: '1' });
  assert.equal(rig.object('ConfigMap', 'b'), undefined);
});

test('while a lost record is being put together, what it knows for certain is not pruned either', async (t) => {
  const rig = new Rig();
  t.after(() => rig.stop());
  rig.kube.fail({ verb: 'list', kind: 'Service', code: 'SERVER_UNAVAILABLE', times: 1_000 });
  rig.start().desire(await rig.assignment('p1', filesOf(configMap('a'), configMap('b'))));
  await rig.run();
  rig.desire(await rig.assignment('p1', filesOf(configMap('a'))));
  await rig.run(60_000);
  assert.match(rig.report().message, /Rebuilding/);
  assert.ok(rig.object('ConfigMap', 'b'));
  rig.kube.heal();
  await rig.run(15 * 60_000);
  assert.equal(rig.object('ConfigMap', 'b'), undefined);
});
