import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf } from '#shared/kernel/mod.ts';
import { ProcessError } from './errors.ts';
import { beganAt } from './running.ts';

export interface LockOptions {
  /** How long to wait for another holder. */
  readonly waitMaxMs: number;
  /** A lock that is older counts as forgotten; absent: after the longest wait. */
  readonly ageMaxMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called once, when somebody else holds the lock. */
  readonly onWait?: (() => void) | undefined;
}

const pollMs = 200;

/**
 * Holds the lock file until disposed of. Between processes of one machine: a lock whose process is gone counts as none. Throws ProcessError LOCKED, or the
 * signal's reason.
 */
export async function holdLock(path: string, { waitMaxMs, ageMaxMs = waitMaxMs, signal, onWait }: LockOptions): Promise<AsyncDisposable> {
  await mkdir(dirname(path), { recursive: true });
  const until = performance.now() + waitMaxMs;
  for (let told = false; !(await create(path)); told = true) {
    if (await isForgotten(path, ageMaxMs)) await takeAway(path);
    else if (performance.now() > until)
      throw new ProcessError(
        'LOCKED',
        `process ${await holderOf(path)} holds ${path}: end it, or remove the file if that one is no part of this`,
      );
    else {
      if (!told) onWait?.();
      await sleep(pollMs, undefined, { signal });
    }
  }
  return { [Symbol.asyncDispose]: () => rm(path, { force: true }) };
}

/** Whether somebody who still runs holds the lock. */
export const isHeld = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => undefined)) !== undefined && !(await isForgotten(path, Infinity));

const holderOf = async (path: string): Promise<string> =>
  /"pid":(\d+)/.exec(await readFile(path, 'utf8').catch(() => ''))?.[1] ?? 'unknown';

async function create(path: string): Promise<boolean> {
  try {
    await writeFile(path, JSON.stringify({ host: hostname(), pid: process.pid, began: beganAt(process.pid) }), { flag: 'wx' });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

async function isForgotten(path: string, ageMaxMs: number): Promise<boolean> {
  try {
    if (Date.now() - (await stat(path)).mtimeMs > ageMaxMs) return true;
    const holder = JSON.parse(await readFile(path, 'utf8')) as { host?: unknown; pid?: unknown; began?: unknown };
    // A process id means something only on the machine, or in the container, that gave it out.
    if (holder.host !== hostname() || typeof holder.pid !== 'number') return false;
    process.kill(holder.pid, 0);
    // Numbers are given out again, after a restart of the machine soon.
    return holder.began !== undefined && holder.began !== beganAt(holder.pid);
  } catch (error) {
    return codeOf(error) === 'ESRCH'; // else it is gone, or being written at this moment: the next round knows
  }
}

/** Renamed first: of two that found the same forgotten lock one takes it away, the other finds nothing. */
async function takeAway(path: string): Promise<void> {
  const aside = `${path}.${process.pid}`;
  try {
    await rename(path, aside);
    await rm(aside, { force: true });
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}
