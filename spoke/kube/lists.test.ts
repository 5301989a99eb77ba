import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configMap, configMaps } from './contract.ts';
import { KubeError } from './errors.ts';
import { listAll } from './lists.ts';
import { pageOf, type RawPage } from './objects.ts';

const page = (names: string, resourceVersion: string, continueToken = ''): RawPage => {
  return { items: names.split('').map((name) => configMap('shop', name, {})), resourceVersion, continueToken };
};
const gone = new KubeError('GONE', 'expired');
/** Answers one after the other; an error is thrown. */
const script = (...answers: readonly (RawPage | KubeError)[]) => {
  const asked: string[] = [];
  const next = async (token: string): Promise<RawPage> => {
    const answer = answers[asked.length] ?? assert.fail('one page too many');
    asked.push(token);
    if (answer instanceof KubeError) throw answer;
    return answer;
  };
  return { asked, next };
};
const names = async (next: (token: string) => Promise<RawPage>): Promise<string> =>
  (await listAll(next, 4)).items.map(({ metadata }) => metadata.name).join('');

test('all pages of one version are one list', async () => {
  const { asked, next } = script(page('ab', '7', 't1'), page('c', '7', 't2'), page('', '7'));
  assert.equal(await names(next), 'abc');
  assert.deepEqual(asked, ['', 't1', 't2']);
});

test('a continuation that expired starts over once, from nothing', async () => {
  const { asked, next } = script(page('ab', '7', 't1'), gone, page('b', '9', 't3'), page('c', '9'));
  assert.equal(await names(next), 'bc');
  assert.deepEqual(asked, ['', 't1', '', 't3']);
});

test('a page of another version is never mixed in', async () => {
  const { next } = script(page('ab', '7', 't1'), page('c', '8'), page('ac', '8'));
  assert.equal(await names(next), 'ac');
});

const rejected = [
  { what: 'it expires twice', answers: [page('a', '7', 't'), gone, page('a', '8', 't'), gone], code: 'GONE' },
  { what: 'a later page fails', answers: [page('a', '7', 't'), new KubeError('SERVER_UNAVAILABLE', 'x')], code: 'SERVER_UNAVAILABLE' },
  { what: 'there are too many', answers: [page('abc', '7', 't'), page('de', '7')], code: 'TOO_LARGE' },
];
for (const { what, answers, code } of rejected)
  test(`when ${what}, there is no list at all`, async () => {
    await assert.rejects(listAll(script(...answers).next, 4), { code });
  });

const asked = { verb: 'list', kind: configMaps };
const metadata = { resourceVersion: '7' };
test('items get the kind and version that the list names once; null is Go for none', () => {
  const { items } = pageOf({ kind: 'ConfigMapList', metadata, items: [{ metadata: { name: 'a' } }] }, asked);
  assert.deepEqual([items[0]?.kind, items[0]?.apiVersion], ['ConfigMap', 'v1']);
  assert.deepEqual(pageOf({ kind: 'ConfigMapList', metadata, items: null }, asked).items, []);
});
const broken: readonly (readonly [string, Record<string, unknown>])[] = [
  ['nothing', {}],
  ['another list', { kind: 'SecretList', metadata, items: [] }],
  ['no items', { kind: 'ConfigMapList', metadata }],
  ['items that are none', { kind: 'ConfigMapList', metadata, items: {} }],
  ['no version', { kind: 'ConfigMapList', metadata: {}, items: [] }],
  ['an item without a name', { kind: 'ConfigMapList', metadata, items: [{}] }],
];
for (const [what, value] of broken)
  test(`a page with ${what} is a broken answer, not an empty list`, () =>
    assert.throws(() => pageOf(value, asked), { code: 'BAD_RESPONSE' }));
