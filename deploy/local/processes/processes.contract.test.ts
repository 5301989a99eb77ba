import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { explain } from '#shared/kernel/mod.ts';
import {
  answersOn,
  freePort,
  holdLock,
  isHeld,
  isRunning,
  portAnswers,
  ProcessError,
  runCommand,
  startProcess,
  supervise,
  temporaryFolder,
  type ProcessOptions,
} from './mod.ts';

const waitMaxMs = 10_000;

async function until(what: string, ask: () => boolean): Promise<void> {
  const end = performance.now() + waitMaxMs;
  while (!ask()) {
    if (performance.now() > end) assert.fail(`waited ${waitMaxMs} ms for ${what}`);
    await sleep(10);
  }
}

function folderFor(t: TestContext): string {
  const folder = temporaryFolder('processes');
  t.after(() => folder[Symbol.dispose]());
  return folder.path;
}

const shell = (script: string, more: Partial<ProcessOptions> = {}): ProcessOptions => ({
  name: 'the shell',
  command: '/bin/sh',
  args: ['-c', script],
  output: { line: () => {} },
  ...more,
});

test('a server is waited for until it answers, and leaves neither process nor port', async (t) => {
  const port = await freePort();
  const script = `require('http').createServer((_, r) => r.end('hello')).listen(${port}, '127.0.0.1')`;
  const file = join(folderFor(t), 'logs', 'server.log');
  const server = await startProcess({
    name: 'a server',
    command: process.execPath,
    args: ['-e', script],
    output: { file },
    ready: answersOn(port),
  });
  assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), 'hello');
  assert.equal(server.result, undefined);
  assert.deepEqual(await server.stop(), { code: null, signal: 'SIGTERM' });
  assert.ok(!isRunning(server.pid));
  assert.equal(await portAnswers(port), false);
  assert.deepEqual(await server.stop(), { code: null, signal: 'SIGTERM' });
});

test('lines come as lines, from both streams, all of them before the end', async () => {
  const said: string[] = [];
  await using running = await startProcess(
    shell('echo one; echo two >&2; printf three', { output: { line: (text, stream) => said.push(`${stream} ${text}`) } }),
  );
  assert.deepEqual(await running.ended, { code: 0, signal: null });
  assert.deepEqual(said.toSorted(), ['stderr two', 'stdout one', 'stdout three']);
});

test('what ends before it is ready is told with its last words', async (t) => {
  const file = join(folderFor(t), 'log');
  const ready = { what: 'miracle', ask: async () => false };
  await assert.rejects(
    startProcess(shell('echo cannot bind; exit 3', { output: { file }, ready })),
    (error: unknown) =>
      error instanceof ProcessError &&
      error.code === 'ENDED_EARLY' &&
      /the shell ended with code 3 before there was any miracle/.test(error.message) &&
      /cannot bind/.test(error.message),
  );
});

test('what is never ready is named after a bounded wait, and does not run on', async (t) => {
  const file = join(folderFor(t), 'log');
  const ready = { what: 'answer on 127.0.0.1:1', waitMaxMs: 100, ask: () => Promise.reject(new Error('refused')) };
  await assert.rejects(
    startProcess(shell('echo $$; sleep 600', { output: { file }, ready })),
    (error: unknown) =>
      error instanceof ProcessError &&
      error.code === 'NOT_READY' &&
      /waited 0.1 s for the shell: no answer.*\(refused\)/.test(error.message),
  );
  assert.ok(!isRunning(Number(readFileSync(file, 'utf8'))));
});

test('a wait that is aborted ends with the reason, and nothing runs', async (t) => {
  const file = join(folderFor(t), 'log');
  const stop = new AbortController();
  const ready = { what: 'end', ask: async () => (stop.abort(new Error('enough')), false) };
  await assert.rejects(startProcess(shell('echo $$; sleep 600', { output: { file }, ready, signal: stop.signal })), /enough/);
  const pid = Number(existsSync(file) ? readFileSync(file, 'utf8') : 0);
  assert.ok(pid === 0 || !isRunning(pid));
});

