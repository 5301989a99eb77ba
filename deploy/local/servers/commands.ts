import { execFile } from 'node:child_process';
import type { Env } from './caches.ts';

export interface Said {
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly env: Env;
  readonly cwd?: string;
  readonly waitMaxMs: number;
  readonly input?: Uint8Array;
  readonly signal?: AbortSignal | undefined;
}

const outputBytesMax = 16 * 1024 * 1024;
const wordsMax = 600;

/** Runs a command to its end. Rejects with an Error that names it and holds the end of what it said on stderr. */
export function runCommand(
  command: string,
  args: readonly string[],
  { env, cwd, waitMaxMs, input, signal }: CommandOptions,
): Promise<Said> {
  const limits = { timeout: waitMaxMs, killSignal: 'SIGKILL', maxBuffer: outputBytesMax } as const;
  return new Promise((resolve, reject) => {
    const child = execFile(command, args, { ...limits, env, cwd, signal }, (error, stdout, stderr) => {
      if (!error) return resolve({ stdout, stderr });
      const late = error.killed ? ` (stopped after ${waitMaxMs / 1000} s)` : '';
      const words = stderr.trim().slice(-wordsMax) || (error.code === 'ENOENT' ? 'not on this machine' : error.message.slice(0, wordsMax));
      reject(new Error(`${[command, args[0]].join(' ')}${late}: ${words}`));
    });
    child.stdin?.on('error', () => {}); // it ended without reading: its exit code says why
    child.stdin?.end(input);
  });
}
