import assert from 'node:assert/strict';
import { test } from 'node:test';
import { without } from './compare.ts';
import { placeAt } from './paths.ts';

const managed = { metadata: { name: 'a', managedFields: [{}] }, spec: { metadata: { managedFields: 1 }, managedFields: 2 } };

test('the end of a path is ignored at any depth, and nothing else is', () => {
  assert.deepEqual(without(managed, ['metadata.managedFields']), { metadata: { name: 'a' }, spec: { metadata: {}, managedFields: 2 } });
  assert.deepEqual(without({ items: [managed] }, ['metadata.managedFields']), {
    items: [{ metadata: { name: 'a' }, spec: { metadata: {}, managedFields: 2 } }],
  });
  assert.equal(without(managed, []), managed);
});

test('defaults are a list by themselves', () => {
  const spec = { containers: [{ name: 'a', imagePullPolicy: 'Always' }], restartPolicy: 'Always' };
  assert.deepEqual(without({ template: { spec } }, ['@defaults']), { template: { spec: { containers: [{ name: 'a' }] } } });
});

const document = {
  items: [{ metadata: { name: 'b' } }, { metadata: { name: 'a', annotations: { 'x.y/z': '1' } } }],
  conditions: [{ type: 'Ready', status: 'True' }],
};
const rows: readonly { path: string; value: unknown }[] = [
  { path: 'items[metadata.name=a].metadata.annotations["x.y/z"]', value: '1' },
  { path: 'items[0].metadata.name', value: 'b' },
  { path: 'conditions[type=Ready].status', value: 'True' },
  { path: 'conditions[type=Other].status', value: undefined },
  { path: 'items[7].metadata.name', value: undefined },
  { path: 'items.metadata', value: undefined },
];
for (const { path, value } of rows) test(`${path} is ${JSON.stringify(value)}`, () => assert.equal(placeAt(document, path).value, value));
