import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { KubeObject } from '../kube/mod.ts';
import { makerOf, takenOf } from './comparisons.ts';
import { ourPaths, pathText, valueAt } from './fields.ts';

interface Row {
  readonly manager: string;
  readonly operation: string;
  readonly subresource?: string;
  readonly time?: string;
  readonly fieldsV1: unknown;
}
const ours = (fieldsV1: unknown): Row => ({ manager: 'wheelhouse', operation: 'Apply', time: '2026-01-01T00:00:00Z', fieldsV1 });
const object = (...managedFields: readonly Row[]): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', managedFields },
});

const web = { '.': {}, 'f:image': {}, 'f:name': {}, 'f:env': { 'k:{"name":"A"}': { '.': {}, 'f:name': {}, 'f:value': {} } } };
const spec = { 'f:spec': { 'f:replicas': {}, 'f:template': { 'f:spec': { 'f:containers': { 'k:{"name":"web"}': web } } } } };
const all = object(ours(spec));
const unscaled = ours({ 'f:spec': { 'f:template': spec['f:spec']['f:template'] } });
const containerless = ours({ 'f:spec': { 'f:replicas': {} } });
const scale: Row = {
  manager: 'kubectl',
  operation: 'Update',
  subresource: 'scale',
  time: '2026-03-01T10:00:00Z',
  fieldsV1: { 'f:spec': { 'f:replicas': {} } },
};
const status: Row = { manager: 'kube-controller-manager', operation: 'Update', subresource: 'status', fieldsV1: { 'f:status': {} } };

test('a field that somebody set is named with who, how, through what and when', () => {
  assert.deepEqual(takenOf(object(unscaled, scale, status), all), {
    fields: ['.spec.replicas'],
    more: 0,
    by: { manager: 'kubectl', operation: 'Update', subresource: 'scale', atMs: Date.parse('2026-03-01T10:00:00Z') },
  });
});

test('a field that is gone is named, and nobody: that is not recorded, even if others manage something', () => {
  const { fields, by } = takenOf(object(unscaled, { ...scale, fieldsV1: { 'f:spec': { 'f:paused': {} } } }), all);
  assert.deepEqual([fields, by], [['.spec.replicas'], undefined]);
});

const deployment = (replicas: number, image: string, value: string, more: object = {}): KubeObject => ({
  ...all,
  spec: { replicas, template: { spec: { containers: [{ name: 'web', image, env: [{ name: 'A', value }], ...more }] } } },
});
const borrowed = { manager: 'wheelhouse', operation: 'Apply', subresource: '', atMs: Date.parse('2026-01-01T00:00:00Z') };
const image = '.spec.template.spec.containers[name="web"].image';
const env = '.spec.template.spec.containers[name="web"].env[name="A"].value';
const underOurName: readonly (readonly [what: string, before: KubeObject, fields: readonly string[]])[] = [
  ['one value', deployment(3, 'a', '1'), ['.spec.replicas']],
  ['values within items', deployment(1, 'evil', '2'), [env, image]],
  ['a field beside ours', deployment(1, 'a', '1', { tty: true }), []],
];
for (const [what, before, fields] of underOurName)
  test(`somebody who applied ${what} under our own name is named by that, with the fields whose values differ`, () => {
    assert.deepEqual(takenOf(before, deployment(1, 'a', '1')), { fields: [...fields].sort(), more: 0, by: borrowed });
  });

test('values of every kind of step are found, and what is no such thing has none', () => {
  const object = { ...all, spec: { ports: [{ port: 80, name: 'http' }], words: ['a', 'b'] } };
  const valueOf = (...steps: readonly string[]): unknown => valueAt(object, JSON.stringify(steps));
  assert.equal(valueOf('f:spec', 'f:ports', 'k:{"port":80}', 'f:name'), 'http');
  assert.equal(valueOf('f:spec', 'f:words', 'v:"b"'), 'b');
  assert.equal(valueOf('f:spec', 'f:words', 'i:0'), 'a');
  for (const odd of [
    ['f:spec', 'f:words', 'k:{'],
    ['f:spec', 'f:words', 'k:{"name":"a"}'],
    ['f:spec', 'f:words', 'f:length', 'f:x'],
    ['f:spec', 'f:toString'],
    ['f:nothing', 'f:deeper'],
    ['f:kind', 'i:0'],
    ['f:spec', 'v:"b"'],
  ])
    assert.equal(valueOf(...odd), undefined, odd.join());
});

test('an item of a list that was taken whole is named once', () => {
  assert.deepEqual(takenOf(object(containerless), all).fields, ['.spec.template.spec.containers[name="web"]']);
});

test('of several who share what was taken, the latest is named; who has something else is not', () => {
  const early = { ...scale, manager: 'early', time: '2026-02-01T00:00:00Z' };
  const other = { ...scale, manager: 'other', time: '2026-09-01T00:00:00Z', fieldsV1: { 'f:spec': { 'f:paused': {} } } };
  assert.equal(takenOf(object(scale, early, other, unscaled), all).by?.manager, 'kubectl');
});

