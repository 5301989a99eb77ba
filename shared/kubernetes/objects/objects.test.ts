import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom, VirtualClock } from '../../clock/mod.ts';
import { ApiError } from '../errors.ts';
import { shapeOf, shapeOfSchema } from '../fields/shapes.ts';
import type { Doc, Stored } from '../values.ts';
import { decode, type Problem } from './decode.ts';
import { Kinds } from './kinds.ts';
import { jsonPatch, mergePatch } from './patches.ts';
import { fieldSelector, labelSelector } from './selectors.ts';
import { Store } from './store.ts';
import { Writes } from './writes.ts';

const object = (name: string, labels: Record<string, string> = {}, more: Doc = {}): Stored => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default', uid: name, resourceVersion: '1', creationTimestamp: '', labels },
  ...more,
});
const refuses = (code: number, work: () => unknown): void =>
  assert.throws(work, (error) => (error instanceof ApiError && error.code === code) || assert.fail(String(error)));

const labelRows: readonly [selector: string, names: string][] = [
  ['', 'abc'],
  ['tier=one', 'a'],
  ['tier==one', 'a'],
  ['tier!=one', 'bc'],
  ['tier in (one, two)', 'ab'],
  ['tier notin (one)', 'bc'],
  ['tier', 'ab'],
  ['!tier', 'c'],
  ['x=y,tier=one', ''],
  ['tier in (one),tier', 'a'],
];
for (const [selector, names] of labelRows)
  test(`label selector "${selector}"`, () => {
    const all = [object('a', { tier: 'one' }), object('b', { tier: 'two' }), object('c')];
    assert.equal(
      all
        .filter(labelSelector(selector))
        .map(({ metadata }) => metadata.name)
        .join(''),
      names,
    );
  });

test('selectors that are none, and fields that nobody selects on, are refused', () => {
  for (const text of ['a b', 'a=b=c', '!a=b', 'a in b']) refuses(400, () => labelSelector(text));
  refuses(400, () => fieldSelector('spec.x=1', 'ConfigMap'));
  refuses(400, () => fieldSelector('metadata.name', 'ConfigMap'));
  assert.ok(fieldSelector('metadata.name=a,metadata.namespace!=b', 'ConfigMap')(object('a')));
  assert.ok(fieldSelector('spec.nodeName=one', 'Pod')(object('a', {}, { spec: { nodeName: 'one' } })));
});

const mergeRows: readonly [target: unknown, patch: unknown, result: unknown][] = [
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  ['x', { a: { b: null } }, { a: {} }],
];
for (const [target, patch, result] of mergeRows)
  test(`merge patch ${JSON.stringify(patch)}`, () => assert.deepEqual(mergePatch(target, patch), result));

const jsonRows: readonly [operations: readonly Doc[], result: unknown][] = [
  [[{ op: 'add', path: '/a', value: 1 }], { a: 1, list: [1, 2], 'x/y': 0 }],
  [[{ op: 'add', path: '/list/1', value: 9 }], { list: [1, 9, 2], 'x/y': 0 }],
  [[{ op: 'add', path: '/list/-', value: 9 }], { list: [1, 2, 9], 'x/y': 0 }],
  [[{ op: 'remove', path: '/list/0' }], { list: [2], 'x/y': 0 }],
  [[{ op: 'replace', path: '/x~1y', value: 5 }], { list: [1, 2], 'x/y': 5 }],
  [[{ op: 'move', from: '/x~1y', path: '/z' }], { list: [1, 2], z: 0 }],
  [[{ op: 'copy', from: '/list', path: '/z' }], { list: [1, 2], 'x/y': 0, z: [1, 2] }],
  [[{ op: 'test', path: '/list/0', value: 1 }], { list: [1, 2], 'x/y': 0 }],
  [[{ op: 'add', path: '', value: { a: 1 } }], { a: 1 }],
  [
    [
      { op: 'replace', path: '/list/1', value: [3] },
      { op: 'add', path: '/list/1/0', value: 4 },
    ],
    { list: [1, [4, 3]], 'x/y': 0 },
  ],
  [
    [
      { op: 'copy', from: '/list', path: '/z' },
      { op: 'add', path: '/z/0', value: 9 },
    ],
    { list: [1, 2], 'x/y': 0, z: [9, 1, 2] },
  ],
];
for (const [operations, result] of jsonRows)
  test(`JSON patch ${JSON.stringify(operations)}`, () => assert.deepEqual(jsonPatch({ list: [1, 2], 'x/y': 0 }, operations), result));

