import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import type { ProcessOptions } from '#deploy/local/processes/mod.ts';
import { ownProcesses } from './owners.ts';

const program = (name: string, script: string, ready?: ProcessOptions['ready']): ProcessOptions => ({
  name,
  command: process.execPath,
  args: ['-e', script],
  output: { line: () => {} },
  graceMs: 0,
  ...(ready && { ready }),
});
const forEver = 'setInterval(() => {}, 1000)';

test('a process that ends by itself is told of, one that is ended is not', async () => {
  const said: string[] = [];
  const owned = ownProcesses((line) => said.push(line));
  const [failing, wanted] = await Promise.all([
    owned.start(program('failing', 'process.exit(3)')),
    owned.start(program('wanted', forEver)),
  ]);
  await failing.ended;
  await owned.end(wanted);
  await owned.stop();
  assert.deepEqual(said, ['failing ended by itself with code 3']);
});

test('the end reaches those that still start, and nothing starts afterwards', async () => {
  const owned = ownProcesses(assert.fail);
  const asked = new EventTarget();
  const isAsked = once(asked, 'asked');
  const never = {
    what: 'readiness',
    ask: async () => {
      asked.dispatchEvent(new Event('asked'));
      return false;
    },
  };
  const starting = owned.start(program('slow', forEver, never));
  const refused = assert.rejects(starting, /being stopped/);
  await isAsked;
  await owned.stop();
  await refused;
  await assert.rejects(owned.start(program('late', forEver)), /being stopped/);
});
