import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { labels } from '../../shared/kernel/mod.ts';
import { KubeError, type KubeCode, type KubeObject } from '../kube/mod.ts';
import { configMap, deployment, filesOf, Rig } from './testing/rig.ts';

// A revision that fails half-way: what was written of it is kept as it wants it, what it has not got to is kept as it was, and nothing is deleted.

const first = filesOf(configMap('a'), configMap('b'), configMap('old'), deployment('web'));
const second = filesOf(configMap('a', '2'), configMap('b'), configMap('new'), deployment('web', 'nginx:2'));

/** Refuses to write that object, as a webhook does that is not asked in dry runs; returns how to end it. */
function refuse(rig: Rig, name: string, code: KubeCode, dryRunsToo = false): () => void {
  const apply = rig.kube.apply.bind(rig.kube);
  rig.kube.apply = async (kind, object, options, signal) => {
    if (object.metadata.name === name && (dryRunsToo || !options.dryRun)) throw new KubeError(code, 'the webhook says no');
    return apply(kind, object, options, signal);
  };
  return () => Reflect.deleteProperty(rig.kube, 'apply');
}

const get = (rig: Rig, kind: string, name: string): KubeObject => rig.object(kind, name) ?? assert.fail(`${name} is not there`);
const valueOf = (rig: Rig, name: string): unknown => (get(rig, 'ConfigMap', name)['data'] as Record<string, unknown>)['value'];
const change = (rig: Rig, name: string): void => {
  rig.kube.put({ ...get(rig, 'ConfigMap', name), data: { value: 'theirs' } }, 'kubectl-edit');
};
const web = (rig: Rig): readonly [replicas: number, image: string] => {
  const spec = get(rig, 'Deployment', 'web')['spec'] as { replicas: number; template: { spec: { containers: { image: string }[] } } };
  return [spec.replicas, spec.template.spec.containers[0]?.image ?? ''];
};
const scale = (rig: Rig): void => {
  const live = get(rig, 'Deployment', 'web');
  rig.kube.put({ ...live, spec: { ...(live['spec'] as object), replicas: 5 } }, 'kubectl-scale');
};
const inventory = (rig: Rig) => rig.records.records.get('p1')?.inventory ?? [];
const ahead = (rig: Rig): readonly string[] =>
  inventory(rig)
    .filter((one) => one.ahead)
    .map(({ ref }) => ref.name);

/** With the first revision healthy, and the second refused at `web`, its last object. */
async function halfWay(t: TestContext, code: KubeCode = 'INVALID') {
  const rig = new Rig();
  t.after(() => rig.stop());
  rig.start().desire(await rig.assignment('p1', first));
  await rig.run();
  assert.equal(rig.report().health, 'HEALTH_HEALTHY');
  const allow = refuse(rig, 'web', code);
  const wanted = await rig.assignment('p1', second);
  rig.desire(wanted);
  await rig.run();
  assert.deepEqual([valueOf(rig, 'a'), web(rig)], ['2', [1, 'nginx:1']]);
  return { rig, wanted, allow };
}
/** Long enough for every retry, in few steps. */
async function pass(rig: Rig): Promise<void> {
  await rig.run();
  await rig.clock.advance(2 * 60_000);
  await rig.run();
}