for (const operation of [
  { op: 'test', path: '/a', value: 1 },
  { op: 'remove', path: '/a' },
  { op: 'replace', path: '/a', value: 1 },
  { op: 'add', path: '/a/b', value: 1 },
  { op: 'add', path: '/list/9', value: 1 },
  { op: 'add', path: 'a', value: 1 },
  { op: 'remove', path: '/list/length' },
  { op: 'remove', path: '/list/01' },
  { op: 'remove', path: '/constructor' },
  { op: 'add', path: '/list/x', value: 1 },
  { op: 'copy', from: '/nothing', path: '/a' },
  { op: 'move', from: '/list', path: '/list/0' },
  { op: 'dance', path: '/a' },
])
  test(`JSON patch that cannot be done: ${JSON.stringify(operation)}`, () => {
    assert.throws(() => jsonPatch({ list: [1] }, [operation]));
  });

test('unknown fields go, empty ones too, defaults come; what is wrong is told with its path', () => {
  const shape = shapeOf('apps.v1.Deployment');
  const found: Problem[] = [];
  const strategy = { type: 'Recreate' };
  const containers = [{ name: 'a', image: 'x', ports: [{ containerPort: 1 }, { containerPort: 1 }] }];
  const template = { metadata: { labels: {} }, spec: { containers, hostname: 5 } };
  const kept = decode(shape, { spec: { strategy, nobody: 1, template, selector: {} }, x: 1 }, found) as { spec: Doc };
  assert.deepEqual([kept.spec['replicas'], kept.spec['strategy'], kept.spec['nobody']], [1, strategy, undefined]);
  assert.deepEqual(
    found.map(({ what, path }) => `${what} ${path}`),
    ['unknown spec.nobody', 'twice spec.template.spec.containers[0].ports', 'misfit spec.template.spec.hostname', 'unknown x'],
  );
  decode(shape, { spec: { template: { spec: { containers: [{}] } } } }, found.splice(0) && found);
  assert.deepEqual(
    found.map(({ path }) => path),
    ['spec.selector', 'spec.template.spec.containers[0].name', 'spec.template.spec.containers[0].image'],
  );
});

const pulls: readonly (readonly [image: string, policy: string])[] = [
  ['web', 'Always'],
  ['web:latest', 'Always'],
  ['host:5000/a/web', 'Always'],
  ['host:5000/a/web:latest', 'Always'],
  ['web:1', 'IfNotPresent'],
  ['host:5000/a/web:1', 'IfNotPresent'],
  ['web@sha256:0123', 'IfNotPresent'],
];
for (const [image, policy] of pulls)
  test(`an image ${image} is pulled ${policy}`, () => {
    const { imagePullPolicy } = decode(shapeOf('core.v1.Container'), { name: 'a', image }, []) as Doc;
    assert.equal(imagePullPolicy, policy);
    assert.deepEqual(decode(shapeOf('core.v1.Container'), { image, imagePullPolicy: 'Never' }, []), {
      ...(decode(shapeOf('core.v1.Container'), { image }, []) as Doc),
      imagePullPolicy: 'Never',
    });
  });

