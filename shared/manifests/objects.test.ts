import assert from 'node:assert/strict';
import test from 'node:test';
import { readObjects, readObjectsInSteps } from './mod.ts';

const read = (files: Readonly<Record<string, string>>) =>
  readObjects(new Map(Object.entries(files).map(([path, text]) => [path, Buffer.from(text)])));
const map = (name: string, more = ''): string => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}${more}}\n`;

test('objects have their places, other files none', () => {
  const { found, problems } = read({
    'b/x.yml': `---\n${map('b')}---\n${map('c')}`,
    'a.json': '{"apiVersion":"v1","kind":"A","metadata":{"name":"a"}}',
    'z.txt': '{{',
  });
  assert.deepEqual(problems, []);
  assert.deepEqual(
    found.map(({ object, where }) => `${object.metadata.name} ${where}`),
    ['a a.json:1:1', 'b b/x.yml:2:1', 'c b/x.yml:6:1'],
  );
});

test('instructions for a renderer are named by their file; in a file of another name they are a problem', () => {
  const text = 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n';
  const { found, problems, kustomizations } = read({ 'k/kustomization.yaml': text, 'other.yaml': text });
  assert.deepEqual([found, kustomizations], [[], ['k/kustomization.yaml']]);
  assert.match(problems.join(), /^other\.yaml:1:1: is an instruction for kustomize/);
});

test('the same name in another group or namespace is another object', () => {
  const other = map('a').replace('v1', 'example.org/v1');
  assert.deepEqual(read({ 'a.yaml': [map('a'), map('a', ', namespace: x'), other].join('---\n') }).problems, []);
  assert.equal(read({ 'a.yaml': [map('a'), map('a').replace('v1', 'v2')].join('---\n') }).problems.length, 1);
});

test('all files together have a bound', () => {
  const files = Object.fromEntries(Array.from({ length: 4 }, (_, i) => [`${i}.yaml`, `#${'x'.repeat(4.5 * 1024 * 1024)}`]));
  assert.match(read(files).problems.join(), /^\d+ bytes of manifests, at most 16777216$/);
});

test('in steps the same is read, and others run in between', async () => {
  const files = new Map([['a.yaml', Buffer.from([map('a'), map('b'), 'a: [', map('c')].join('---\n'))]]);
  let pauses = 0;
  const content = await readObjectsInSteps(files, () => Promise.resolve((pauses += 1)));
  assert.deepEqual(content, readObjects(files));
  assert.ok(pauses >= 2);
});
