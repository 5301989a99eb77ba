import { type ChildProcess, spawn } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';

const LOG_TAIL_LINES = 15;

/** One process of a control plane. */
export interface Part {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  /** Resolves, never rejects, with how the process ended. */
  readonly ended: Promise<string>;
  readonly isRunning: () => boolean;
  signal(name: 'SIGSTOP' | 'SIGCONT'): void;
  /** Ends the process; SIGTERM first if it may take `graceMs` for it. */
  stop(graceMs: number): Promise<void>;
}

const running = new Set<ChildProcess>();
let isGuarded = false;

export interface PartOptions {
  readonly name: string;
  readonly binary: string;
  readonly args: readonly string[];
  readonly home: string;
  readonly logFile: string;
  /** `empty` the log first, or `append` to what is there. */
  readonly log: 'empty' | 'append';
}

/** Starts a process with its output in a file. It dies with this process, whatever way this one ends. */
export async function startPart({ name, binary, args, home, logFile, log: mode }: PartOptions): Promise<Part> {
  guard();
  // A file, not a pipe: what a part says is readable while it runs and after everything is gone.
  await using log = await open(logFile, mode === 'empty' ? 'w' : 'a', 0o600);
  const env = { ...partEnv(home), WHEELHOUSE_GUARDED_FD: '3' };
  const child = spawn(binary, args, { env, stdio: ['ignore', log.fd, log.fd, 'pipe'] });
  const guarded = new Promise((resolve) => (child.stdio[3] as Readable).once('close', resolve).resume());
  await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject));
  running.add(child);
  const ended = new Promise<string>((resolve) =>
    child.once('exit', (code, signal) => {
      running.delete(child);
      resolve(signal ?? `exit code ${code}`);
    }),
  );
  await guarded; // or ended, which whoever waits for it will see
  return {
    name,
    pid: child.pid ?? 0,
    logFile,
    ended,
    isRunning: () => running.has(child),
    signal: (signal) => void child.kill(signal),
    stop: (graceMs) => stop(child, ended, graceMs),
  };
}

/** The environment of every process started here: nothing of the user's (kubeconfig, proxies, HOME) reaches it. */
export function partEnv(home: string): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', HOME: home, KUBERC: 'off', WHEELHOUSE_PARENT_PID: String(process.pid) };
}

/** The last lines that a part wrote, for the message of an error. */
export async function logTail(part: Part): Promise<string> {
  const text = await readFile(part.logFile, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-LOG_TAIL_LINES).join('\n');
}

async function stop(child: ChildProcess, ended: Promise<string>, graceMs: number): Promise<void> {
  if (running.has(child) && graceMs > 0) {
    child.kill('SIGTERM');
    child.kill('SIGCONT'); // a stopped process hears nothing
    const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
    await ended;
    clearTimeout(timer);
    return;
  }
  child.kill('SIGKILL');
  await ended;
}

/** For exits that wait for nothing, such as process.exit(). A SIGKILL of this process is seen by the parts themselves (parent.go). */
function guard(): void {
  if (isGuarded) return;
  isGuarded = true;
  process.on('exit', () => {
    for (const child of running) child.kill('SIGKILL');
  });
}
