import assert from 'node:assert/strict';
import test from 'node:test';
import { deafMs, unheardAfter, type Unheard } from './hearing.ts';

const beatMs = 1_000;

/** Beats 1, 2, 3 at these moments, which say that they heard these answers; at which of them the spoke was deaf. */
function deafAt(beats: readonly (readonly [atMs: number, heard: number | undefined])[]): number[] {
  let unheard: Unheard = [];
  return beats.flatMap(([atMs, heard], index) => {
    unheard = unheardAfter(unheard, index + 1, heard, atMs);
    return deafMs(unheard, atMs, beatMs) === undefined ? [] : [index + 1];
  });
}
const every = (count: number, heard: (seq: number) => number | undefined, stepMs = beatMs) =>
  Array.from({ length: count }, (_, index) => [index * stepMs, heard(index + 1)] as const);

const rows: readonly (readonly [what: string, beats: Parameters<typeof deafAt>[0], deaf: readonly number[]])[] = [
  ['hears each answer', every(100, (seq) => seq - 1), []],
  ['hears three answers late', every(100, (seq) => Math.max(0, seq - 4)), []],
  ['is older and says nothing of it', every(100, () => undefined), []],
  ['has never heard one', every(9, () => 0), [7, 8, 9]],
  ['hears none after the third', every(12, (seq) => Math.min(seq - 1, 3)), [10, 11, 12]],
  ['hears again', every(20, (seq) => (seq < 12 ? Math.min(seq - 1, 3) : seq - 1)), [10, 11]],
  // The hub stood still: what it says all at once cannot have been heard before.
  ['is answered late, all at once', [[0, 0], [1_000, 1], ...Array.from({ length: 30 }, () => [31_000, 2] as const)], []],
];
for (const [what, beats, deaf] of rows)
  test(`a spoke that ${what}: ${deaf.length > 0 ? 'deaf' : 'not deaf'}`, () => assert.deepEqual(deafAt(beats), deaf));

test('what is remembered has a bound, and a spoke that was deaf for very long is believed when it hears again', () => {
  let unheard: Unheard = [];
  for (let seq = 1; seq <= 10_000; seq++) unheard = unheardAfter(unheard, seq, 0, seq * beatMs);
  assert.ok(unheard.length <= 64);
  assert.equal(deafMs(unheard, 10_000 * beatMs, beatMs), 9_999 * beatMs);
  assert.equal(deafMs(unheardAfter(unheard, 10_001, 10_000, 10_001 * beatMs), 10_001 * beatMs, beatMs), undefined);
});
