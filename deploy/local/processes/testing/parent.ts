// A program for tests: starts a process that starts another, makes a temporary folder, tells about them, and ends the way it is told to.
import { setTimeout as sleep } from 'node:timers/promises';
import { startProcess, stopSignal, temporaryFolder } from '../mod.ts';

const way = process.argv[2];
const folder = temporaryFolder('parent');
const said: string[] = [];
const child = await startProcess({
  name: 'child',
  command: '/bin/sh',
  args: ['-c', `trap '' TERM INT HUP; sleep 600 & echo $!; wait`],
  output: { line: (text) => said.push(text) },
  ready: { what: 'its own child', ask: async () => said.length > 0 },
});
if (way === 'signal') stopSignal().addEventListener('abort', () => process.exit(9), { once: true });
process.stdout.write(`${JSON.stringify({ pids: [child.pid, Number(said[0])], folder: folder.path })}\n`);
if (way === 'exit') process.exit(3);
if (way === 'throw') throw new Error('planted');
await sleep(600_000);