test('a command that is not there is named', async () => {
  const missing = startProcess({ name: 'nobody', command: '/nowhere/nobody', output: 'inherit' });
  await assert.rejects(
    missing,
    (error: unknown) => error instanceof ProcessError && error.code === 'NOT_STARTED' && /nowhere/.test(error.message),
  );
});

test('who does not answer SIGTERM is killed after the grace', async () => {
  let ready = false;
  const output = { line: () => (ready = true) };
  const running = await startProcess(
    shell(`trap '' TERM; echo ready; while :; do sleep 0.05; done`, {
      output,
      graceMs: 150,
      ready: { what: 'line', ask: async () => ready },
    }),
  );
  assert.deepEqual(await running.stop(), { code: null, signal: 'SIGKILL' });
  assert.ok(!isRunning(running.pid));
});

test('what a process started ends with it, also when it ends by itself', async () => {
  const said: string[] = [];
  await using running = await startProcess(shell('sleep 600 & echo $!', { output: { line: (text) => said.push(text) } }));
  assert.equal((await running.ended).code, 0);
  await until('the grandchild to end', () => !isRunning(Number(said[0])));
});

const ways: readonly {
  readonly name: string;
  readonly way: string;
  readonly signal?: NodeJS.Signals;
  readonly ends: number | NodeJS.Signals;
}[] = [
  { name: 'exit', way: 'exit', ends: 3 },
  { name: 'an error that nobody caught', way: 'throw', ends: 1 },
  { name: 'SIGINT', way: 'wait', signal: 'SIGINT', ends: 'SIGINT' },
  { name: 'SIGTERM', way: 'wait', signal: 'SIGTERM', ends: 'SIGTERM' },
  { name: 'SIGHUP', way: 'wait', signal: 'SIGHUP', ends: 'SIGHUP' },
  { name: 'SIGKILL', way: 'wait', signal: 'SIGKILL', ends: 'SIGKILL' },
  { name: 'a signal that is answered', way: 'signal', signal: 'SIGTERM', ends: 9 },
];

for (const { name, way, signal, ends } of ways) {
  test(`on the way out by ${name} nothing is left: no process, no temporary folder`, async () => {
    const parent = spawn(process.execPath, [join(import.meta.dirname, 'testing/parent.ts'), way], { stdio: ['ignore', 'pipe', 'ignore'] });
    const ended = new Promise((resolve) => parent.once('exit', (code, by) => resolve(code ?? by)));
    const line = await new Promise<string>((resolve) => createInterface(parent.stdout).once('line', resolve));
    const { pids, folder } = JSON.parse(line) as { pids: number[]; folder: string };
    if (signal) {
      assert.ok(pids.every(isRunning) && existsSync(folder));
      parent.kill(signal);
    }
    assert.equal(await ended, ends);
    await until('the processes to end', () => !pids.some(isRunning));
    await until('the folder to go', () => !existsSync(folder));
  });
}

const asked = { env: process.env, waitMaxMs };

test('a command gets its input, and what it says on both streams comes back', async () => {
  const said = await runCommand('/bin/sh', ['-c', 'cat; echo; echo oops >&2'], { ...asked, input: Buffer.from('one\ntwo') });
  assert.deepEqual(said, { stdout: 'one\ntwo', stderr: 'oops' });
});

const commands: readonly (readonly [string, string, object, RegExp])[] = [
  ['that fails', 'echo why >&2; exit 3', {}, /^FAILED: .*sh ended with code 3: why$/],
  ['that takes too long', 'sleep 600', { waitMaxMs: 100 }, /^NOT_READY: .*did not end within 0\.1 s$/],
  ['that is stopped', 'sleep 600', { signal: AbortSignal.timeout(100) }, /timeout$/],
  ['that does not read its input', 'exit 4', { input: Buffer.alloc(1_000_000) }, /^FAILED: .*code 4/],
];
for (const [name, script, more, words] of commands) {
  test(`a command ${name} is told so`, () =>
    assert.rejects(runCommand('/bin/sh', ['-c', script], { ...asked, ...more }), (error) => words.test(explain(error))));
}

