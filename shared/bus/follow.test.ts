import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom, VirtualClock } from '../clock/mod.ts';
import { BusError } from './errors.ts';
import { follow, notOvertaken } from './follow.ts';
import type { BusEvent } from './ports.ts';

/** A link and a read that fails as long as it is told to. */
function scene() {
  const clock = new VirtualClock();
  const end = new AbortController();
  const listeners = new Set<(event: BusEvent) => void>();
  const link = {
    events: (listener: (event: BusEvent) => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  const state = { reads: 0, atOnce: 0, atOnceMost: 0, failure: undefined as Error | undefined };
  const read = async (): Promise<void> => {
    state.reads++;
    state.atOnceMost = Math.max(state.atOnceMost, ++state.atOnce);
    await clock.sleep(10);
    state.atOnce--;
    if (state.failure) throw state.failure;
  };
  const tell = (kind: 'connected' | 'disconnected'): void => listeners.forEach((listener) => listener({ kind }));
  const start = async (): Promise<void> => {
    follow(link, read, { clock, random: seededRandom(1) }, end.signal);
    await clock.advance(0);
  };
  return { clock, end, listeners, state, tell, start };
}

test('reads once at the start, once after each reconnect, and otherwise never', async () => {
  const { clock, state, tell, start } = scene();
  await start();
  await clock.advance(3_600_000);
  assert.equal(state.reads, 1);
  tell('disconnected');
  await clock.advance(1_000);
  assert.equal(state.reads, 1);
  tell('connected');
  await clock.advance(1_000);
  assert.equal(state.reads, 2);
});

test('a read that fails is repeated with growing pauses until it succeeds', async () => {
  const { clock, state, start } = scene();
  state.failure = new BusError('UNREACHABLE', 'nobody answers');
  await start();
  await clock.advance(60_000);
  assert.ok(state.reads >= 7 && state.reads <= 14, `${state.reads} reads in a minute`);
  state.failure = undefined;
  await clock.advance(30_000);
  const { reads } = state;
  await clock.advance(3_600_000);
  assert.equal(state.reads, reads);
});

test('a reconnect during a read leads to one more after it, never to two at a time', async () => {
  const { clock, state, tell, start } = scene();
  await start();
  for (let i = 0; i < 5; i++) tell('connected');
  await clock.advance(1_000);
  assert.equal(state.reads, 2);
  assert.equal(state.atOnceMost, 1);
});

test('the signal ends it, also in the middle of a pause, and nobody listens any more', async () => {
  const { clock, end, listeners, state, tell, start } = scene();
  state.failure = new BusError('UNREACHABLE', 'nobody answers');
  await start();
  await clock.advance(1_000);
  end.abort();
  const { reads } = state;
  tell('connected');
  await clock.advance(60_000);
  assert.equal(state.reads, reads);
  assert.equal(listeners.size, 0);
});

test('what is closed is not read again', async () => {
  const { clock, state, start } = scene();
  state.failure = new BusError('CLOSED', 'by us');
  await start();
  await clock.advance(60_000);
  assert.equal(state.reads, 1);
});

test('an answer that a push has overtaken is asked for again, but not for ever', async () => {
  const answers = ['old', 'new', 'newer', 'a', 'b', 'c'];
  const asked = async (overtakenTimes: number): Promise<{ found: string; reads: number }> => {
    let [reads, pushed] = [0, 0];
    const read = async (): Promise<string> => {
      if (reads < overtakenTimes) pushed++;
      return answers[reads++] ?? '';
    };
    return { found: await notOvertaken(read, () => pushed), reads };
  };
  assert.deepEqual(await asked(0), { found: 'old', reads: 1 });
  assert.deepEqual(await asked(1), { found: 'new', reads: 2 });
  assert.deepEqual(await asked(99), { found: 'b', reads: 5 });
});