test('an entry without a readable time, name or tree breaks nothing', () => {
  const odd = [null, 7, { manager: 5 }, { ...scale, time: 'soon' }, { ...scale, manager: '', time: undefined }] as unknown as Row[];
  assert.equal(takenOf(object(unscaled, ...odd), all).by?.manager, 'kubectl');
  assert.equal(takenOf(object(unscaled, { ...scale, manager: '' }), all).by, undefined);
  assert.deepEqual(takenOf({ ...all, metadata: { name: 'web', managedFields: 'x' } }, { ...all, metadata: { name: 'web' } }).fields, []);
});

test('what is named is bounded: five fields, cut where they are long, the rest counted', () => {
  const many = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`f:key-${String(i).padStart(2, '0')}-${'x'.repeat(300)}`, {}]));
  const taken = takenOf(object(), object(ours({ 'f:data': many })));
  assert.deepEqual([taken.fields.length, taken.more], [5, 7]);
  for (const field of taken.fields) assert.equal(field.length, 160);
  const longName = { ...scale, manager: 'm'.repeat(500) };
  assert.equal(takenOf(object(unscaled, longName), all).by?.manager.length, 128);
});

test('what a terminal would obey is not passed on', () => {
  const odd = object(ours({ 'f:data': { 'f:a\u001b[31mb\u0007ü': {} } }));
  const { fields, by } = takenOf(
    object({ ...scale, manager: 'x\u001b]0;y\u0007', fieldsV1: { 'f:data': { 'f:a\u001b[31mb\u0007ü': {} } } }),
    odd,
  );
  assert.deepEqual([fields, by?.manager], [['.data.a?[31mb??'], 'x?]0;y?']);
});

const pathRows: readonly (readonly [steps: readonly string[], text: string])[] = [
  [['f:spec', 'f:replicas'], '.spec.replicas'],
  [['f:metadata', 'f:labels', 'f:app.kubernetes.io/name'], '.metadata.labels.app.kubernetes.io/name'],
  [['f:spec', 'f:ports', 'k:{"port":80,"protocol":"TCP"}', 'f:targetPort'], '.spec.ports[port=80,protocol="TCP"].targetPort'],
  [['f:spec', 'f:tokens', 'k:{"token":"s3cret"}', 'f:ttl'], '.spec.tokens[token=…].ttl'],
  [['f:spec', 'f:secrets', 'v:"s3cret"'], '.spec.secrets[=…]'],
  [['f:spec', 'f:rules', 'i:3'], '.spec.rules[3]'],
  [['f:spec', 'k:{broken'], '.spec[…]'],
];
for (const [steps, text] of pathRows) test(`a path reads ${text}`, () => assert.equal(pathText(JSON.stringify(steps)), text));

test('who made an object is known when only one has written to it', () => {
  const create = { ...scale, manager: 'kubectl-create', subresource: '' };
  assert.equal(makerOf(object(create, status))?.manager, 'kubectl-create');
  assert.equal(makerOf(object(create, { ...create, manager: 'helm' })), undefined);
  assert.equal(makerOf(object(status)), undefined);
});

// The law: whatever is taken is exactly what is named, and of what was not taken nothing is.
const name = fc.constantFrom('a', 'b', 'c', 'd');
const leaf = fc.tuple(name, name, name).map((steps) => JSON.stringify(steps.map((step) => `f:${step}`)));
const treeOf = (paths: readonly string[]): unknown => {
  const root: Record<string, unknown> = {};
  for (const path of paths) {
    let node = root;
    for (const step of JSON.parse(path) as string[]) node = (node[step] ??= {}) as Record<string, unknown>;
  }
  return root;
};

test('exactly the lost fields are named', () => {
  fc.assert(
    fc.property(fc.uniqueArray(leaf, { maxLength: 30 }), fc.func(fc.boolean()), (paths, isKept) => {
      const kept = paths.filter((path) => isKept(path));
      const lost = paths.filter((path) => !isKept(path)).map(pathText);
      const { fields, more } = takenOf(object(ours(treeOf(kept))), object(ours(treeOf(paths))));
      assert.deepEqual(fields, lost.toSorted().slice(0, 5));
      assert.equal(fields.length + more, lost.length);
    }),
  );
});

test('every leaf of a tree is a path, and only those', () => {
  fc.assert(
    fc.property(fc.uniqueArray(leaf, { maxLength: 30 }), (paths) => {
      assert.deepEqual([...ourPaths(object(ours(treeOf(paths))))].sort(), [...paths].sort());
    }),
  );
});

test('no tree is too deep or too odd', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 80 }), fc.json(), (before, after) => {
      const taken = takenOf(object(ours(JSON.parse(before))), object(ours(JSON.parse(after))));
      assert.ok(taken.fields.length <= 5);
    }),
  );
});
