import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Doc } from '../values.ts';
import { ApiError } from '../errors.ts';
import { applied, updated, type Write } from './managers.ts';
import { changesOf, fieldsOf, fromFieldsV1, merged, pathText, toFieldsV1, withParents } from './sets.ts';
import { shapeOf, shapeOfSchema, type Shape } from './shapes.ts';

const deployment = shapeOf('apps.v1.Deployment');
const configMap = shapeOf('core.v1.ConfigMap');
const service = shapeOf('core.v1.Service');
const now = Date.UTC(2026, 0, 1);
const by = (manager: string, operation: 'Apply' | 'Update' = 'Apply', force = false): Write => ({
  writer: { manager, operation, apiVersion: 'v1' },
  ignored: /^$/,
  now,
  force,
});
const apply = (live: Doc, document: Doc, manager: string, force = false): Doc => {
  const result = applied(configMap, live, document, by(manager, 'Apply', force));
  return result.settle(result.object);
};
const over = (shape: Shape, live: Doc, wanted: Doc): unknown => merged(shape, live, wanted, new Set());
const map = (data: Doc, metadata: Doc = {}): Doc => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', ...metadata }, data });
const nothing: Doc = { apiVersion: 'v1', kind: 'ConfigMap', metadata: {} };
const pod = (...containers: Doc[]): Doc => ({ spec: { template: { spec: { containers } } } });

test('an applier owns the leaves of its document, items of keyed lists by their keys', () => {
  const set = fieldsOf(deployment, pod({ name: 'web', image: 'x', ports: [{ containerPort: 80 }] }));
  assert.deepEqual(toFieldsV1(set), {
    'f:spec': {
      'f:template': {
        'f:spec': {
          'f:containers': {
            'k:{"name":"web"}': {
              '.': {},
              'f:image': {},
              'f:name': {},
              'f:ports': { 'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} } },
            },
          },
        },
      },
    },
  });
});

test('atomic maps and lists are one field; an empty struct is one too', () => {
  const selector = fieldsOf(deployment, { spec: { selector: { matchLabels: { a: 'b' } } } });
  assert.deepEqual([...selector].map(pathText), ['.spec.selector']);
  assert.deepEqual([...fieldsOf(service, { spec: { selector: { a: 'b' } } })].map(pathText), ['.spec.selector']);
  const empty = fieldsOf(deployment, { spec: { template: { spec: { securityContext: {} } } } });
  assert.deepEqual([...empty].map(pathText), ['.spec.template.spec.securityContext']);
});

test('paths for people', () => {
  const [, path = ''] = fieldsOf(deployment, pod({ name: 'web' }));
  assert.equal(pathText(path), '.spec.template.spec.containers[name="web"].name');
  const [finalizer = ''] = fieldsOf(configMap, { metadata: { finalizers: ['x'] } });
  assert.equal(pathText(finalizer), '.metadata.finalizers[="x"]');
});

const merges: readonly [name: string, live: readonly string[], wanted: readonly string[], result: readonly string[]][] = [
  ['what only the live one has keeps its place', ['a', 'b', 'c'], ['a', 'c'], ['a', 'b', 'c']],
  ['the wanted order wins', ['a', 'b'], ['b', 'a'], ['b', 'a']],
  ['new ones go where they are wanted', ['a', 'b'], ['a', 'x', 'b'], ['a', 'x', 'b']],
  ['into nothing', [], ['a'], ['a']],
  ['nothing into something', ['a'], [], ['a']],
];
for (const [name, live, wanted, result] of merges)
  test(`merging keyed lists: ${name}`, () => {
    const list = (names: readonly string[]): Doc => pod(...names.map((one) => ({ name: one })));
    assert.deepEqual(over(deployment, list(live), list(wanted)), list(result));
  });

test('merging is idempotent, and holds everything that was wanted', () => {
  const values = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.string());
  fc.assert(
    fc.property(values, values, (live, wanted) => {
      const once = over(configMap, map(live), map(wanted)) as { data: Doc };
      assert.deepEqual(over(configMap, once, map(wanted)), once);
      assert.deepEqual({ ...once.data, ...wanted }, once.data);
    }),
  );
});

