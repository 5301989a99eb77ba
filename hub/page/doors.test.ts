import assert from 'node:assert/strict';
import test from 'node:test';
import { seededRandom, VirtualClock } from '#shared/clock/mod.ts';
import { Doors } from './doors.ts';

const ada = { id: 7, expiresAt: Infinity };
const grace = { id: 8, expiresAt: Infinity };

const made = () => {
  const clock = new VirtualClock();
  return { clock, doors: new Doors(clock, seededRandom(1)) };
};

test('a code lets in once, the person who was invited', () => {
  const { doors } = made();
  const { code } = doors.invite(ada);
  assert.match(code, /^[\w-]{32}$/);
  assert.deepEqual([doors.enter(code), doors.enter(code)], [ada.id, undefined]);
});

test('no two codes are the same, and one does not open for another', () => {
  const { doors } = made();
  const codes = [ada, grace].map((by) => doors.invite(by).code);
  assert.deepEqual(
    codes.toReversed().map((code) => doors.enter(code)),
    [grace.id, ada.id],
  );
});

test('a code ends after ten minutes', async () => {
  const { clock, doors } = made();
  const { code, expiresAt } = doors.invite(ada);
  const { code: other } = doors.invite(ada);
  assert.equal(expiresAt, clock.now() + 600_000);
  await clock.advance(599_999);
  assert.equal(doors.enter(other), ada.id);
  await clock.advance(1);
  assert.equal(doors.enter(code), undefined);
});

test('a code ends with the token that it was made with', async () => {
  const { clock, doors } = made();
  const { code, expiresAt } = doors.invite({ id: 9, expiresAt: clock.now() + 60_000 });
  const { code: other } = doors.invite({ id: 9, expiresAt: clock.now() + 60_000 });
  assert.equal(expiresAt, clock.now() + 60_000);
  await clock.advance(59_999);
  assert.equal(doors.enter(other), 9);
  await clock.advance(1);
  assert.equal(doors.enter(code), undefined);
});

test('nobody comes in with what was never given out', () => {
  const { doors } = made();
  doors.invite(ada);
  for (const code of ['', 'guess', '__proto__']) assert.equal(doors.enter(code), undefined);
});

test('only so many codes are open: the oldest are forgotten first', () => {
  const { doors } = made();
  const codes = Array.from({ length: 130 }, () => doors.invite(ada).code);
  const good = codes.map((code) => doors.enter(code) === ada.id);
  assert.equal(good.filter(Boolean).length, 100);
  assert.deepEqual([good[0], good[29], good[30], good[129]], [false, false, true, true]);
});
