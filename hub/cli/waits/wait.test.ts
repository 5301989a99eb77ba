import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '#shared/clock/mod.ts';
import { CliError, exits } from '../exits.ts';
import { Session } from '../session.ts';
import type { Stalled } from './judge.ts';
import { waitFor } from './wait.ts';

const nope = (): never => assert.fail('nothing is asked here');

/** Waits while each second finds this stalled; how it ended, and after how many seconds. */
async function ending(stalled: (second: number) => Stalled | undefined): Promise<readonly [code: string, seconds: number]> {
  const clock = new VirtualClock();
  const io = {
    env: {},
    home: '/',
    folder: '/',
    clock,
    fetch: nope,
    out: nope,
    err: () => {},
    stdin: nope,
    terminal: false,
    columns: undefined,
  };
  const session = new Session({ ...io, stop: new AbortController().signal }, undefined);
  const second = (): number => Math.round(clock.monotonicMs() / 1_000);
  const look = async () => {
    const found = stalled(second());
    return { waitsFor: ['shop.prod'], ...(found && { stalled: found }) };
  };
  const why = async ({ environment }: Stalled) => new CliError(`STALLED_${environment}`, '', { exit: exits.rolloutFailed });
  const ended: { code?: string } = {};
  const waiting = waitFor(session, look, { timeout: 30_000, why }).then(
    () => (ended.code = 'DONE'),
    (error: CliError) => (ended.code = error.code),
  );
  for (let waited = 0; ended.code === undefined && waited < 60; waited++) await clock.advance(1_000);
  return [await waiting, second()];
}

const at = (environment: string, message = ''): Stalled => ({ tenant: 'storefront', app: 'shop', environment, message });

const rows: readonly (readonly [what: string, stalled: (second: number) => Stalled | undefined, code: string])[] = [
  ['the same for five seconds', () => at('prod'), 'STALLED_prod'],
  ['the same, in other words', (second) => at('prod', `${second} of 9`), 'STALLED_prod'],
  ['never for long', (second) => (second % 4 === 0 ? undefined : at('prod')), 'TIMED_OUT'],
  ['each for a while only', (second) => at(second % 6 < 3 ? 'dev' : 'prod'), 'TIMED_OUT'],
  ['one after the other', (second) => at(second < 3 ? 'dev' : 'prod'), 'STALLED_prod'],
  ['nothing', () => undefined, 'TIMED_OUT'],
];

for (const [what, stalled, code] of rows)
  test(`what stalls is given up once it has lasted: ${what}`, async () => {
    assert.equal((await ending(stalled))[0], code);
  });

test('what stalls later has its own five seconds', async () => {
  const [, first] = await ending(() => at('prod'));
  const [, later] = await ending((second) => at(second < 3 ? 'dev' : 'prod'));
  assert.equal(later - first, 3);
});