test('free ports are free, and not given twice', async () => {
  const ports = await Promise.all(Array.from({ length: 20 }, freePort));
  assert.equal(new Set(ports).size, 20);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: ports[0] }, resolve));
  assert.equal(await portAnswers(ports[0] ?? 0), true);
  await new Promise((resolve) => server.close(resolve));
});

test('a lock is held by one at a time, and a forgotten one by nobody', async (t) => {
  const path = join(folderFor(t), 'deep', 'lock');
  const order: string[] = [];
  const first = await holdLock(path, { waitMaxMs: waitMaxMs });
  const second = holdLock(path, { waitMaxMs: waitMaxMs, onWait: () => order.push('waits') }).then((lock) => (order.push('second'), lock));
  await until('the second to wait', () => order.length > 0);
  order.push('first');
  await first[Symbol.asyncDispose]();
  await (await second)[Symbol.asyncDispose]();
  assert.deepEqual(order, ['waits', 'first', 'second']);

  const gone = spawn('/bin/true');
  await new Promise((resolve) => gone.once('exit', resolve));
  const { hostname } = await import('node:os');
  writeFileSync(path, JSON.stringify({ host: hostname(), pid: gone.pid }));
  await using _lock = await holdLock(path, { waitMaxMs: waitMaxMs });
  assert.deepEqual(readdirSync(join(path, '..')), [basename(path)]);
  await assert.rejects(holdLock(path, { waitMaxMs: 50 * 1000, signal: AbortSignal.timeout(20) }), /abort|timeout/i);
});

test('a lock of a process that is gone is held by nobody, even when its number was given out again', async (t) => {
  const path = join(folderFor(t), 'lock');
  assert.equal(await isHeld(path), false);
  const lock = await holdLock(path, { waitMaxMs: 0, ageMaxMs: Infinity });
  assert.equal(await isHeld(path), true);
  await assert.rejects(holdLock(path, { waitMaxMs: 0, ageMaxMs: Infinity }), { code: 'LOCKED' });
  // This very process, had it begun at another time.
  writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, 'utf8')) as object), began: '1' }));
  assert.equal(await isHeld(path), false);
  await lock[Symbol.asyncDispose]();
});

test('a supervised process is started again when it ends, after ever longer waits when it does not start, until it is disposed of', async (t) => {
  const folder = folderFor(t);
  const [program, pidFile] = [join(folder, 'program'), join(folder, 'pid')];
  writeFileSync(program, '#!/bin/sh\nexec sleep 60\n', { mode: 0o700 });
  const said: string[] = [];
  const log = (line: string): void => void said.push(line);
  const kept = await supervise({ name: 'it', command: program, output: { line: () => {} } }, { log, pidFile });
  const first = kept.pid ?? assert.fail('it does not run');
  assert.equal(readFileSync(pidFile, 'utf8'), `${first}\n`);
  chmodSync(program, 0o600);
  kept.kill('SIGKILL');
  await until('an attempt that fails', () => said.length >= 2);
  assert.equal(said[0], 'it ended (SIGKILL); starting it again in 0.5 s');
  assert.match(said[1] ?? '', /^it does not start: .*; next attempt in 1\.0 s$/);
  assert.equal(kept.pid, undefined);
  chmodSync(program, 0o700);
  await until('it to run again', () => kept.pid !== undefined);
  const second = kept.pid ?? 0;
  assert.notEqual(second, first);
  await until('its line', () => said.at(-1) === `it runs again, process ${second}`);
  assert.deepEqual([kept.restarts, readFileSync(pidFile, 'utf8')], [1, `${second}\n`]);
  const told = said.length;
  await kept[Symbol.asyncDispose]();
  assert.deepEqual([isRunning(second), existsSync(pidFile)], [false, false]);
  assert.equal(said.length, told, 'an end that was wanted is not told');
});

test('who was stopped by hand ends at once all the same', async () => {
  const stopped = await startProcess(shell('exec sleep 60', { graceMs: 60_000 }));
  stopped.kill('SIGSTOP');
  assert.deepEqual(await stopped.stop(), { code: null, signal: 'SIGTERM' });
});
