import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { VirtualClock } from './mod.ts';

test('timers fire in order of time, then of setting, whatever was set and cancelled in between', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.integer({ min: 0, max: 50 }), fc.boolean()), { maxLength: 60 }), async (timers) => {
      const clock = new VirtualClock(undefined, { turns: 1 });
      const fired: string[] = [];
      for (const [index, [ms, cancelled]] of timers.entries()) {
        const cancel = clock.after(ms, () => fired.push(`${clock.monotonicMs()} ${index}`));
        if (cancelled) cancel();
      }
      await clock.advance(50);
      const expected = timers.flatMap(([ms, cancelled], index) => (cancelled ? [] : [{ ms, index }])).toSorted((a, b) => a.ms - b.ms);
      assert.deepEqual(
        fired,
        expected.map(({ ms, index }) => `${ms} ${index}`),
      );
    }),
    { numRuns: 50 },
  );
});

test('what a timer sets free has settled before the next one fires', async () => {
  const clock = new VirtualClock(undefined, { turns: 1 });
  const seen: string[] = [];
  const slow = async (name: string, ms: number): Promise<void> => {
    await clock.sleep(ms);
    for (let turns = 0; turns < 50; turns++) await Promise.resolve();
    seen.push(`${name} at ${clock.monotonicMs()}`);
  };
  const all = Promise.all([slow('a', 10), slow('b', 20)]);
  await clock.advance(20);
  await all;
  assert.deepEqual(seen, ['a at 10', 'b at 20']);
});

test('a sleep ends with its signal, and leaves no timer that fires', async () => {
  const clock = new VirtualClock(undefined, { turns: 1 });
  const end = new AbortController();
  const asleep = assert.rejects(clock.sleep(10, end.signal), /enough/);
  end.abort(new Error('enough'));
  await asleep;
  await clock.advance(100);
  assert.equal(clock.fired, 0);
});
