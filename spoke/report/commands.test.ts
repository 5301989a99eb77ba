import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command } from '../../proto/mod.ts';
import { VirtualClock } from '../../shared/clock/mod.ts';
import { obey, type Obeyed } from './mod.ts';

const sync = (assignmentUid: string): Command => ({ id: '7', deadlineMs: 5_000, command: { $case: 'syncNow', value: { assignmentUid } } });
const well = { visited: 1, problem: undefined };

type Sync = Obeyed['syncNow'];
const rows: readonly (readonly [name: string, command: Command, sync: Sync, result: string])[] = [
  ['one assignment', sync('p1'), async () => well, 'ok'],
  ['all of them, be they none', sync(''), async () => ({ ...well, visited: 0 }), 'ok'],
  ['one that is not here', sync('p1'), async () => ({ ...well, visited: 0 }), 'UnknownAssignment: the spoke has nothing of that placement'],
  [
    'something stands in the way',
    sync('p1'),
    async () => ({ visited: 1, problem: { reason: 'Forbidden', message: 'may not' } }),
    'Forbidden: may not',
  ],
  ['it breaks', sync('p1'), async () => Promise.reject(new Error('broken')), 'Failed: broken'],
  [
    'another command',
    { id: '7', deadlineMs: 1, command: undefined },
    async () => well,
    'UnknownCommand: this spoke does not know the command',
  ],
];
for (const [name, command, syncNow, want] of rows)
  test(`sync now: ${name}`, async () => {
    const asked: (string | undefined)[] = [];
    const clock = new VirtualClock();
    const { id, ok, code, message } = await obey(command, {
      clock,
      refresh: async () => void asked.push('refresh'),
      syncNow: (uid) => (asked.push(uid), syncNow(uid)),
    });
    assert.deepEqual([id, ok ? 'ok' : `${code}: ${message}`], ['7', want]);
    if (command.command) assert.deepEqual(asked, ['refresh', command.command.value.assignmentUid || undefined]);
  });

test('what takes too long is answered in time', async () => {
  const clock = new VirtualClock();
  const answer = obey(sync('p1'), { clock, refresh: async () => {}, syncNow: () => new Promise(() => {}) });
  await clock.advance(5_000);
  assert.equal((await answer).code, 'DeadlineExceeded');
});
