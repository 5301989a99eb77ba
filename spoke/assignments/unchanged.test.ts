import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Inputs } from '../../shared/kernel/mod.ts';
import { configMap, deployment, filesOf, Rig } from './testing/rig.ts';

// A new revision writes what it changes. What is the same to the last byte, and still ours as it was written, is left alone.

/** With web, a and b applied and healthy; what was asked for that is forgotten. */
async function applied(t: TestContext): Promise<Rig> {
  const rig = new Rig();
  t.after(() => rig.stop());
  rig.start().desire(await rig.assignment('p1', first));
  await rig.run();
  assert.equal(rig.report().health, 'HEALTH_HEALTHY');
  rig.kube.forgetRequests();
  return rig;
}
const first = filesOf(deployment('web'), configMap('a'), configMap('b'));
const second = filesOf(deployment('web', 'nginx:2'), configMap('a'), configMap('b'));
const everything = ['apply ConfigMap/a', 'apply ConfigMap/b', 'apply Deployment/web'];
const written = (rig: Rig): readonly string[] => [...rig.written()].sort();

async function next(rig: Rig, files = second, changes: Partial<Inputs> = {}): Promise<void> {
  const wanted = await rig.assignment('p1', files, changes);
  rig.desire(wanted);
  await rig.run();
  assert.deepEqual([rig.report().revisionApplied, rig.report().health], [wanted.revision, 'HEALTH_HEALTHY'], rig.report().message);
}

test('of three objects the one that a revision changes is read, tried and written, and the inventory knows all of them', async (t) => {
  const rig = await applied(t);
  const uids = (): readonly unknown[] =>
    // Not when: what was written has a later time.
    (rig.records.records.get('p1')?.inventory ?? []).map(({ ref, uid, fields }) => [ref.name, uid, fields?.split('@')[0]]);
  const before = uids();
  await next(rig);
  const asked = rig.kube.requests.filter(({ verb, name }) => ['get', 'apply'].includes(verb) && ['web', 'a', 'b'].includes(name));
  assert.deepEqual(
    asked.map(({ verb, name, dryRun }) => [verb, name, dryRun]),
    [
      ['get', 'web', false],
      ['apply', 'web', true],
      ['apply', 'web', false],
    ],
  );
  assert.deepEqual(uids(), before);
});

test('a revision of other inputs and the same objects writes none of them', async (t) => {
  const rig = await applied(t);
  await next(rig, first, { health: { timeoutMs: 61_000 } });
  assert.deepEqual(written(rig), []);
});

test('under another account everything is written, so that the API server can deny it', async (t) => {
  const rig = await applied(t);
  await next(rig, second, { serviceAccount: 'other' });
  assert.deepEqual(written(rig), everything);
});

test('what others have changed is written though the revision does not change it', async (t) => {
  const rig = await applied(t);
  // Fought over, so that its correction is not due.
  for (let i = 0; i < 200; i++) {
    const a = rig.object('ConfigMap', 'a') ?? assert.fail();
    if ((a['data'] as { value: string }).value === '1') rig.kube.put({ ...a, data: { value: 'theirs' } }, 'rogue');
    await rig.clock.advance(100);
  }
  assert.equal(rig.report().reason, 'Contested');
  rig.kube.forgetRequests();
  await next(rig);
  assert.deepEqual(written(rig), ['apply ConfigMap/a', 'apply Deployment/web']);
  assert.deepEqual(rig.object('ConfigMap', 'a')?.['data'], { value: '1' });
});

test('what is gone is made anew with the revision that still has it', async (t) => {
  const rig = await applied(t);
  const wanted = await rig.assignment('p1', second);
  await rig.stop();
  rig.kube.remove(rig.object('ConfigMap', 'b') ?? assert.fail());
  rig.kube.forgetRequests();
  rig.start().desire(wanted);
  await rig.run();
  assert.equal(rig.report().health, 'HEALTH_HEALTHY');
  assert.ok(rig.object('ConfigMap', 'b'));
});

test('a restart forgets nothing that is needed to know what is unchanged', async (t) => {
  const rig = await applied(t);
  await rig.stop();
  rig.start();
  await next(rig, first);
  await next(rig);
  assert.deepEqual(written(rig), ['apply Deployment/web']);
});

const unknowns: readonly (readonly [what: string, trouble: (rig: Rig) => void])[] = [
  ['whose applied content is not held', (rig) => change(rig, ({ layer: _gone, ...applied }) => applied)],
  ['whose applied content is not what was verified', (rig) => change(rig, (content) => ({ ...content, layer: Buffer.from('other') }))],
];
/** Changes what is recorded of the applied content. */
function change(rig: Rig, how: (content: { readonly layer?: Uint8Array }) => object): void {
  const record = rig.records.records.get('p1') ?? assert.fail();
  rig.records.records.set('p1', { ...record, applied: how(record.applied ?? assert.fail()) as NonNullable<typeof record.applied> });
}
for (const [what, trouble] of unknowns)
  test(`of an assignment ${what} everything is written`, async (t) => {
    const rig = await applied(t);
    await rig.stop();
    trouble(rig);
    rig.start();
    await next(rig, first);
    assert.deepEqual(written(rig), [], 'by now everything is seen');
    await next(rig);
    assert.deepEqual(written(rig), everything);
  });

test('of a kind that is not seen everything is written', async (t) => {
  const rig = await applied(t);
  await rig.stop();
  rig.kube.fail({ verb: 'list', kind: 'ConfigMap', code: 'FORBIDDEN', times: 1_000 });
  rig.start().desire(await rig.assignment('p1', first));
  await rig.run();
  rig.desire(await rig.assignment('p1', second));
  await rig.run();
  assert.deepEqual(written(rig), everything);
});

test('after a revision that was given up half-way everything is written', async (t) => {
  const rig = await applied(t);
  const half = await rig.assignment('p1', filesOf(deployment('web', 'nginx:3'), configMap('a', '3'), configMap('b')));
  // Its dry run passes: what fails is the write.
  const apply = rig.kube.apply.bind(rig.kube);
  rig.kube.apply = async (kind, object, options, signal) => {
    if (object.metadata.name === 'web' && !options.dryRun) throw new Error('broken');
    return apply(kind, object, options, signal);
  };
  rig.desire(half);
  await rig.run();
  assert.deepEqual(rig.object('ConfigMap', 'a')?.['data'], { value: '3' });
  rig.kube.apply = apply;
  rig.kube.forgetRequests();
  await next(rig, first);
  assert.deepEqual(written(rig), everything);
  assert.deepEqual(rig.object('ConfigMap', 'a')?.['data'], { value: '1' });
});
