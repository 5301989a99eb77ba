import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Chance } from './chance.ts';
import { has, nextVersion, objectsOf, type Version } from './contents.ts';

const rows: readonly (readonly [name: string, live: unknown, written: unknown, whole: boolean])[] = [
  ['others add beside it', { a: 1, b: { c: 2, d: 3 } }, { b: { c: 2 } }, true],
  ['another value', { a: 1 }, { a: 2 }, false],
  ['something is missing', { a: 1 }, { a: 1, b: 2 }, false],
  ['a list with one more', { a: [1, 2] }, { a: [1] }, false],
  ['objects in a list', { a: [{ b: 1, c: 2 }] }, { a: [{ b: 1 }] }, true],
  ['nothing there', undefined, { a: 1 }, false],
];
for (const [name, live, written, whole] of rows) test(`has: ${name}`, () => assert.equal(has(live, written), whole));

test('no version of one environment is taken for that of another, or for another version', () => {
  const dice = new Chance(1).dice('versions');
  const versions = Array.from({ length: 10 }, (_, index): Version => nextVersion(dice, index + 1, 'good'));
  const contents = versions.flatMap((version) => ['dev', 'prod'].map((environment) => JSON.stringify(objectsOf(version, environment))));
  assert.equal(new Set(contents).size, contents.length);
});

test('one seed draws the same again, and its streams do not disturb each other', () => {
  const draw = (seed: number, before: number): readonly number[] => {
    const chance = new Chance(seed);
    const other = chance.dice('other');
    for (let n = 0; n < before; n++) other.between(1, 6);
    const dice = chance.dice('mine');
    return Array.from({ length: 5 }, () => dice.between(1, 1_000_000));
  };
  assert.deepEqual(draw(3, 0), draw(3, 7));
  assert.notDeepEqual(draw(3, 0), draw(4, 0));
});