test('sets survive being written and read', () => {
  const documents = fc.record({ data: fc.dictionary(fc.stringMatching(/^[a-z.]{1,6}$/), fc.string()), immutable: fc.boolean() });
  fc.assert(
    fc.property(documents, (document) => {
      const set = fieldsOf(configMap, document);
      assert.deepEqual(new Set(fromFieldsV1(toFieldsV1(set))), set);
    }),
  );
});

test('what differs is touched or removed, containers that are new included', () => {
  const { touched, removed } = changesOf(configMap, map({ x: '1', y: '2' }), map({ x: '3', z: '4' }, { labels: { a: 'b' } }));
  assert.deepEqual([...touched].map(pathText).sort(), ['.data.x', '.data.z', '.metadata.labels', '.metadata.labels.a']);
  assert.deepEqual([...removed].map(pathText), ['.data.y']);
});

test('what takes the place of null is no change of its own', () => {
  const { touched } = changesOf(configMap, { data: null }, { data: { x: '1' } });
  assert.deepEqual([...touched].map(pathText), ['.data.x']);
});

test('a struct that its applier no longer sends goes with the defaults in it', () => {
  const probe = (fields: Doc): Doc => pod({ name: 'a', livenessProbe: fields });
  const gone = withParents(fieldsOf(deployment, probe({ periodSeconds: 5 })));
  const left = withParents(fieldsOf(deployment, pod({ name: 'a' })));
  const dropped = new Set([...gone].filter((path) => !left.has(path)));
  assert.deepEqual(merged(deployment, probe({ periodSeconds: 5, timeoutSeconds: 1 }), pod({ name: 'a' }), dropped), pod({ name: 'a' }));
});

test('who owned all of a struct owned the struct; an item of a list is owned by its key alone', () => {
  const set = withParents(fieldsOf(deployment, { spec: { strategy: { rollingUpdate: { maxSurge: 1 } } } }));
  assert.deepEqual([...set].map(pathText).includes('.spec.strategy.rollingUpdate'), true);
  assert.ok(
    ![...withParents(fieldsOf(deployment, pod({ image: 'x' })))].map(pathText).includes('.spec.template.spec.containers[name="web"]'),
  );
});

test('a field that its only applier no longer sends goes; one that another sends too stays', () => {
  const one = apply(nothing, map({ x: '1', y: '1' }), 'a');
  const two = apply(one, map({ y: '1' }), 'b');
  const three = apply(two, map({}), 'a');
  assert.deepEqual(three['data'], { y: '1' });
  assert.deepEqual(apply(three, { ...nothing, metadata: { name: 'a' } }, 'b')['data'], undefined);
});

test('another value for a field of somebody else is a conflict that names both, until forced', () => {
  const live = apply(nothing, map({ x: '1' }), 'a');
  assert.throws(
    () => apply(live, map({ x: '2' }), 'b'),
    (error) => {
      assert.ok(error instanceof ApiError && error.code === 409);
      assert.equal(error.message, 'Apply failed with 1 conflict: conflict with "a": .data.x');
      assert.deepEqual(error.status['details'], {
        causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "a"', field: '.data.x' }],
      });
      return true;
    },
  );
  const forced = apply(live, map({ x: '2' }), 'b', true);
  assert.deepEqual(forced['data'], { x: '2' });
  const managers = (forced['metadata'] as { managedFields: { manager: string }[] }).managedFields.map(({ manager }) => manager);
  assert.deepEqual(managers, ['b']);
});