test('a schema prunes, keeps what it is told to keep, and fills in defaults', () => {
  const spec = {
    type: 'object',
    properties: { size: { type: 'integer', default: 3 }, free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
  };
  const shape = shapeOfSchema({ type: 'object', properties: { spec } }, true);
  const found: Problem[] = [];
  assert.deepEqual(decode(shape, { spec: { free: { a: [1] }, other: 1 } }, found), { spec: { free: { a: [1] }, size: 3 } });
  assert.deepEqual(found, [{ what: 'unknown', path: 'spec.other', text: 'field not declared in schema' }]);
});

test('a store tells what happened after a version, until that is too long ago', () => {
  const store = new Store([], 10);
  store.put('/configmaps', object('a'));
  store.put('/configmaps', { ...object('a'), data: { x: '1' } });
  store.remove('/configmaps', store.get('/configmaps', 'default', 'a') ?? assert.fail());
  assert.deepEqual(store.list('/configmaps'), []);
  assert.deepEqual(
    store.since(11).map(({ version, before, after }) => [version, before?.['data'], after?.['data']]),
    [
      [12, undefined, { x: '1' }],
      [13, { x: '1' }, undefined],
    ],
  );
  for (let n = 0; n < 5_000; n += 1) store.put('/configmaps', object('b'));
  assert.ok(store.oldestVersion > 13);
  assert.equal(store.since(store.oldestVersion)[0]?.version, store.oldestVersion + 1);
});

function writes(): Writes {
  const home = {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { ...object('default').metadata, namespace: undefined as unknown as string },
  };
  return new Writes(new Store([['/namespaces', home]], 1), new Kinds(), new VirtualClock(), seededRandom(1));
}
const at = (all: Writes, kind: string, name: string) => ({ kind: all.kinds.own(kind), namespace: 'default', name, manager: 'test' });

test('a dry run says what would be and writes nothing', () => {
  const all = writes();
  const { version } = all.store;
  all.create({ ...at(all, 'ConfigMap', ''), dryRun: true }, { metadata: { name: 'a' }, data: { x: '1' } });
  assert.equal(
    all.write('apply', { ...at(all, 'ConfigMap', 'a'), dryRun: true }, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } })
      .created,
    true,
  );
  assert.equal(all.store.version, version);
});

test('an update of another version, to another name or of nothing is refused', () => {
  const all = writes();
  const made = all.create(at(all, 'ConfigMap', ''), { metadata: { name: 'a' } });
  all.update(at(all, 'ConfigMap', 'a'), { ...made, data: { x: '1' } });
  refuses(409, () => all.update(at(all, 'ConfigMap', 'a'), { ...made, data: { x: '2' } }));
  refuses(404, () => all.update(at(all, 'ConfigMap', 'b'), { metadata: { name: 'b' } }));
  all.create(at(all, 'ConfigMap', ''), { metadata: { name: 'b' } });
  refuses(400, () => all.update(at(all, 'ConfigMap', 'b'), made));
  refuses(409, () => all.create(at(all, 'ConfigMap', ''), { metadata: { name: 'a' } }));
  refuses(404, () => all.create({ ...at(all, 'ConfigMap', ''), namespace: 'nowhere' }, { metadata: { name: 'a' } }));
});

test('an update that changes nothing is no write', () => {
  const all = writes();
  const made = all.create(at(all, 'ConfigMap', ''), { metadata: { name: 'a' }, data: { x: '1' } });
  assert.equal(all.update(at(all, 'ConfigMap', 'a'), made).metadata.resourceVersion, made.metadata.resourceVersion);
});

test('generation counts changes of what is wanted; the status is written by its own door only', () => {
  const all = writes();
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'web', image: 'x' }] } };
  const made = all.create(at(all, 'Deployment', ''), {
    metadata: { name: 'd' },
    spec: { selector: { matchLabels: { a: 'b' } }, template },
    status: { replicas: 5 },
  });
  assert.deepEqual([made.metadata.generation, made['status']], [1, {}]);
  const reported = all.update({ ...at(all, 'Deployment', 'd'), subresource: 'status' }, { ...made, spec: {}, status: { replicas: 5 } });
  assert.deepEqual([reported.metadata.generation, reported['status'], reported['spec']], [1, { replicas: 5 }, made['spec']]);
  const labelled = all.write('merge', at(all, 'Deployment', 'd'), { metadata: { labels: { x: 'y' } }, status: { replicas: 9 } }).object;
  assert.deepEqual([labelled.metadata.generation, labelled['status']], [1, { replicas: 5 }]);
  assert.equal(all.write('merge', at(all, 'Deployment', 'd'), { spec: { replicas: 3 } }).object.metadata.generation, 2);
  refuses(422, () => all.write('merge', at(all, 'Deployment', 'd'), { spec: { selector: { matchLabels: { a: 'c' } } } }));
});

