import assert from 'node:assert/strict';
import test from 'node:test';
import { decodeDesired } from '#proto/mod.ts';
import { digestOf, sha256 } from '#shared/kernel/mod.ts';
import { compose, type Composition, type Placed } from './compose.ts';

const placed = (uid: string, more: Partial<Placed> = {}): Placed => ({
  uid,
  tenant: 'acme',
  app: 'web',
  environment: 'dev',
  mode: 'Enforce',
  revision: digestOf(`revision ${uid}`),
  indexDigest: digestOf('index'),
  repository: '127.0.0.1:5000/acme/web',
  variantDigest: digestOf('variant'),
  layerHash: digestOf('layer'),
  inputs: Buffer.from('{}'),
  rollout: 'r1',
  traceparent: '',
  ...more,
});
const first: Composition = {
  fleetId: 'tfleet',
  clusterUid: 'ca',
  clusterName: 'a',
  epoch: 1,
  keysetVersion: 1,
  previous: undefined,
  history: [],
  placements: [placed('p2'), placed('p1')],
};
const must = (from: Composition): NonNullable<ReturnType<typeof compose>> => {
  const composed = compose(from);
  assert.ok(composed);
  return composed;
};
/** The composition after `from` was dispatched. */
const after = (from: Composition, more: Partial<Composition> = {}): Composition => {
  const { fence, payload, hash } = must(from);
  return { ...from, previous: { fence, payload }, history: [{ generation: fence.generation, hash }, ...from.history], ...more };
};

test('the whole of what a cluster should run, sorted, as generation 1', () => {
  const { fence, payload, hash } = must(first);
  const state = decodeDesired(payload);
  assert.deepEqual(fence, { epoch: 1, generation: 1 });
  assert.deepEqual(Buffer.from(hash), Buffer.from(sha256(payload)));
  assert.deepEqual(
    state.assignments.map(({ uid }) => uid),
    ['p1', 'p2'],
  );
  assert.deepEqual([state.clusterUid, state.generation, state.ancestors, state.requires], ['ca', 1, [], []]);
  assert.deepEqual(state.assignments[0]?.cause, { rollout: 'r1', traceparent: '' });
});

test('the order of placements says nothing', () => {
  assert.equal(compose(after(first, { placements: first.placements.toReversed() })), undefined);
});

const changes: readonly [string, Partial<Composition>][] = [
  ['another revision', { placements: [placed('p1'), placed('p2', { revision: digestOf('new') })] }],
  ['another mode', { placements: [placed('p1'), placed('p2', { mode: 'Suspended' })] }],
  ['one more', { placements: [placed('p1'), placed('p2'), placed('p3')] }],
  ['none left', { placements: [] }],
  ['another identity', { clusterUid: 'cb' }],
  ['a newer keyset', { keysetVersion: 2 }],
  ['a higher epoch', { epoch: 2 }],
];
for (const [name, more] of changes)
  test(`a new generation for: ${name}`, () => {
    const { fence } = must(after(first, more));
    assert.deepEqual(fence, { epoch: more.epoch ?? 1, generation: 2 });
  });

test('a state proves which one it follows', () => {
  const second = after(first, { placements: [placed('p1')] });
  const state = decodeDesired(must(second).payload);
  assert.deepEqual(state.ancestors, [{ generation: 1, hash: Buffer.from(must(first).hash).subarray(0, 8) }]);
});

test('at most 64 ancestors, the newest', () => {
  const history = Array.from({ length: 80 }, (_, i) => ({ generation: 80 - i, hash: sha256(String(i)) }));
  const previous = { fence: { epoch: 1, generation: 80 }, payload: must(first).payload };
  const state = decodeDesired(must({ ...first, history, previous, placements: [] }).payload);
  assert.deepEqual([state.ancestors.length, state.ancestors[0]?.generation, state.ancestors[63]?.generation], [64, 80, 17]);
});

test('the fence never falls, whatever the fleet row says', () => {
  const previous = { fence: { epoch: 3, generation: 7 }, payload: must(first).payload };
  assert.deepEqual(must({ ...first, previous, placements: [] }).fence, { epoch: 3, generation: 8 });
});

test('a cluster that never had anything is not told that it has nothing', () => {
  assert.equal(compose({ ...first, placements: [] }), undefined);
});

test('too many assignments are refused by name, never cut', () => {
  const placements = Array.from({ length: 2_001 }, (_, i) => placed(`p${i}`));
  assert.throws(() => compose({ ...first, placements }), { code: 'NOT_ENCODABLE', message: /cluster a \(2001 assignments\)/ });
});
