import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { systemClock } from '#shared/clock/mod.ts';
import { configMap, configMaps, kubeContract, namespaces } from '../contract.ts';
import { MemoryKube } from './mod.ts';
import { refOf, type KindInfo, type KubeObject } from '../port.ts';

const shared = new MemoryKube({ clock: systemClock });

const merged = (target: unknown, patch: Readonly<Record<string, unknown>>): Record<string, unknown> => {
  const result: Record<string, unknown> = { ...(target as Record<string, unknown>) };
  for (const [key, value] of Object.entries(patch))
    if (value === null) delete result[key];
    else result[key] = typeof value === 'object' ? merged(result[key], value as Record<string, unknown>) : value;
  return result;
};

kubeContract('memory', () => ({
  client: shared,
  interfere: async (object, patch) => void shared.put(merged(object, patch) as unknown as KubeObject),
  expire: () => shared.compact(),
}));

const signal = new AbortController().signal;

describe('troubles on order', () => {
  test('a planned fault meets the calls that fit, as often as told', async () => {
    const kube = new MemoryKube();
    kube.fail({ verb: 'get', name: 'a', code: 'FORBIDDEN', times: 2 });
    await kube.get(configMaps, 'default', 'b', signal);
    for (const _ of [1, 2]) await assert.rejects(kube.get(configMaps, 'default', 'a', signal), { code: 'FORBIDDEN' });
    assert.equal(await kube.get(configMaps, 'default', 'a', signal), undefined);
    assert.deepEqual(
      kube.requests.map(({ name, outcome }) => `${name} ${outcome}`),
      ['b OK', 'a FORBIDDEN', 'a FORBIDDEN', 'a OK'],
    );
  });

  test('a lost answer is a write all the same', async () => {
    const kube = new MemoryKube();
    kube.fail({ verb: 'create', code: 'SERVER_UNAVAILABLE', answerLost: true });
    await assert.rejects(kube.create(configMaps, configMap('default', 'a', {}), {}, signal), { code: 'SERVER_UNAVAILABLE' });
    assert.equal(kube.writes.length, 1);
    assert.ok(await kube.get(configMaps, 'default', 'a', signal));
  });

  test('a group that fails makes discovery incomplete', async () => {
    const kube = new MemoryKube();
    kube.failGroup('apps');
    const { kinds, complete, failedGroups } = await kube.discover(signal);
    assert.deepEqual([kinds.some(({ group }) => group === 'apps'), complete, failedGroups], [false, false, ['apps']]);
  });
});

test('rights are asked for by user, verb, kind and namespace; an apply that creates needs both', async () => {
  const asked: string[] = [];
  const authorize = (user: string | undefined, verb: string, { resource }: KindInfo, namespace: string): boolean => {
    asked.push(`${user ?? 'spoke'} ${verb} ${resource} ${namespace}`);
    return user === undefined || namespace === 'mine';
  };
  const kube = new MemoryKube({ authorize });
  for (const name of ['mine', 'others']) kube.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  await kube.apply(configMaps, configMap('mine', 'a', {}), { as: 'shop' }, signal);
  await kube.apply(configMaps, configMap('mine', 'a', { x: '1' }), { as: 'shop' }, signal);
  await assert.rejects(kube.apply(configMaps, configMap('others', 'a', {}), { as: 'shop' }, signal), { code: 'FORBIDDEN' });
  assert.deepEqual(asked, [
    'shop patch configmaps mine',
    'shop create configmaps mine',
    'shop patch configmaps mine',
    'shop patch configmaps others',
  ]);
});

test('a namespace takes what is in it along, and waits for what is held', async () => {
  const kube = new MemoryKube();
  const home = kube.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'home' } });
  kube.put(configMap('home', 'free', {}));
  const held = configMap('home', 'held', {});
  const holding = kube.put({ ...held, metadata: { ...held.metadata, finalizers: ['a/b'] } });
  await kube.delete(namespaces, refOf(home), { uid: home.metadata.uid ?? '' }, signal);
  assert.equal(await kube.get(configMaps, 'home', 'free', signal), undefined);
  assert.ok((await kube.get(namespaces, '', 'home', signal))?.metadata.deletionTimestamp);
  kube.put({ ...holding, metadata: { ...holding.metadata, finalizers: [] } });
  assert.equal(await kube.get(configMaps, 'home', 'held', signal), undefined);
  assert.equal(await kube.get(namespaces, '', 'home', signal), undefined);
});

test('what somebody changes stops being ours, and managedFields say so', async () => {
  const kube = new MemoryKube();
  const applied = await kube.apply(configMaps, configMap('default', 'a', { x: '1', y: '2' }), {}, signal);
  const changed = kube.put({ ...applied, data: { x: 'theirs', y: '2' } }, 'somebody');
  assert.deepEqual(
    (changed.metadata['managedFields'] as { manager: string; operation: string; fieldsV1: unknown }[]).map((entry) => [
      entry.manager,
      entry.operation,
      entry.fieldsV1,
    ]),
    [
      ['wheelhouse', 'Apply', { 'f:data': { 'f:y': {} }, 'f:metadata': { 'f:labels': {} } }],
      ['somebody', 'Update', { 'f:data': { 'f:x': {} } }],
    ],
  );
});

test('what is handed out is a copy', async () => {
  const kube = new MemoryKube();
  const created = await kube.create(configMaps, configMap('default', 'a', { x: '1' }), {}, signal);
  (created['data'] as Record<string, string>)['x'] = 'changed';
  assert.deepEqual((await kube.get(configMaps, 'default', 'a', signal))?.['data'], { x: '1' });
});
