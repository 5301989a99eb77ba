import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { cycleFrom, predecessorsOf, type Order } from './mod.ts';

const order = (text: string): Order =>
  new Map(
    text.split(' ').map((part) => {
      const [name = '', after = ''] = part.split('<');
      return [name, after === '' ? [] : after.split(',')];
    }),
  );

// Order (name<after), environment, targeted -> predecessors.
const rows: readonly (readonly [string, string, string, string])[] = [
  ['dev staging<dev prod<staging', 'prod', 'dev staging prod', 'staging'],
  ['dev staging<dev prod<staging', 'dev', 'dev staging prod', ''],
  ['dev staging<dev prod<staging', 'prod', 'dev prod', 'dev'],
  ['dev staging<dev prod<staging', 'prod', 'prod', ''],
  ['eu us test<eu,us prod<test', 'prod', 'eu us prod', 'eu us'],
  ['dev eu<dev us<dev prod<eu,us', 'prod', 'dev us prod', 'dev us'],
  ['prod<gone', 'prod', 'prod', ''],
];
for (const [text, name, targeted, expected] of rows)
  test(`${name} of ${text}, targeting ${targeted}`, () =>
    assert.equal(predecessorsOf(name, order(text), new Set(targeted.split(' '))).join(' '), expected));

const cycles: readonly (readonly [string, string, string | undefined])[] = [
  ['a<b b<c c<a', 'a', 'a b c a'],
  ['a<a', 'a', 'a a'],
  ['a<b b<c c<b', 'a', undefined],
  ['a<b,c b<d c<d d', 'a', undefined],
];
for (const [text, name, expected] of cycles)
  test(`the way round from ${name} in ${text}`, () => assert.equal(cycleFrom(name, order(text))?.join(' '), expected));

const name = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const any = fc.dictionary(name, fc.uniqueArray(name, { maxLength: 3 })).map((given): Order => new Map(Object.entries(given)));

test('it ends whatever the order, and names only what is targeted', () => {
  fc.assert(
    fc.property(any, name, fc.uniqueArray(name), (given, one, targeted: readonly string[]) => {
      const found = predecessorsOf(one, given, new Set(targeted));
      assert.ok(found.every((before) => targeted.includes(before)));
    }),
  );
});

test('a way round is a way: each step is one that is written', () => {
  fc.assert(
    fc.property(any, name, (given, one) => {
      const way = cycleFrom(one, given);
      if (!way) return;
      assert.ok(way[0] === one && way.at(-1) === one && way.length > 1);
      for (let i = 1; i < way.length; i++) assert.ok(given.get(way[i - 1] ?? '')?.includes(way[i] ?? ''));
    }),
  );
});
