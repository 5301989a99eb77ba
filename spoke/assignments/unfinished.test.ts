import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { KubeObject } from '../kube/mod.ts';
import type { AssignmentRecord } from './port.ts';
import { configMap, deployment, filesOf, Rig } from './testing/rig.ts';

// A revision that was begun and is not over: what was written and never written down is no drift, and what is held back passes the brake in no second step.

const half = { prune: { shareMax: 0.5 } };
const app = filesOf(configMap('a'), configMap('b'));
/** In the place of the app, and as large. */
const another = filesOf(configMap('x'), configMap('y'), configMap('z'));
const maps = (rig: Rig): string =>
  rig.kube
    .objects()
    .flatMap(({ kind, metadata }) => (kind === 'ConfigMap' ? [metadata.name] : []))
    .sort()
    .join('');
function refuse(rig: Rig, refused: (object: KubeObject) => boolean): void {
  const apply = rig.kube.apply.bind(rig.kube);
  rig.kube.apply = async (kind, object, options, signal) => {
    if (!options.dryRun && refused(object)) throw new Error('not now');
    return await apply(kind, object, options, signal);
  };
}
const allow = (rig: Rig): void => void Reflect.deleteProperty(rig.kube, 'apply');

async function running(t: TestContext, ...files: Parameters<Rig['assignment']>[1][]): Promise<Rig> {
  const rig = new Rig();
  t.after(() => rig.stop());
  rig.start();
  for (const wanted of files) {
    rig.desire(await rig.assignment('p1', wanted, half));
    await rig.run();
  }
  assert.equal(rig.report().health, 'HEALTH_HEALTHY', rig.report().message);
  return rig;
}
async function assertHeld(rig: Rig, names: string): Promise<void> {
  await rig.run(60_000);
  assert.deepEqual([maps(rig), rig.report().health, rig.report().inventory?.prunePending], [names, 'HEALTH_HEALTHY', 2]);
}

test('held back, and then another value of the wrong app: still held back', async (t) => {
  const rig = await running(t, app, another);
  await assertHeld(rig, 'abxyz');
  rig.desire(await rig.assignment('p1', filesOf(configMap('x', '2'), configMap('y'), configMap('z')), half));
  await assertHeld(rig, 'abxyz');
});

test('the wrong app half-way, and then its repair: held back', async (t) => {
  const rig = await running(t, app);
  refuse(rig, ({ metadata }) => metadata.name === 'z');
  rig.desire(await rig.assignment('p1', another, half));
  await rig.run(10_000);
  assert.equal(maps(rig), 'abxy');
  rig.desire(await rig.assignment('p1', filesOf(configMap('x', '2'), configMap('y'), configMap('w')), half));
  await assertHeld(rig, 'abwxy');
});

test('held back, another one refused, and back to the very one that was held: still held back', async (t) => {
  const rig = await running(t, app, another);
  await assertHeld(rig, 'abxyz');
  refuse(rig, ({ metadata }) => metadata.name === 'y');
  rig.desire(await rig.assignment('p1', filesOf(configMap('x'), configMap('y', '2'), configMap('z')), half));
  await rig.run(5_000);
  allow(rig);
  rig.desire(await rig.assignment('p1', another, half));
  await assertHeld(rig, 'abxyz');
});

const old = filesOf(configMap('a'), deployment('web'));
const next = filesOf(configMap('a', '2'), deployment('web', 'nginx:2'), configMap('n'));
/** Every image that the Deployment was given. */
function imagesOf(rig: Rig): string[] {
  const images: string[] = [];
  const apply = rig.kube.apply.bind(rig.kube);
  rig.kube.apply = async (kind, object, options, signal) => {
    const answer = await apply(kind, object, options, signal);
    if (kind.kind === 'Deployment' && !options.dryRun) images.push(JSON.stringify(object['spec']).match(/nginx:\d/)?.[0] ?? '');
    return answer;
  };
  return images;
}

for (const [what, isFailing] of [
  ['once', (saves: number) => saves === 2],
  ['for as long as anybody looks', (saves: number) => saves >= 2],
] as const)
  test(`all of it is written, and writing that down fails ${what}: nobody takes it back, nobody is blamed`, async (t) => {
    const rig = await running(t, old);
    const images = imagesOf(rig);
    let saves = 0;
    rig.records.before = (method) => {
      if (method === 'save' && isFailing((saves += 1))) throw new Error('etcdserver: leader changed');
    };
    rig.desire(await rig.assignment('p1', next));
    await rig.run(30_000);
    assert.ok(saves >= 2);
    assert.deepEqual([...new Set(images)], ['nginx:2']);
    assert.deepEqual(rig.report().drift, []);
    rig.records.before = () => {};
    await rig.run(10 * 60_000);
    assert.deepEqual([rig.report().health, rig.report().drift, [...new Set(images)]], ['HEALTH_HEALTHY', [], ['nginx:2']]);
  });

test('a process died before it wrote down what it had written, and the next one cannot read all of it: nothing is taken back', async (t) => {
  const rig = await running(t, old);
  let intent: AssignmentRecord | undefined;
  rig.records.before = (method, uid) => {
    if (method === 'saved') intent ??= structuredClone(rig.records.records.get(uid));
  };
  const wanted = await rig.assignment('p1', next);
  rig.desire(wanted);
  await rig.run();
  await rig.stop();
  rig.records.before = () => {};
  assert.ok(intent?.applying);
  rig.records.records.set('p1', intent);
  rig.kube.fail({ verb: 'get', name: 'n', code: 'SERVER_UNAVAILABLE', times: 1000 });
  const images = imagesOf(rig);
  rig.start().desire(wanted);
  await rig.run(20_000);
  assert.equal(images.length, 0);
  rig.kube.heal();
  await rig.run(60_000);
  assert.deepEqual([rig.report().health, rig.report().drift, images.includes('nginx:1')], ['HEALTH_HEALTHY', [], false]);
});