test('the same apply again changes nothing, times included', () => {
  const live = apply(nothing, map({ x: '1' }), 'a');
  const again = applied(configMap, live, map({ x: '1' }), { ...by('a'), now: now + 5_000 });
  assert.deepEqual(again.settle(again.object), live);
});

const timesOf = (object: Doc): readonly string[] =>
  (object['metadata'] as { managedFields: { manager: string; time: string }[] }).managedFields.map(
    ({ manager, time }) => `${manager} ${Date.parse(time) - Math.floor(now / 1000) * 1000}`,
  );

test('who writes has written now, with the same fields too; who loses some keeps his time', () => {
  const later = (manager: string, ms: number, operation: 'Apply' | 'Update' = 'Apply') => ({
    ...by(manager, operation),
    now: now + ms,
    force: true,
  });
  const first = apply(nothing, map({ x: '1', y: '1' }), 'a');
  const second = applied(configMap, first, map({ x: '2', y: '1' }), later('a', 5_000));
  const changed = second.settle(second.object);
  assert.deepEqual(timesOf(changed), ['a 5000'], 'another value, the same fields');
  const third = applied(configMap, changed, map({ x: '3' }), later('b', 9_000));
  const taken = third.settle(third.object);
  assert.deepEqual(timesOf(taken), ['a 5000', 'b 9000']);
  const fourth = applied(configMap, taken, map({ x: '3' }), later('c', 12_000));
  const shared = fourth.settle(fourth.object);
  assert.deepEqual(timesOf(shared), ['c NaN', 'a 5000', 'b 9000'], 'who applies what is there already has changed nothing');
  const put = updated(configMap, shared, { ...shared, data: { x: '3', y: '1' } }, later('d', 15_000, 'Update'));
  assert.deepEqual(timesOf(put), timesOf(shared), 'who changes nothing has not written');
});

test('an update takes over what it changes and nothing else', () => {
  const live = apply(nothing, map({ x: '1', y: '1' }), 'a');
  const next = updated(configMap, live, { ...live, data: { x: '2', y: '1' } }, by('b', 'Update'));
  const fields = (next['metadata'] as { managedFields: { manager: string; fieldsV1: Doc }[] }).managedFields;
  assert.deepEqual(
    fields.map(({ manager, fieldsV1 }) => [manager, fieldsV1]),
    [
      ['a', { 'f:data': { 'f:y': {} } }],
      ['b', { 'f:data': { 'f:x': {} } }],
    ],
  );
});

test('an empty list of managers clears them, as kubectl asks for', () => {
  const live = apply(nothing, map({ x: '1' }), 'a');
  const cleared = updated(configMap, live, { ...live, metadata: { name: 'a', managedFields: [{}] } }, by('b', 'Update'));
  assert.equal((cleared['metadata'] as Doc)['managedFields'], undefined);
});

test('fields are taken away with the item that they were all of', () => {
  const live = pod({ name: 'a', image: 'x' }, { name: 'b', image: 'y' });
  const gone = fieldsOf(deployment, pod({ name: 'b', image: 'y' }));
  assert.deepEqual(merged(deployment, live, pod({ name: 'a' }), gone), pod({ name: 'a', image: 'x' }));
});

test('a custom kind is merged as its schema says', () => {
  const items = { type: 'object', properties: { name: { type: 'string' }, size: { type: 'integer' } } };
  const list = { type: 'array', items, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] };
  const shape = shapeOfSchema({ type: 'object', properties: { spec: { type: 'object', properties: { parts: list } } } }, true);
  const parts = (...all: Doc[]): Doc => ({ spec: { parts: all } });
  assert.deepEqual(over(shape, parts({ name: 'a', size: 1 }), parts({ name: 'b' })), parts({ name: 'a', size: 1 }, { name: 'b' }));
  assert.deepEqual([...fieldsOf(shape, parts({ name: 'b' }))].map(pathText), ['.spec.parts[name="b"]', '.spec.parts[name="b"].name']);
});
