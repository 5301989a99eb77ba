import { homedir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { systemClock } from '#shared/clock/mod.ts';
import { run } from './run.ts';

const stop = new AbortController();
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)
  process.once(signal, () => {
    stop.abort(new Error(signal));
    process.exitCode = code;
  });
// Whoever reads the output has had enough: `wheelhouse get apps | head -1`.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });

const exit = await run(process.argv.slice(2), {
  // In a clone: the fleet that runs from it. Beside the bundle there is none.
  env: { WHEELHOUSE_FLEET: join(import.meta.dirname, '../../.fleet'), ...process.env },
  home: homedir(),
  folder: process.cwd(),
  clock: systemClock,
  fetch: (url, init) => fetch(url, init),
  out: (words) => void process.stdout.write(words),
  err: (words) => void process.stderr.write(words),
  stdin: () => text(process.stdin),
  terminal: process.stdout.isTTY,
  columns: process.stdout.isTTY ? process.stdout.columns : undefined,
  stop: stop.signal,
});
// Not process.exit(): what was written to a pipe may still be on its way.
if (!stop.signal.aborted) process.exitCode = exit;
