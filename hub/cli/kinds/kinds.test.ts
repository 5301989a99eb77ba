import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sortedBy } from '../commands/get.ts';
import { CliError } from '../exits.ts';
import { kindOf, kinds, readSelections, readWords, referenceText, type AnyResource } from './kinds.ts';

test('no word names two kinds', () => {
  const words = kinds.flatMap(({ kind, plural, singular, short }) => [...new Set([kind.toLowerCase(), plural, singular, ...short])]);
  assert.deepEqual(words.length, new Set(words).size);
});

const read = (words: readonly string[], tenant?: string): string => {
  const { kind, named } = readWords(words, tenant);
  return [kind.plural, ...named.map(referenceText)].join(' ');
};
const rows: readonly (readonly [words: string, tenant: string | undefined, want: string])[] = [
  ['clusters', undefined, 'clusters'],
  ['CL dev-1', undefined, 'clusters cluster/dev-1'],
  ['cluster/dev-1 cluster/dev-2', undefined, 'clusters cluster/dev-1 cluster/dev-2'],
  ['app shop', undefined, 'apps app/shop'],
  ['app shop', 'storefront', 'apps app/storefront/shop'],
  ['app storefront/shop', undefined, 'apps app/storefront/shop'],
  ['app/storefront/shop', undefined, 'apps app/storefront/shop'],
  ['apps/shop', 'storefront', 'apps app/storefront/shop'],
];
for (const [words, tenant, want] of rows)
  test(`${words}${tenant ? ` -t ${tenant}` : ''} means ${want}`, () => assert.equal(read(words.split(' '), tenant), want));

for (const [words, tenant] of [
  ['widget', undefined],
  ['cluster a/b', undefined],
  ['cluster/', undefined],
  ['app a/b/c', undefined],
  ['app a/b', 'a'],
  ['cluster/a b', undefined],
  ['cluster/a app/b', undefined],
] as const)
  test(`${words} is no way to name things`, () =>
    assert.throws(
      () => read(words.split(' '), tenant),
      (error: CliError) => error.exit === 2,
    ));

const selected: readonly (readonly [words: string, tenant: string | undefined, want: string])[] = [
  ['clusters,apps', undefined, 'clusters; apps'],
  ['cl,clusters,app', 'storefront', 'clusters; apps'],
  [
    'app,env shop dev',
    'storefront',
    'apps app/storefront/shop app/storefront/dev; environments environment/storefront/shop environment/storefront/dev',
  ],
  ['cluster/dev-1,app/storefront/shop cl/dev-2', undefined, 'clusters cluster/dev-1 cluster/dev-2; apps app/storefront/shop'],
  ['cluster/dev-1 app/shop', 'storefront', 'clusters cluster/dev-1; apps app/storefront/shop'],
];
for (const [words, tenant, want] of selected)
  test(`${words}${tenant ? ` -t ${tenant}` : ''} selects ${want}`, () =>
    assert.equal(
      readSelections(words.split(' '), tenant)
        .map(({ kind, named }) => [kind.plural, ...named.map(referenceText)].join(' '))
        .join('; '),
      want,
    ));

for (const words of ['clusters,', ',', 'clusters,widgets', 'cluster/a,b', 'cluster/a,', 'clusters,apps storefront/shop'])
  test(`${words} selects nothing`, () =>
    assert.throws(
      () => readSelections(words.split(' '), undefined),
      (error: CliError) => error.exit === 2,
    ));

test('a kind is found by any of its words, whatever their case', () => assert.equal(kindOf('AuditRecord').plural, 'audit'));

test('sorted as kubectl does: what is missing first, numbers as numbers', () => {
  const items = [{ v: 'b' }, { v: 10 }, {}, { v: 9 }, { v: 'a' }] as unknown as AnyResource[];
  assert.deepEqual(
    sortedBy(items, (item) => (item as { v?: unknown }).v).map((item) => (item as unknown as { v?: unknown }).v),
    [undefined, 9, 10, 'a', 'b'],
  );
});
