import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { systemClock } from './mod.ts';

/** The runtime's timers, by hand: what was set, and what it would do when that falls due. */
function timersOf(t: TestContext): { readonly delays: number[]; readonly ring: () => void; readonly isSet: () => boolean } {
  const delays: number[] = [];
  let set: { readonly callback: () => void; readonly timer: object } | undefined;
  t.mock.method(globalThis, 'setTimeout', ((callback: () => void, ms: number) => {
    const timer = { unref: () => timer };
    delays.push(ms);
    set = { callback, timer };
    return timer;
  }) as never);
  t.mock.method(globalThis, 'clearTimeout', ((timer: object) => {
    if (set?.timer === timer) set = undefined;
  }) as never);
  const ring = (): void => {
    const due = set;
    set = undefined;
    due?.callback();
  };
  return { delays, ring, isSet: () => set !== undefined };
}

const longest = 2 ** 31 - 1;
const rows: readonly (readonly [what: string, ms: number, delays: readonly number[]])[] = [
  ['nothing', 0, [0]],
  ['a moment', 250, [250]],
  ['the longest that the runtime knows', longest, [longest]],
  ['a millisecond more', longest + 1, [longest, 1]],
  ['sixty days', 60 * 86_400_000, [longest, longest, 60 * 86_400_000 - 2 * longest]],
];

for (const [what, ms, delays] of rows)
  test(`calls back once after ${what}, however often the runtime has to be asked`, (t) => {
    const timers = timersOf(t);
    let called = 0;
    systemClock.after(ms, () => called++);
    for (let rung = 0; rung < delays.length; rung++) {
      assert.equal(called, 0);
      timers.ring();
    }
    assert.deepEqual(timers.delays, delays);
    assert.deepEqual([called, timers.isSet()], [1, false]);
  });

test('what is cancelled after some of its time is not called', (t) => {
  const timers = timersOf(t);
  const cancel = systemClock.after(3 * longest, () => assert.fail('was cancelled'));
  timers.ring();
  cancel();
  assert.equal(timers.isSet(), false);
});
