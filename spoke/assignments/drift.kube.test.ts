import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import type { Assignment, Drift } from '#proto/mod.ts';
import { systemClock } from '#shared/clock/mod.ts';
import type { KubeObject } from '#spoke/kube/mod.ts';
import { PlaneRig } from './testing/plane.ts';
import { configMap, deployment, filesOf } from './testing/rig.ts';

// What others do to applied objects, on a real API server: its audit log has exactly the corrections, and its managedFields say who it was.

/** As long as it takes to believe that nothing comes: longer than a correction has ever taken. */
const quietMs = 2_000;
const times = 5;

let rig: PlaneRig;
let applied: Assignment;
before(async () => {
  rig = await PlaneRig.open('drift');
  const many = Array.from({ length: times }, (_, i) => deployment(`web-${i}`));
  const open = JSON.parse(deployment('open')) as { spec: { replicas?: number } };
  delete open.spec.replicas;
  applied = await rig.contents.assignment('p1', filesOf(...many, JSON.stringify(open), deployment('web'), configMap('a'), configMap('b')));
  rig.desire(applied);
  await rig.healthy(applied);
});
after(() => rig?.close());

/** What is written after the call: by the tenant in words, and how often by the spoke itself. */
async function watched(): Promise<{ byTenant: () => Promise<readonly string[]>; bySpoke: () => Promise<number> }> {
  const tenantBefore = (await rig.byTenant()).length;
  const inSystem = async (): Promise<number> =>
    (await rig.mutations()).filter(({ requestURI }) => requestURI.includes('wheelhouse-system')).length;
  const systemBefore = await inSystem();
  return {
    byTenant: async () => (await rig.byTenant()).slice(tenantBefore).map((line) => line.replace(/\?.*/, '')),
    bySpoke: async () => (await inSystem()) - systemBefore,
  };
}
const deploymentAt = (name: string): string => `patch /apis/apps/v1/namespaces/shop/deployments/${name}`;
const configMapAt = (name: string): string => `patch /api/v1/namespaces/shop/configmaps/${name}`;
const shop = (...args: readonly string[]): Promise<string> => rig.kubectl(...args, '-n', 'shop');
const told = (object: string): Drift | undefined => rig.reports.get('p1')?.drift.find((drift) => drift.object === object);
const corrections = (object: string): number => told(object)?.corrections ?? 0;

/** Does it, and waits until the report says that it was corrected; milliseconds from when it was done. */
async function correctedAfter(object: string, disturb: () => Promise<unknown>): Promise<number> {
  const before = corrections(object);
  await disturb();
  const doneAt = performance.now();
  await rig.eventually(`${object} is corrected`, () => corrections(object) > before, 2);
  return performance.now() - doneAt;
}
const quiet = (): Promise<void> => systemClock.sleep(quietMs);

