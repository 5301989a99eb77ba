import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PlanError } from './model.ts';
import { objectsOf } from './objects.ts';

const files = (entries: Readonly<Record<string, string | Uint8Array>>): Map<string, Uint8Array> =>
  new Map(Object.entries(entries).map(([path, text]) => [path, typeof text === 'string' ? Buffer.from(text) : text]));
const problems = (entries: Readonly<Record<string, string | Uint8Array>>): readonly string[] => {
  try {
    objectsOf(files(entries));
  } catch (error) {
    assert.ok(error instanceof PlanError && error.code === 'MALFORMED', String(error));
    return error.problems;
  }
  return assert.fail('nothing was refused');
};
const map = (name: string, more = ''): string => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n${more}`;

test('objects come in the order of paths and documents; other files are passed over', () => {
  const found = objectsOf(
    files({
      'b.yml': map('c'),
      'a.yaml': `${map('a')}---\n${map('b')}`,
      'c.json': '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"d"}}',
      'README.md': '{{',
    }),
  );
  assert.deepEqual(
    found.map(({ metadata }) => metadata.name),
    ['a', 'b', 'c', 'd'],
  );
});

test('a List is what is in it', () => {
  const item = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"NAME"}}';
  const list = `{"apiVersion":"v1","kind":"List","items":[${item.replace('NAME', 'a')},{"apiVersion":"v1","kind":"ConfigMapList","items":[${item.replace('NAME', 'b')}]}]}`;
  assert.deepEqual(
    objectsOf(files({ 'a.yaml': list })).map(({ metadata }) => metadata.name),
    ['a', 'b'],
  );
});

test('fields that nobody here knows survive', () => {
  const [object] = objectsOf(files({ 'a.yaml': map('a', 'fromTheFuture: {x: [1, {z: w}]}') }));
  assert.deepEqual(object?.['fromTheFuture'], { x: [1, { z: 'w' }] });
});

const refused: readonly (readonly [what: string, entries: Readonly<Record<string, string | Uint8Array>>, message: RegExp])[] = [
  ['nothing at all', { 'README.md': 'x' }, /no objects/],
  ['only comments', { 'a.yaml': '# nothing' }, /no objects/],
  ['only a kustomization', { 'kustomization.yaml': 'resources: [x.yaml]' }, /render it before/],
  ['no apiVersion', { 'a.yaml': 'kind: ConfigMap\nmetadata: {name: a}' }, /^a\.yaml:1:1: apiVersion is missing/],
  ['a path for an apiVersion', { 'a.yaml': 'apiVersion: ../v1\nkind: A\nmetadata: {name: a}' }, /apiVersion/],
  ['no kind', { 'a.yaml': 'apiVersion: v1\nmetadata: {name: a}' }, /kind is missing/],
  ['no name', { 'a.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {}' }, /metadata\.name is missing/],
  ['generateName', { 'a.yaml': 'apiVersion: v1\nkind: Pod\nmetadata: {generateName: x-}' }, /generateName/],
  ['no metadata', { 'a.yaml': 'apiVersion: v1\nkind: ConfigMap' }, /metadata is missing/],
  ['a path for a name', { 'a.yaml': map('../../secrets/x') }, /not a name/],
  ['a path for a namespace', { 'a.yaml': map('a').replace('  name', '  namespace: ..\n  name') }, /namespace is not a name/],
  [
    'a number for a label',
    { 'a.yaml': `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {v: 1}}` },
    /labels is not a map of texts/,
  ],
  ['a text', { 'a.yaml': 'just words' }, /not a Kubernetes object/],
  ['one object twice', { 'a.yaml': map('a'), 'b.yaml': `\n${map('a')}` }, /b\.yaml:2:1: ConfigMap\/a is there twice, first at a\.yaml:1:1/],
  ['no UTF-8', { 'a.yaml': Uint8Array.of(0xff, 0xfe) }, /UTF-8/],
  [
    'too many',
    { 'a.yaml': Array.from({ length: 5_001 }, (_, i) => `{"apiVersion":"v1","kind":"A","metadata":{"name":"n${i}"}}`).join('\n---\n') },
    /5001 objects, at most 5000/,
  ],
];
for (const [what, entries, message] of refused) test(`${what} is refused`, () => assert.match(problems(entries).at(-1) ?? '', message));

test('everything that is wrong is said at once, with its place', () => {
  const all = problems({ 'a.yaml': 'kind: A\n---\na: [\n', 'b.yaml': `${map('b')}---\napiVersion: v1\n` });
  assert.deepEqual(
    all.map((line) => line.split(': ')[0]),
    ['a.yaml:4:1', 'a.yaml:1:1', 'b.yaml:6:1'],
  );
});

test('beside other files a kustomization is passed over', () => {
  assert.equal(objectsOf(files({ 'sub/kustomization.yml': 'resources: []', 'a.yaml': map('a') })).length, 1);
});