const refusals: readonly (readonly [KubeCode, string])[] = [
  ['INVALID', 'Invalid'],
  ['FORBIDDEN', 'Denied'],
];
for (const [code, reason] of refusals)
  for (const restarted of [false, true])
    for (const judged of [false, true]) {
      const circumstances = [code, ...(restarted ? ['after a restart'] : []), ...(judged ? ['now by the dry run too'] : [])].join(', ');
      test(`refused for ever (${circumstances}): each object is kept as it was last written, and both are said`, async (t) => {
        const { rig, wanted, allow } = await halfWay(t, code);
        if (judged) {
          allow();
          refuse(rig, 'web', code, true);
        }
        if (restarted) {
          await rig.stop();
          rig.reports.clear();
        }
        for (const name of ['a', 'old']) change(rig, name);
        rig.kube.remove(get(rig, 'ConfigMap', 'new'));
        if (restarted) rig.start().desire(wanted);
        await pass(rig);
        assert.deepEqual([valueOf(rig, 'a'), valueOf(rig, 'new'), valueOf(rig, 'old')], ['2', '1', '1']);
        const { health, message, drift, revisionWanted, revisionApplied } = rig.report();
        assert.deepEqual([health, rig.report().reason, revisionWanted, revisionApplied], ['HEALTH_DEGRADED', reason, wanted.revision, '']);
        assert.match(message, /webhook says no.*drift corrected: ConfigMap/);
        // A new process tries the revision before it has seen anything: what that writes over is no correction.
        const told = restarted && !judged ? ['old'] : ['a', 'new', 'old'];
        assert.deepEqual(
          drift.map(({ object, state }) => [object, state]).sort(),
          told.map((name) => [`/ConfigMap/shop/${name}`, 'DRIFT_STATE_CORRECTED']),
        );
        assert.deepEqual(
          rig.written().filter((write) => write.startsWith('delete')),
          [],
        );
      });
    }

test('what the revision has not got to is corrected to the one before, as soon as that may be written', async (t) => {
  const { rig, allow } = await halfWay(t);
  allow();
  refuse(rig, 'a', 'INVALID');
  scale(rig);
  await rig.run();
  assert.deepEqual(web(rig), [1, 'nginx:1']);
  assert.equal(rig.report().reason, 'Invalid');
});

test('asked to go on, or allowed to, the revision is completed; then nothing is ahead, and what it drops is pruned', async (t) => {
  const { rig, wanted, allow } = await halfWay(t);
  assert.deepEqual(ahead(rig), ['a', 'new'], 'b is the same in both');
  change(rig, 'a');
  await rig.run();
  assert.deepEqual(ahead(rig), ['a', 'new'], 'a correction does not change of which revision it is');
  allow();
  void rig.spoke.syncNow('p1');
  await rig.run();
  assert.deepEqual([rig.report().health, rig.report().revisionApplied], ['HEALTH_HEALTHY', wanted.revision]);
  assert.deepEqual([ahead(rig), rig.object('ConfigMap', 'old'), web(rig)], [[], undefined, [1, 'nginx:2']]);
  rig.kube.forgetRequests();
  await pass(rig);
  assert.deepEqual(rig.written(), []);
});

test('sent back: everything is as it was, and what only the other had is pruned', async (t) => {
  const { rig, allow } = await halfWay(t);
  allow();
  rig.desire(await rig.assignment('p1', first));
  await rig.run();
  assert.deepEqual([rig.report().health, valueOf(rig, 'a'), ahead(rig)], ['HEALTH_HEALTHY', '1', []]);
  assert.equal(rig.object('ConfigMap', 'new'), undefined);
});

test('refused for ever and left alone: nothing is asked for and nothing written', async (t) => {
  const { rig } = await halfWay(t);
  change(rig, 'a');
  await pass(rig);
  rig.kube.forgetRequests();
  await rig.clock.advance(60 * 60_000);
  assert.deepEqual(
    rig.kube.requests.filter(({ verb }) => ['get', 'apply', 'list'].includes(verb)),
    [],
  );
});

test('somebody who keeps undoing it while the revision is refused is answered ever more seldom', async (t) => {
  const { rig } = await halfWay(t);
  rig.kube.forgetRequests();
  for (let ms = 0; ms < 120_000; ms += 100) {
    if (valueOf(rig, 'a') === '2') change(rig, 'a');
    await rig.clock.advance(100);
  }
  assert.equal(rig.written().length, 7, 'at 0, 1, 3, 7, 15, 31 and 63 seconds');
});

