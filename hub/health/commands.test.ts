import assert from 'node:assert/strict';
import test from 'node:test';
import type { Command } from '#proto/mod.ts';
import { VirtualClock } from '#shared/clock/mod.ts';
import { Commands, type Order } from './commands.ts';

const sync = (assignmentUid: string): Order => ({ $case: 'syncNow', value: { assignmentUid } });

function start() {
  const clock = new VirtualClock();
  const sent: Command[] = [];
  return { clock, sent, commands: new Commands(clock, (command) => sent.push(command)) };
}
const ok = (id: string) => ({ id, ok: true, code: '', message: '' });

test('each is answered by its id, whatever the order of the answers', async () => {
  const { commands, sent } = start();
  const [a, b] = [commands.ask(sync('a'), 1_000), commands.ask(sync('b'), 1_000)];
  assert.deepEqual(
    sent.map(({ id, deadlineMs }) => [id, deadlineMs]),
    [
      ['1', 1_000],
      ['2', 1_000],
    ],
  );
  commands.answered({ ...ok('2'), ok: false, code: 'Forbidden' });
  commands.answered(ok('1'));
  assert.deepEqual([(await a).code, (await b).code], ['', 'Forbidden']);
});

test('the same order again joins the one under way, and is a new one afterwards', async () => {
  const { commands, sent } = start();
  const both = [commands.ask(sync('a'), 1_000), commands.ask(sync('a'), 9_000)];
  assert.equal(sent.length, 1);
  commands.answered(ok('1'));
  await Promise.all(both);
  void commands.ask(sync('a'), 1_000);
  assert.deepEqual(
    sent.map(({ id }) => id),
    ['1', '2'],
  );
});

test("what is not answered in time is refused, and a late answer is nobody's", async () => {
  const { commands, clock } = start();
  const asked = assert.rejects(commands.ask(sync('a'), 1_000), { code: 'COMMAND_TIMED_OUT' });
  await clock.advance(3_000);
  await asked;
  commands.answered(ok('1'));
});

test('the spoke may say itself that it takes too long', async () => {
  const { commands } = start();
  const asked = assert.rejects(commands.ask(sync('a'), 1_000), { code: 'COMMAND_TIMED_OUT', message: /it goes on/ });
  commands.answered({ id: '1', ok: false, code: 'DeadlineExceeded', message: 'not done within 1 s; it goes on' });
  await asked;
});

test('a connection that ends leaves nobody waiting', async () => {
  const { commands, clock } = start();
  const asked = assert.rejects(commands.ask(sync('a'), 1_000), { code: 'CLUSTER_UNREACHABLE' });
  commands.ended();
  await asked;
  await clock.advance(60_000);
});
