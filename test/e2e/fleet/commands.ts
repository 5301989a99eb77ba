import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { commandOf, portsListening, portsOf, processesNaming } from './traces.ts';
import { eventually } from './waits.ts';

const root = join(import.meta.dirname, '../../..');
const endMaxMs = 480_000;

export interface Said {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `npm start -- ...` as a person would run it. */
export interface Command extends AsyncDisposable {
  readonly pid: number;
  readonly ended: Promise<Said>;
  /** What it has printed so far, on both. */
  readonly output: () => string;
  kill(signal: NodeJS.Signals): void;
}

/** `temporary` is its TMPDIR: by it, all that it starts is found. Signals go to the whole group, as a terminal sends them: npm passes none on. */
export function npmStart(args: readonly string[], temporary: string, env: Readonly<Record<string, string>> = {}): Command {
  return run('npm', ['start', '--silent', '--', ...real(args)], { temporary, env, group: true });
}

/** These tests are about what is right, which real control planes decide. */
const real = (args: readonly string[]): string[] => [...args, ...(args.includes('--kubernetes') ? [] : ['--kubernetes', 'real'])];

/** The same without npm in between; signals go to the launcher alone. */
export function launch(args: readonly string[], temporary: string, env: Readonly<Record<string, string>> = {}): Command {
  const files = ['deploy/local/launch.mjs', 'deploy/local/start.ts'].map((file) => join(root, file));
  return run(process.execPath, [...files, ...real(args)], { temporary, env, group: false });
}

interface Surroundings {
  readonly temporary: string;
  readonly env: Readonly<Record<string, string>>;
  readonly group: boolean;
}

function run(command: string, args: readonly string[], { temporary, env, group }: Surroundings): Command {
  const child = spawn(command, args, {
    cwd: root,
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, TMPDIR: temporary, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${command} does not start`);
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  let over = false;
  let cut = false;
  const ended = once(child, 'close').then(([code, signal]): Said => {
    over = true;
    // Else what is killed here would count as ended by itself, and its guards would tidy up for it.
    if (cut) throw new Error(`${command} had not ended after ${endMaxMs} ms: ${stdout}${stderr}`);
    return { code, signal, stdout, stderr };
  });
  const killAll = (): void => {
    if (over) return;
    killGroup(pid);
    for (const one of processesNaming(temporary)) killOne(one);
  };
  const tooLong = setTimeout(() => {
    cut = true;
    killAll();
  }, endMaxMs);
  void ended.catch(() => undefined).finally(() => clearTimeout(tooLong));
  return {
    pid,
    ended,
    output: () => stdout + stderr,
    kill: (signal) => void process.kill(group ? -pid : pid, signal),
    [Symbol.asyncDispose]: async () => {
      killAll();
      await ended.catch(() => undefined);
    },
  };
}

const killGroup = (pid: number): void => killOne(-pid);

function killOne(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // gone
  }
}

/** Everything of it that can be seen from outside while it runs. */
export const tracesOf = (temporary: string) => {
  const pids = processesNaming(temporary);
  return { pids, ports: portsOf(pids) };
};

/** No process, no listening port, and in its temporary folder only what is named. */
export async function assertNothingLeft(temporary: string, seen: ReturnType<typeof tracesOf>, names: readonly string[]): Promise<void> {
  await eventually(
    'everything to be gone',
    15_000,
    async () => {
      const { pids } = tracesOf(temporary);
      const open = portsListening();
      // npm's own cache of its code stays, as it does in anybody's.
      const left = (await readdir(temporary)).filter((name) => name !== 'node-compile-cache');
      const gone = pids.length === 0 && !seen.ports.some((port) => open.has(port)) && left.join() === names.join();
      return gone || undefined;
    },
    () =>
      `folder: ${readdirSync(temporary).join()}; processes: ${tracesOf(temporary).pids.map(commandOf).join(' | ')}; ports: ${seen.ports.filter((port) => portsListening().has(port)).join()}`,
  );
}