describe('drift on a real control plane', { timeout: 5 * 60_000 }, () => {
  test('scaled by hand: one write, by the tenant, and the record of when; named with the field, who, through what', async (t: TestContext) => {
    const seen = await watched();
    const tookMs: number[] = [];
    for (let i = 0; i < times; i++)
      tookMs.push(await correctedAfter(`apps/Deployment/shop/web-${i}`, () => shop('scale', `deployment/web-${i}`, '--replicas=3')));
    await quiet();
    t.diagnostic(`corrected ${tookMs.map((ms) => ms.toFixed(0)).join(', ')} ms after kubectl had scaled`);
    assert.deepEqual(
      await seen.byTenant(),
      Array.from({ length: times }, (_, i) => deploymentAt(`web-${i}`)),
    );
    // What is corrected in one look is written down in one go.
    const saves = await seen.bySpoke();
    assert.ok(saves >= 1 && saves <= times, `${saves} writes of the spoke`);
    const { fields, manager, operation, subresource, changedAt, kind, state } = told('apps/Deployment/shop/web-0') ?? assert.fail();
    assert.deepEqual(
      [kind, state, fields, manager, operation, subresource],
      ['DRIFT_KIND_CHANGED', 'DRIFT_STATE_CORRECTED', ['.spec.replicas'], 'kubectl', 'Update', 'scale'],
    );
    assert.equal(changedAt, undefined, 'of a scaling the API server records no time: once it does, the README is wrong');
    assert.equal(await shop('get', 'deployment/web-0', '-o', 'jsonpath={.spec.replicas}'), '1');
  });

  test('deleted: made anew by one write, with the record of its new uid, and nobody named', async () => {
    const seen = await watched();
    await correctedAfter('apps/Deployment/shop/web', () => shop('delete', 'deployment/web'));
    await quiet();
    assert.deepEqual(await seen.byTenant(), [deploymentAt('web')]);
    assert.equal(await seen.bySpoke(), 1);
    assert.deepEqual([told('apps/Deployment/shop/web')?.kind, told('apps/Deployment/shop/web')?.manager], ['DRIFT_KIND_DELETED', '']);
    await rig.healthy(applied);
  });

  const image = JSON.stringify({ spec: { template: { spec: { containers: [{ name: 'web-0', image: 'evil:1' }] } } } });
  const label = 'wheelhouse.dev/fleet';
  /** The very fields that we apply, with another value. */
  async function applyAsUs(value: string): Promise<string> {
    const live = JSON.parse(await shop('get', 'configmap/a', '-o', 'json')) as KubeObject;
    const marks = (all: Readonly<Record<string, string>> = {}): object =>
      Object.fromEntries(Object.entries(all).filter(([key]) => key.startsWith('wheelhouse.dev/')));
    const metadata = { name: 'a', labels: marks(live.metadata.labels), annotations: marks(live.metadata.annotations) };
    const file = join(rig.plane.dir, 'ours.json');
    await writeFile(file, JSON.stringify({ ...live, metadata, data: { value } }));
    return shop('apply', '--server-side', '--field-manager=wheelhouse', '-f', file);
  }
  const rows: readonly (readonly [what: string, args: () => Promise<unknown>, told: Partial<Drift> & { object: string }])[] = [
    [
      'an edit of an image',
      () => shop('patch', 'deployment/web-0', '--field-manager=kubectl-edit', '-p', image),
      { object: 'apps/Deployment/shop/web-0', fields: ['.spec.template.spec.containers[name="web-0"].image'], manager: 'kubectl-edit' },
    ],
    [
      'another applier that forces its own value',
      async () => {
        const file = join(rig.plane.dir, 'theirs.json');
        await writeFile(file, configMap('a', 'theirs'));
        await shop('apply', '--server-side', '--force-conflicts', '--field-manager=other-gitops', '-f', file);
      },
      { object: '/ConfigMap/shop/a', fields: ['.data.value'], manager: 'other-gitops', operation: 'Apply' },
    ],
    [
      'an apply of another value under our own name',
      () => applyAsUs('theirs'),
      { object: '/ConfigMap/shop/a', fields: ['.data.value'], manager: 'wheelhouse', operation: 'Apply' },
    ],
    [
      'an update under our own name',
      () => shop('patch', 'configmap/a', '--type=merge', '--field-manager=wheelhouse', '-p', '{"data":{"value":"theirs"}}'),
      { object: '/ConfigMap/shop/a', fields: ['.data.value'], manager: 'wheelhouse', operation: 'Update' },
    ],
    [
      'the removal of a key',
      () => shop('patch', 'configmap/b', '--type=json', '-p', '[{"op":"remove","path":"/data/value"}]'),
      { object: '/ConfigMap/shop/b', fields: ['.data.value'], manager: '' },
    ],
    [
      'a scaling to zero, which the API server records nowhere,',
      () => shop('scale', 'deployment/web-2', '--replicas=0'),
      { object: 'apps/Deployment/shop/web-2', fields: ['.spec.replicas'], manager: '' },
    ],
    [
      'the removal of our mark',
      () => shop('label', 'deployment/web-1', `${label}-`),
      { object: 'apps/Deployment/shop/web-1', fields: [`.metadata.labels.${label}`], manager: '' },
    ],
  ];
  for (const [what, disturb, wanted] of rows)
    test(`${what} is corrected by one write, and told as that`, async () => {
      const seen = await watched();
      await correctedAfter(wanted.object, disturb);
      await quiet();
      assert.equal((await seen.byTenant()).length, 1, (await seen.byTenant()).join());
      const found = told(wanted.object) ?? assert.fail();
      const changedAt = found.changedAt?.getTime();
      assert.equal(changedAt !== undefined && Math.abs(changedAt - Date.now()) < 60_000, wanted.manager !== '');
      for (const [key, value] of Object.entries(wanted)) assert.deepEqual(found[key as keyof Drift], value, key);
    });

  test('what others may do is no drift: fields that are left to them, the same values again, labels beside ours, status', async () => {
    const seen = await watched();
    await shop('scale', 'deployment/open', '--replicas=2');
    await shop('label', 'deployment/web-2', 'team=theirs');
    await shop('annotate', 'configmap/a', 'note=theirs');
    await shop('patch', 'configmap/a', '--type=merge', '-p', '{"data":{"value":"1","more":"x"}}');
    await applyAsUs('1');
    await shop('patch', 'deployment/web-2', '--subresource=status', '--type=merge', '-p', '{"status":{"collisionCount":1}}');
    await shop('wait', 'deployment/open', '--for=jsonpath={.status.availableReplicas}=2', '--timeout=60s');
    await quiet();
    assert.deepEqual(await seen.byTenant(), []);
    assert.equal(await shop('get', 'deployment/open', '-o', 'jsonpath={.spec.replicas}'), '2');
  });

  test('what happened while the spoke was down is corrected once, and what did not happen is not', async () => {
    await rig.stop();
    await shop('scale', 'deployment/web-3', '--replicas=2');
    await shop('delete', 'configmap/b');
    await applyAsUs('theirs');
    const seen = await watched();
    rig.start();
    rig.desire(applied);
    const objects = ['apps/Deployment/shop/web-3', '/ConfigMap/shop/b', '/ConfigMap/shop/a'];
    await rig.eventually('all are corrected', () => objects.every((object) => corrections(object) === 1));
    await quiet();
    assert.deepEqual([...(await seen.byTenant())].sort(), [configMapAt('a'), configMapAt('b'), deploymentAt('web-3')]);
    assert.equal(told('/ConfigMap/shop/a')?.manager, 'wheelhouse');
    assert.deepEqual(
      [told('apps/Deployment/shop/web-3')?.fields, told('apps/Deployment/shop/web-3')?.manager],
      [['.spec.replicas'], 'kubectl'],
    );
  });

  test('observed: told with who it was, and nothing written', async () => {
    rig.desire({ ...applied, mode: 'ASSIGNMENT_MODE_OBSERVE' });
    await rig.says('p1', 'Observed');
    await shop('scale', 'deployment/web-4', '--replicas=4');
    await rig.eventually('it is told', () => told('apps/Deployment/shop/web-4')?.manager === 'kubectl');
    assert.deepEqual(
      [told('apps/Deployment/shop/web-4')?.state, told('apps/Deployment/shop/web-4')?.fields],
      ['DRIFT_STATE_STANDING', ['.spec.replicas']],
    );
    assert.match(rig.reports.get('p1')?.message ?? '', /would be: .*1 configured/);
    await quiet();
    assert.equal(await shop('get', 'deployment/web-4', '-o', 'jsonpath={.spec.replicas}'), '4');
    await correctedAfter('apps/Deployment/shop/web-4', async () => rig.desire(applied));
  });

  test('an API server that is stopped says nothing, so nothing is drift', async () => {
    const seen = await watched();
    rig.plane.pause('apiserver');
    await quiet();
    rig.plane.resume('apiserver');
    await rig.kubectl('get', 'namespaces');
    await quiet();
    assert.deepEqual(await seen.byTenant(), []);
  });

  test('somebody who takes it back each time: five corrections, then Contested by name, then ever more seldom', async (t: TestContext) => {
    const seen = await watched();
    let taken = 0;
    const object = 'apps/Deployment/shop/web-2';
    await rig.eventually('it is contested', async () => {
      if ((await shop('get', 'deployment/web-2', '-o', 'jsonpath={.spec.replicas}')) === '1') {
        await shop('scale', 'deployment/web-2', '--replicas=2');
        taken++;
      }
      return rig.reports.get('p1')?.reason === 'Contested';
    });
    const { health, message } = rig.reports.get('p1') ?? assert.fail();
    t.diagnostic(message);
    assert.equal(health, 'HEALTH_DEGRADED');
    assert.match(message, /^Deployment web-2 in shop: .*\.spec\.replicas was changed by kubectl \(scale\)/);
    assert.equal(told(object)?.state, 'DRIFT_STATE_CONTESTED');
    await quiet();
    assert.ok(taken >= 5, `${taken}`);
    assert.deepEqual(
      await seen.byTenant(),
      Array.from({ length: 5 }, () => deploymentAt('web-2')),
    );
  });

  test('a whole namespace that is deleted is made anew with everything that was ours in it', async (t: TestContext) => {
    await rig.kubectl('delete', 'namespace', 'shop');
    const doneAt = performance.now();
    await rig.eventually('everything is back', async () => {
      const there = await rig.plane.kubectl(
        'get',
        'deployments,configmaps',
        '-n',
        'shop',
        '-l',
        'wheelhouse.dev/assignment=p1',
        '-o',
        'name',
      );
      return there.stdout.trim().split('\n').length === times + 4;
    });
    t.diagnostic(`all back ${((performance.now() - doneAt) / 1000).toFixed(1)} s after it was gone`);
    assert.equal(await shop('get', 'configmap/a', '-o', 'jsonpath={.data.value}'), '1');
  });
});
