import assert from 'node:assert/strict';
import test from 'node:test';
import { longestBackoffMs, reconnectBackoff, backoffMs } from '#shared/kernel/mod.ts';
import { settle, settlingLimits, startSettling, type Settling } from './settling.ts';

const limits = settlingLimits(4_000, 3_000);
const after = (ms: number, live: number, lost = 0) => ({ nowMs: ms, live, lost });
const started: Settling = { sinceMs: 0, why: 'HubStarted', expected: 100 };

test('a hub of no known clusters has nothing to wait for', () => {
  assert.equal(startSettling(0, 0), undefined);
  assert.deepEqual(startSettling(5, 3), { sinceMs: 5, why: 'HubStarted', expected: 3 });
});

const rows: readonly [string, Settling | undefined, ReturnType<typeof after>, boolean][] = [
  ['just started', started, after(1_000, 94), true],
  ['95 % heard', started, after(1_000, 95), false],
  ['time is up: three beats and the longest way back', started, after(15_000, 10), false],
  ['time is nearly up', started, after(14_999, 10), true],
  ['one of one expected is missing', { ...started, expected: 1 }, after(1_000, 0), true],
  ['all is well', undefined, after(50_000, 100), false],
  ['a fifth of the streams lost is not more than a fifth', undefined, after(50_000, 80, 20), false],
  ['more than a fifth lost', undefined, after(50_000, 79, 21), true],
  ['the only stream lost', undefined, after(50_000, 0, 1), false],
  ['one of four lost: a large share, but one', undefined, after(50_000, 3, 1), false],
  ['both of two lost', undefined, after(50_000, 0, 2), true],
  ['two of nine lost', undefined, after(50_000, 7, 2), true],
  ['two of ten lost: not more than a fifth', undefined, after(50_000, 8, 2), false],
  ['nobody there, nobody lost', undefined, after(50_000, 0), false],
];
for (const [name, state, heard, settling] of rows)
  test(`settling: ${name}`, () => assert.equal(settle(state, heard, limits) !== undefined, settling));

test('streams lost: as many are expected back as there were', () => {
  assert.deepEqual(settle(undefined, after(9, 60, 40), limits), { sinceMs: 9, why: 'StreamsLost', expected: 100 });
});

test('never longer than a minute', () => assert.equal(settlingLimits(30_000, 0).maxMs, 60_000));

test('however short the beats, whoever is on the way back by its back-off is still waited for', () => {
  for (const beatMs of [50, 500, 1_000, 4_000, 10_000])
    for (let attempt = 1; attempt <= 12; attempt++)
      for (const draw of [0, 0.5, 0.999_999]) {
        const waitMs = backoffMs(reconnectBackoff, attempt, { next: () => draw } as never);
        assert.ok(
          waitMs <= settlingLimits(beatMs, longestBackoffMs(reconnectBackoff)).maxMs - 3 * beatMs,
          `${beatMs} ms, attempt ${attempt}`,
        );
      }
});