test('what has a finalizer dies only when it is taken off', () => {
  const all = writes();
  all.create(at(all, 'ConfigMap', ''), { metadata: { name: 'a', finalizers: ['x/y'] } });
  assert.ok(all.delete(all.kinds.own('ConfigMap'), 'default', 'a', {})?.metadata.deletionTimestamp);
  all.write('json', at(all, 'ConfigMap', 'a'), [{ op: 'remove', path: '/metadata/finalizers' }]);
  refuses(404, () => all.get(all.kinds.own('ConfigMap'), 'default', 'a'));
});

test('the namespaces of the cluster itself cannot be deleted', () => {
  const all = writes();
  const namespaces = all.kinds.own('Namespace');
  for (const name of ['kube-system', 'kube-public'])
    all.create({ kind: namespaces, namespace: '', name: '', manager: 'test' }, { metadata: { name } });
  for (const name of ['default', 'kube-system', 'kube-public']) refuses(403, () => all.delete(namespaces, '', name, {}));
});

/** A Pod that runs on a node, so that somebody has to end it. */
function running(all: Writes, spec: Doc = {}): void {
  const containers = [{ name: 'a', image: 'x' }];
  all.create(at(all, 'Pod', ''), { metadata: { name: 'p' }, spec: { containers, nodeName: 'n', ...spec } });
}
const graces: readonly (readonly [
  spec: Doc,
  first: number | undefined,
  second: number | undefined,
  left: readonly [number, number] | undefined,
])[] = [
  [{}, undefined, undefined, [30, 30]],
  [{ terminationGracePeriodSeconds: 5 }, undefined, 9, [5, 5]],
  [{ terminationGracePeriodSeconds: 5 }, 7, undefined, [7, 7]],
  [{}, undefined, 0, undefined],
  [{}, 0, undefined, undefined],
  [{ terminationGracePeriodSeconds: 1e18 }, undefined, undefined, [31_536_000, 31_536_000]],
];
for (const [spec, first, second, left] of graces)
  test(`a Pod with ${JSON.stringify(spec)} deleted with ${first}, then with ${second}: ${left?.join(' s, then ') ?? 'gone'}`, () => {
    const all = writes();
    running(all, spec);
    const pods = all.kinds.own('Pod');
    const dying = all.delete(pods, 'default', 'p', { graceSeconds: first });
    if (!left && !dying) return;
    assert.equal(dying?.metadata['deletionGracePeriodSeconds'], left?.[0] ?? 30);
    const again = all.delete(pods, 'default', 'p', { graceSeconds: second });
    assert.equal(again?.metadata['deletionGracePeriodSeconds'], left?.[1]);
    if (again) assert.equal(again.metadata.deletionTimestamp, dying?.metadata.deletionTimestamp);
  });

test('a second delete counts for nothing, and says how what is owned is to fare', () => {
  const all = writes();
  const maps = all.kinds.own('ConfigMap');
  const pods = all.kinds.own('Pod');
  all.create(at(all, 'Pod', ''), { metadata: { name: 'p', finalizers: ['a/b'] }, spec: { containers: [{ name: 'a', image: 'x' }] } });
  const generations = [1, 2, 3].map(() => all.delete(pods, 'default', 'p', {})?.metadata.generation);
  assert.deepEqual(generations, [2, 2, 2]);
  all.create(at(all, 'ConfigMap', ''), { metadata: { name: 'm', finalizers: ['a/b'] } });
  const held = (['Foreground', 'Orphan', 'Foreground', 'Background'] as const).map(
    (propagation) => all.delete(maps, 'default', 'm', { propagation })?.metadata.finalizers,
  );
  assert.deepEqual(held, [
    ['a/b', 'foregroundDeletion'],
    ['a/b', 'orphan'],
    ['a/b', 'foregroundDeletion'],
    ['a/b', 'foregroundDeletion'],
  ]);
});
