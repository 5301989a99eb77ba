import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { durationMs } from './mod.ts';

const rows: readonly (readonly [text: string, want: number | undefined])[] = [
  ['250ms', 250],
  ['4s', 4_000],
  ['90s', 90_000],
  ['5m', 300_000],
  ['24h', 86_400_000],
  ['30d', 2_592_000_000],
  ['1h30m', 5_400_000],
  ['1h0m5s', 3_605_000],
  ['1d12h', 129_600_000],
  ['1s500ms', 1_500],
  ['5m250ms', 300_250],
  ['0s', 0],
  ['', undefined],
  ['5', undefined],
  ['m', undefined],
  ['ms', undefined],
  ['5m1h', undefined],
  ['1m1m', undefined],
  ['-5m', undefined],
  ['1.5h', undefined],
  ['1h 30m', undefined],
  ['5M', undefined],
  ['1w', undefined],
  ['5us', undefined],
  ['5m\n', undefined],
  ['٥m', undefined],
  ['1234567890s', undefined],
  ['999999999d', undefined],
];
for (const [text, want] of rows) test(`the duration ${JSON.stringify(text)}`, () => assert.equal(durationMs(text), want));

test('what is written of parts is their sum, whichever are left out', () => {
  const part = fc.option(fc.nat(99_999), { nil: undefined });
  const units = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };
  fc.assert(
    fc.property(fc.tuple(part, part, part, part, part), (parts) => {
      const given = Object.entries(units).flatMap(([unit, ms], i) => (parts[i] === undefined ? [] : [{ unit, ms, n: parts[i] }]));
      const text = given.map(({ unit, n }) => `${n}${unit}`).join('');
      const sum = given.reduce((all, { ms, n }) => all + n * ms, 0);
      assert.equal(durationMs(text), given.length === 0 ? undefined : sum);
    }),
  );
});
