// A program for tests of the launcher: says who it is, counts the signals that come, and ends the way it is told to.
import { whenLauncherGone } from '../mod.ts';

const [way, folder] = process.argv.slice(2);
whenLauncherGone(() => process.exit(1));
let count = 0;
process.on('SIGINT', () => {
  count += 1;
  if (count === 1) setTimeout(() => process.exit(40 + count), 200);
});
const [path] = (process.env['PATH'] ?? '').split(':');
process.stdout.write(`${JSON.stringify({ pid: process.pid, version: process.versions.node, path, exec: process.execPath, folder })}\n`);
if (way === 'exit') process.exit(7);
if (way === 'killed') process.kill(process.pid, 'SIGKILL');
setTimeout(() => process.exit(99), 60_000);
