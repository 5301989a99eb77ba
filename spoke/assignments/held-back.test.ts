import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
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

const half = { prune: { shareMax: 0.5 } };
const names = (rig: Rig): readonly string[] =>
  rig.kube
    .objects()
    .filter(({ kind }) => kind === 'ConfigMap')
    .map(({ metadata }) => metadata.name)
    .sort();
const app = filesOf(configMap('a'), configMap('b'));
const another = filesOf(configMap('x'), configMap('y'), configMap('z'));

async function replaced(t: TestContext) {
  const rig = new Rig();
  t.after(() => rig.stop());
  rig.start().desire(await rig.assignment('p1', app, half));
  await rig.run();
  const wanted = await rig.assignment('p1', another, half);
  return { rig, wanted };
}

test('another app in its place, larger even: what ran is kept until somebody approves it, or goes back', async (t) => {
  const { rig, wanted } = await replaced(t);
  rig.desire(wanted);
  await rig.run(60_000);
  assert.equal(rig.report().health, 'HEALTH_HEALTHY', 'it delays nothing');
  assert.deepEqual([names(rig), rig.report().inventory?.prunePending], [['a', 'b', 'x', 'y', 'z'], 2]);
  await rig.stop();
  rig.start().desire(wanted);
  await rig.run(60_000);
  assert.deepEqual(names(rig), ['a', 'b', 'x', 'y', 'z'], 'a restart does not forget what there was');
  rig.desire({ ...wanted, pruneApproval: { id: 'x', revision: wanted.revision, objectsMax: 2 } });
  await rig.run();
  assert.deepEqual(names(rig), ['x', 'y', 'z']);
});

test('another app that is begun twice is another app all the same', async (t) => {
  const { rig, wanted } = await replaced(t);
  const apply = rig.kube.apply.bind(rig.kube);
  rig.kube.apply = async (kind, object, options, signal) => {
    if (object.metadata.name === 'z' && !options.dryRun) throw new Error('not now');
    return apply(kind, object, options, signal);
  };
  rig.desire(wanted);
  await rig.run(10_000);
  assert.deepEqual(names(rig), ['a', 'b', 'x', 'y']);
  await rig.stop();
  Reflect.deleteProperty(rig.kube, 'apply');
  rig.start().desire(wanted);
  await rig.run(60_000);
  assert.equal(rig.report().health, 'HEALTH_HEALTHY');
  assert.deepEqual(names(rig), ['a', 'b', 'x', 'y', 'z']);
});

test('sent back from half-way, what the other had brought goes without an approval', async (t) => {
  const { rig, wanted } = await replaced(t);
  const apply = rig.kube.apply.bind(rig.kube);
  rig.kube.apply = async (kind, object, options, signal) => {
    if (object.metadata.name === 'z' && !options.dryRun) throw new Error('not now');
    return apply(kind, object, options, signal);
  };
  rig.desire(wanted);
  await rig.run(10_000);
  rig.desire(await rig.assignment('p1', app, half));
  await rig.run(60_000);
  assert.deepEqual([names(rig), rig.report().inventory?.prunePending], [['a', 'b'], 0]);
});

test('an intent that could not be read back when its revision was given up is not left behind for ever', async (t) => {
  const rig = new Rig();
  t.after(() => rig.stop());
  const kept = await rig.assignment('p1', filesOf(configMap('a')));
  rig.start().desire(kept);
  await rig.run();
  let dead = false;
  rig.records.before = (method) => {
    if (dead && method === 'save') throw new Error('killed');
  };
  const apply = rig.kube.apply.bind(rig.kube);
  rig.kube.apply = async (...asked) => {
    const answer = await apply(...asked);
    dead ||= !asked[2].dryRun;
    return answer;
  };
  rig.desire(await rig.assignment('p1', filesOf(configMap('a'), configMap('b'))));
  await rig.run(300);
  await rig.stop();
  assert.deepEqual(names(rig), ['a', 'b']);
  Reflect.deleteProperty(rig.kube, 'apply');
  dead = false;
  rig.kube.fail({ verb: 'get', name: 'b', code: 'SERVER_UNAVAILABLE', times: 2 });
  rig.start().desire(kept);
  await rig.run();
  assert.deepEqual([rig.report().health, names(rig), rig.report().inventory?.prunePending], ['HEALTH_HEALTHY', ['a', 'b'], 1]);
  void rig.spoke.syncNow('p1');
  await rig.run();
  assert.deepEqual([names(rig), rig.inventory()], [['a'], ['ConfigMap/a']]);
});
