import assert from 'node:assert/strict';
import test from 'node:test';
import { VirtualClock, seededRandom, systemClock } from './mod.ts';

test('virtual time: timers fire in order of time, then of setting, and only when time passes', async () => {
  const clock = new VirtualClock();
  const fired: string[] = [];
  clock.after(20, () => fired.push('b'));
  clock.after(10, () => fired.push('a'));
  clock.after(20, () => fired.push('c'));
  const cancel = clock.after(15, () => fired.push('never'));
  cancel();
  await clock.advance(10);
  assert.deepEqual(fired, ['a']);
  await clock.advance(10);
  assert.deepEqual(fired, ['a', 'b', 'c']);
  assert.equal(clock.monotonicMs(), 20);
});

for (const [name, clock] of [
  ['virtual', new VirtualClock()],
  ['system', systemClock],
] as const) {
  test(`${name}: a sleep ends with the signal's own reason`, async () => {
    const stop = new AbortController();
    const sleeping = clock.sleep(60_000, stop.signal);
    const reason = new Error('told to stop');
    stop.abort(reason);
    await assert.rejects(sleeping, (error) => error === reason);
    await assert.rejects(clock.sleep(1, stop.signal), (error) => error === reason);
  });
}

test('the same seed draws the same numbers', () => {
  const [a, b, c] = [seededRandom(5), seededRandom(5), seededRandom(6)];
  const draw = (random: { next(): number }): number[] => Array.from({ length: 5 }, () => random.next());
  const first = draw(a);
  assert.deepEqual(first, draw(b));
  assert.notDeepEqual(first, draw(c));
  assert.ok(first.every((n) => n >= 0 && n < 1));
});
