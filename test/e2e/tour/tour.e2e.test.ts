// The tour of README.md, walked as a newcomer does: its very commands, typed into a shell beside a real `npm start`, and what it says one sees.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '#deploy/local/processes/mod.ts';
import { missingLine, stepsOf, tourLines, type Stop } from '#deploy/local/tours/mod.ts';
import { npmStart, tracesOf } from '../fleet/commands.ts';
import { eventually } from '../fleet/waits.ts';
import { openShell, type Typing } from './shells.ts';

const root = join(import.meta.dirname, '../../..');
const steps = stepsOf(readFileSync(join(root, 'README.md'), 'utf8'));
const startMaxMs = 180_000;
const lookMaxMs = 90_000;

test('the tour of README.md', { timeout: 10 * 60_000 }, async (t) => {
  using temporary = temporaryFolder('tour');
  await using fleet = npmStart(['--kubernetes', 'sandbox'], temporary.path);
  await eventually(
    'npm start to say what to try',
    startMaxMs,
    async () => (/^ *[\d.]+ +done /m.test(fleet.output()) && fleet.output().includes('Ctrl-C ends it') ? true : undefined),
    fleet.output,
  );
  // Another fleet of this clone may have the short name already.
  const name = /^shell +\. (\S+)\/env/m.exec(fleet.output())?.[1] ?? assert.fail(fleet.output());
  const printed = tourLines(steps, name, String);
  const said = fleet.output().split('\n');
  assert.deepEqual(
    printed.filter((line) => !said.includes(line)),
    [],
    'npm start prints every command',
  );

  const home = join(temporary.path, 'home');
  await using shell = openShell(root, { ...process.env, NODE_TEST_CONTEXT: undefined, HOME: home, TMPDIR: temporary.path });
  for (const { title, stops } of steps)
    await t.test(title, async () => {
      for (const stop of stops) await (stop.isLook ? look(shell, stop) : type(shell, stop, name));
    });

  fleet.kill('SIGINT');
  await fleet.ended;
  await eventually('everything to be gone', 15_000, async () => (tracesOf(temporary.path).pids.length <= 1 ? true : undefined));
});

/** What changes something is typed once. */
async function type(shell: Typing, { commands, sees }: Stop, name: string): Promise<void> {
  const { code, output } = await shell.type(commands.map((command) => command.replace('. .fleet/', `. ${name}/`)));
  assert.equal(code, 0, `${commands.join('\n')}\n${output}`);
  const missing = missingLine(sees, output);
  assert.equal(missing, undefined, `${commands.join('\n')}\nsaid:\n${output}`);
}

/** What only looks is typed until it shows it. */
async function look(shell: Typing, { commands, sees }: Stop): Promise<void> {
  let last = '';
  await eventually(
    sees.join('\n'),
    lookMaxMs,
    async () => {
      const { output } = await shell.type(commands);
      last = `missing: ${missingLine(sees, output)}\nof:\n${output}`;
      return missingLine(sees, output) === undefined ? true : undefined;
    },
    () => last,
  );
}
