import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { KubeError } from './errors.ts';

export interface LockOptions {
  /** A lock older than this has been forgotten, whoever holds it. */
  readonly staleMs: number;
  readonly pollMs: number;
  readonly waitMaxMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Called once, when somebody else holds the lock. */
  readonly onWait?: () => void;
}

interface Holder {
  readonly host: string;
  readonly pid: number;
}

/** Does `work` while holding the lock file `path`. Throws BUILD_BUSY after `waitMaxMs` of waiting, the signal's reason when aborted. */
export async function withLock<T>(path: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  await acquire(path, options);
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function acquire(path: string, options: LockOptions): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const mine = JSON.stringify({ host: hostname(), pid: process.pid } satisfies Holder);
  const deadline = performance.now() + options.waitMaxMs;
  for (let told = false; !(await tryToCreate(path, mine));) {
    if (await isStale(path, options.staleMs)) {
      await takeAway(path);
      continue;
    }
    if (!told) options.onWait?.();
    told = true;
    if (performance.now() > deadline)
      throw new KubeError('BUILD_BUSY', `${path} is still held after ${options.waitMaxMs / 60_000} minutes`);
    await sleep(options.pollMs, undefined, { signal: options.signal });
  }
}

async function tryToCreate(path: string, content: string): Promise<boolean> {
  try {
    await writeFile(path, content, { flag: 'wx' });
    return true;
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false;
    throw error;
  }
}

async function isStale(path: string, staleMs: number): Promise<boolean> {
  try {
    const ageMs = Date.now() - (await stat(path)).mtimeMs;
    if (ageMs > staleMs) return true;
    const holder = JSON.parse(await readFile(path, 'utf8')) as Holder;
    // A process id means something only on the machine (or in the container) that gave it out.
    return holder.host === hostname() && !isAlive(holder.pid);
  } catch {
    return false; // gone, or being written at this moment: the next round knows
  }
}

/** Renamed before it is removed: of two who found the same stale lock only one takes it away, and no fresh one is lost. */
async function takeAway(path: string): Promise<void> {
  const aside = `${path}.stale-${process.pid}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (isCode(error, 'ENOENT')) return;
    throw error;
  }
  await rm(aside, { force: true });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return isCode(error, 'EPERM');
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
