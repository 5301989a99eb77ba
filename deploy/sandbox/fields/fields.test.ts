import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Doc } from '../values.ts';
import { applied, updated, type Writer } from './managers.ts';
import { merged, strategic, without } from './merges.ts';
import { changesOf, fieldsOf, fromFieldsV1, pathText, toFieldsV1, withParents } from './sets.ts';
import { shapeOf, shapeOfSchema, zeroOf } from './shapes.ts';

const deployment = shapeOf('apps.v1.Deployment');
const configMap = shapeOf('core.v1.ConfigMap');
const service = shapeOf('core.v1.Service');
const now = Date.UTC(2026, 0, 1);
const by = (manager: string, operation: Writer['operation'] = 'Apply'): Writer => ({
  manager,
  operation,
  apiVersion: 'v1',
  subresource: '',
});
const apply = (live: Doc, document: Doc, manager: string, force = false): Doc => {
  const result = applied(configMap, live, document, by(manager), { force, ignored: [], now });
  assert.ok('object' in result, JSON.stringify(result));
  return result.settle(result.object);
};
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
  const [path = ''] = fieldsOf(deployment, pod({ name: 'web' }));
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
    assert.deepEqual(merged(deployment, list(live), list(wanted)), list(result));
  });

test('merging is idempotent, and holds everything that was wanted', () => {
  const values = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.string());
  fc.assert(
    fc.property(values, values, (live, wanted) => {
      const once = merged(configMap, map(live), map(wanted)) as { data: Doc };
      assert.deepEqual(merged(configMap, once, map(wanted)), once);
      assert.deepEqual({ ...once.data, ...wanted }, once.data);
    }),
  );
});

test('sets survive being written and read', () => {
  const documents = fc.record({ data: fc.dictionary(fc.stringMatching(/^[a-z.]{1,6}$/), fc.string()), immutable: fc.boolean() });
  fc.assert(
    fc.property(documents, (document) => {
      const set = fieldsOf(configMap, document);
      assert.deepEqual(fromFieldsV1(toFieldsV1(set)), set);
    }),
  );
});

test('what differs is added, changed or removed, containers of it included', () => {
  const { added, changed, removed } = changesOf(configMap, map({ x: '1', y: '2' }), map({ x: '3', z: '4' }, { labels: { a: 'b' } }));
  assert.deepEqual([...added].map(pathText), ['.metadata.labels', '.metadata.labels.a', '.data.z']);
  assert.deepEqual([...changed].map(pathText), ['.data.x']);
  assert.deepEqual([...removed].map(pathText), ['.data.y']);
});

test('who owned all of a struct owned the struct; keys of a map are no fields of their own', () => {
  const set = withParents(deployment, fieldsOf(deployment, { spec: { strategy: { rollingUpdate: { maxSurge: 1 } } } }));
  assert.ok([...set].map(pathText).includes('.spec.strategy.rollingUpdate'));
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
  const result = applied(configMap, live, map({ x: '2' }), by('b'), { force: false, ignored: [], now });
  assert.ok('conflicts' in result);
  assert.deepEqual(
    result.conflicts.map(({ writer, path }) => [writer.manager, pathText(path)]),
    [['a', '.data.x']],
  );
  const forced = apply(live, map({ x: '2' }), 'b', true);
  assert.deepEqual(forced['data'], { x: '2' });
  const managers = (forced['metadata'] as { managedFields: { manager: string }[] }).managedFields.map(({ manager }) => manager);
  assert.deepEqual(managers, ['b']);
});

test('the same apply again changes nothing, times included', () => {
  const live = apply(nothing, map({ x: '1' }), 'a');
  const again = applied(configMap, live, map({ x: '1' }), by('a'), { force: false, ignored: [], now: now + 5_000 });
  assert.ok('object' in again);
  assert.deepEqual(again.settle(again.object), live);
});

test('an update takes over what it changes and nothing else', () => {
  const live = apply(nothing, map({ x: '1', y: '1' }), 'a');
  const next = updated(configMap, live, { ...live, data: { x: '2', y: '1' } }, by('b', 'Update'), [], now);
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
  const cleared = updated(configMap, live, { ...live, metadata: { name: 'a', managedFields: [{}] } }, by('b', 'Update'), [], now);
  assert.equal((cleared['metadata'] as Doc)['managedFields'], undefined);
});

test('fields are taken away with the item that they were all of', () => {
  const live = pod({ name: 'a', image: 'x' }, { name: 'b', image: 'y' });
  const gone = fieldsOf(deployment, pod({ name: 'b', image: 'y' }));
  assert.deepEqual(without(deployment, live, gone), pod({ name: 'a', image: 'x' }));
});

test('a strategic merge patch merges lists by their key and refuses what it does not know', () => {
  const live = pod({ name: 'a', image: 'x' }, { name: 'b', image: 'y' });
  assert.deepEqual(strategic(deployment, live, pod({ name: 'b', image: 'z' })), pod({ name: 'a', image: 'x' }, { name: 'b', image: 'z' }));
  assert.deepEqual(strategic(deployment, live, pod({ name: 'b', $patch: 'delete' })), pod({ name: 'a', image: 'x' }));
  assert.throws(() => strategic(deployment, live, { spec: { $setElementOrder: [] } }), /directive/);
});

test('a custom kind is merged as its schema says', () => {
  const items = { type: 'object', properties: { name: { type: 'string' }, size: { type: 'integer' } } };
  const list = { type: 'array', items, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] };
  const shape = shapeOfSchema({ type: 'object', properties: { spec: { type: 'object', properties: { parts: list } } } }, true);
  const parts = (...all: Doc[]): Doc => ({ spec: { parts: all } });
  assert.deepEqual(merged(shape, parts({ name: 'a', size: 1 }), parts({ name: 'b' })), parts({ name: 'a', size: 1 }, { name: 'b' }));
  assert.deepEqual([...fieldsOf(shape, parts({ name: 'b' }))].map(pathText), ['.spec.parts[name="b"].name', '.spec.parts[name="b"]']);
});

test('an empty Go value shows its structs and null lists', () => {
  assert.deepEqual(zeroOf(deployment)['spec'], {
    strategy: {},
    template: { metadata: {}, spec: { containers: null } },
  });
});
