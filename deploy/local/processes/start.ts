import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { explain } from '#shared/kernel/mod.ts';
import { ProcessError } from './errors.ts';
import { guardGroup, killGroup, releaseGroup } from './guards.ts';
import { lastLines } from './logs.ts';
import { isGroupRunning } from './running.ts';

/** When a process is ready, and how to say what is waited for: "an answer on 127.0.0.1:4222". */
export interface Readiness {
  readonly what: string;
  /** Asked again and again until it says true; a rejection is a "not yet", and the last one is told if time runs out. */
  readonly ask: (signal: AbortSignal) => Promise<boolean>;
  readonly waitMaxMs?: number;
}

/** `inherit`: to this process's own stdout and stderr. A file is appended to, both streams, without passing through this process. */
export type Output = 'inherit' | { readonly file: string } | { readonly line: (text: string, stream: 'stdout' | 'stderr') => void };

export interface ProcessOptions {
  /** What people call it. */
  readonly name: string;
  readonly command: string;
  readonly args?: readonly string[];
  /** The whole environment; absent: this process's own. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string | undefined;
  readonly output: Output;
  /** What it reads; absent: nothing. */
  readonly input?: Uint8Array | undefined;
  readonly ready?: Readiness;
  /** How long it may take to end after SIGTERM before it is killed. */
  readonly graceMs?: number;
  /** Ends the wait for readiness, and the process with it. Afterwards it has no effect: `stop` does. */
  readonly signal?: AbortSignal | undefined;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ManagedProcess extends AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  /** Resolves when it has ended, by itself or not. */
  readonly ended: Promise<Ended>;
  /** undefined while it runs. */
  readonly result: Ended | undefined;
  /** To its whole process group. */
  kill(signal: NodeJS.Signals): void;
  /** SIGTERM, after the grace SIGKILL; resolves when nothing of its process group is left. May be called again. */
  stop(): Promise<Ended>;
}

const defaultGraceMs = 5_000;
const defaultReadyMaxMs = 15_000;
const askEveryMs = 25;
const oneAskMaxMs = 2_000;
const leftoversWaitMaxMs = 500;
const lineCharactersMax = 64 * 1024;

/**
 * Starts a process in a process group of its own and waits until it is ready. It ends when it is stopped, and with this process, whatever way that ends.
 * Throws ProcessError, which names the process, what was waited for and the last lines that it said; nothing runs then.
 */
export async function startProcess(options: ProcessOptions): Promise<ManagedProcess> {
  options.signal?.throwIfAborted();
  const child = await spawned(options);
  const managed = manage(child, options);
  if (!options.ready) return managed;
  try {
    await untilReady(managed, options.ready, options);
    return managed;
  } catch (error) {
    await managed.stop();
    throw error;
  }
}

async function spawned({
  name,
  command,
  args = [],
  env = process.env,
  cwd,
  output,
  input,
}: ProcessOptions): Promise<ChildProcess & { pid: number }> {
  let file: number | undefined;
  if (typeof output === 'object' && 'file' in output) {
    mkdirSync(dirname(output.file), { recursive: true });
    file = openSync(output.file, 'a', 0o600);
  }
  const sink = output === 'inherit' ? 'inherit' : (file ?? 'pipe');
  try {
    // A group of its own: one signal reaches all that it starts, and Ctrl-C in a terminal does not reach it before we decide.
    const child = spawn(command, args, { cwd, env, stdio: [input ? 'pipe' : 'ignore', sink, sink], detached: true });
    if (child.pid !== undefined) guardGroup(child.pid);
    await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject));
    child.stdin?.on('error', () => {}); // it ended without reading all: how it ended says why
    child.stdin?.end(input);
    if (typeof output === 'object' && 'line' in output) passLines(child, output.line);
    return child as ChildProcess & { pid: number };
  } catch (error) {
    throw new ProcessError('NOT_STARTED', `${name} could not be started as ${command}`, { cause: error });
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function passLines(child: ChildProcess, line: (text: string, stream: 'stdout' | 'stderr') => void): void {
  for (const stream of ['stdout', 'stderr'] as const) {
    const from = child[stream];
    if (from) createInterface({ input: from, crlfDelay: Infinity }).on('line', (text) => line(text.slice(0, lineCharactersMax), stream));
  }
}

function manage(child: ChildProcess & { pid: number }, { name, output, graceMs = defaultGraceMs }: ProcessOptions): ManagedProcess {
  const { pid } = child;
  let result: Ended | undefined;
  let stopping: Promise<Ended> | undefined;
  // With pipes, `close` comes when all has been read; without, it is the same moment as `exit`.
  const event = typeof output === 'object' && 'line' in output ? 'close' : 'exit';
  const ended = new Promise<Ended>((resolve) =>
    child.once(event, (code: number | null, signal: NodeJS.Signals | null) => resolve({ code, signal })),
  );

  const kill = (signal: NodeJS.Signals): void => killGroup(pid, signal);
  const stopOnce = async (): Promise<Ended> => {
    kill('SIGTERM');
    // Whoever was stopped by hand hears it only then.
    kill('SIGCONT');
    await within(graceMs, () => result !== undefined);
    // What it started gets a moment more, not a grace of its own.
    await within(leftoversWaitMaxMs, () => !isGroupRunning(pid));
    kill('SIGKILL');
    await ended;
    await within(leftoversWaitMaxMs, () => !isGroupRunning(pid));
    releaseGroup(pid);
    return ended;
  };
  const stop = (): Promise<Ended> => (stopping ??= stopOnce());
  child.once('exit', (code, signal) => {
    result = { code, signal };
    void stop(); // what it started must not outlive it either
  });
  return {
    name,
    pid,
    ended,
    get result() {
      return result;
    },
    kill,
    stop,
    [Symbol.asyncDispose]: async () => void (await stop()),
  };
}

async function within(waitMaxMs: number, done: () => boolean): Promise<boolean> {
  const until = performance.now() + waitMaxMs;
  while (!done()) {
    if (performance.now() > until) return false;
    await sleep(10);
  }
  return true;
}

async function untilReady(managed: ManagedProcess, ready: Readiness, options: ProcessOptions): Promise<void> {
  const waitMaxMs = ready.waitMaxMs ?? defaultReadyMaxMs;
  const until = performance.now() + waitMaxMs;
  let last: unknown;
  for (;;) {
    options.signal?.throwIfAborted();
    if (managed.result) {
      const how = managed.result.signal ?? `code ${managed.result.code}`;
      throw new ProcessError('ENDED_EARLY', `${managed.name} ended with ${how} before there was any ${ready.what}${said(options.output)}`);
    }
    try {
      const one = AbortSignal.timeout(oneAskMaxMs);
      if (await ready.ask(options.signal ? AbortSignal.any([options.signal, one]) : one)) return;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() > until) {
      const why = last === undefined ? '' : ` (${explain(last)})`;
      throw new ProcessError(
        'NOT_READY',
        `waited ${waitMaxMs / 1000} s for ${managed.name}: no ${ready.what}${why}${said(options.output)}`,
      );
    }
    await sleep(askEveryMs);
  }
}

function said(output: Output): string {
  const lines = typeof output === 'object' && 'file' in output ? lastLines(output.file) : '';
  return lines && `; it said:\n${lines}`;
}