test('a first revision that fails half-way is kept as far as it got', async (t) => {
  const rig = new Rig();
  t.after(() => rig.stop());
  const allow = refuse(rig, 'web', 'INVALID');
  const wanted = await rig.assignment('p1', first);
  rig.start().desire(wanted);
  await rig.run();
  change(rig, 'a');
  rig.kube.remove(get(rig, 'ConfigMap', 'b'));
  await rig.run();
  assert.deepEqual([valueOf(rig, 'a'), valueOf(rig, 'b'), rig.object('Deployment', 'web')], ['1', '1', undefined]);
  assert.equal(rig.report().reason, 'Invalid');
  allow();
  void rig.spoke.syncNow('p1');
  await rig.run();
  assert.equal(rig.report().health, 'HEALTH_HEALTHY');
});

test('a process that died before it wrote down what it had written: the next sees what is as the revision wants it, and blames nobody', async (t) => {
  const rig = new Rig();
  t.after(() => rig.stop());
  rig.start().desire(await rig.assignment('p1', first));
  await rig.run();
  let dead = false;
  rig.records.before = (method) => {
    if (dead && method === 'save') throw new Error('killed');
  };
  const allow = refuse(rig, 'web', 'INVALID');
  const apply = rig.kube.apply.bind(rig.kube);
  rig.kube.apply = async (...asked) => {
    // Who is dead corrects nothing either.
    if (dead && !asked[2].dryRun && asked[1].metadata.name !== 'new') throw new Error('killed');
    dead ||= !asked[2].dryRun;
    return await apply(...asked);
  };
  const wanted = await rig.assignment('p1', second);
  rig.desire(wanted);
  await rig.run(300);
  await rig.stop();
  assert.deepEqual([valueOf(rig, 'a'), ahead(rig)], ['2', []]);
  allow();
  dead = false;
  refuse(rig, 'web', 'INVALID', true);
  rig.reports.clear();
  rig.start().desire(wanted);
  await rig.run();
  assert.deepEqual([ahead(rig), rig.report().drift], [['a', 'b', 'new'], []]);
  for (const name of ['a', 'new']) change(rig, name);
  await rig.run();
  assert.deepEqual([valueOf(rig, 'a'), valueOf(rig, 'new')], ['2', '1']);
});

test('given up for a third that fails at once: what it wrote is left alone, and what it had not got to is kept as before', async (t) => {
  const { rig, allow } = await halfWay(t);
  allow();
  // Fails before anything of it is written, but after it was begun.
  refuse(rig, '0', 'INVALID');
  const third = filesOf(configMap('a', '3'), deployment('web', 'nginx:3'), JSON.stringify({ ...account, metadata: { name: '0' } }));
  rig.desire(await rig.assignment('p1', third));
  await rig.run();
  assert.equal(rig.report().reason, 'Invalid');
  for (const name of ['a', 'old']) change(rig, name);
  scale(rig);
  await pass(rig);
  assert.deepEqual([valueOf(rig, 'a'), valueOf(rig, 'old'), web(rig)], ['theirs', '1', [1, 'nginx:1']]);
  assert.equal(get(rig, 'ConfigMap', 'new').metadata.labels?.[labels.assignment], 'p1');
});
const account = { apiVersion: 'v1', kind: 'ServiceAccount' };

test('its content is not held: nothing is pulled for a correction, and the other revision is kept all the same', async (t) => {
  const { rig, wanted } = await halfWay(t);
  await rig.stop();
  const record = rig.records.records.get('p1') ?? assert.fail();
  const { layer: _gone, ...applying } = record.applying ?? assert.fail();
  rig.records.records.set('p1', { ...record, applying });
  rig.registryUp = false;
  rig.reports.clear();
  rig.start().desire(wanted);
  await rig.run();
  assert.equal(rig.report().reason, 'ContentUnavailable');
  for (const name of ['a', 'old']) change(rig, name);
  await pass(rig);
  assert.deepEqual([valueOf(rig, 'a'), valueOf(rig, 'old')], ['theirs', '1']);
});
