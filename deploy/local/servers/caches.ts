import { lstat, mkdir } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { ServerError } from './errors.ts';

export type Env = Readonly<Record<string, string | undefined>>;

/** Where unpacked and built things are kept, outside any clone: `WHEELHOUSE_CACHE`, else `wheelhouse` in `XDG_CACHE_HOME`, in `~/.cache`, among the temporary files. */
export function cacheFolder(env: Env): string {
  if (env['WHEELHOUSE_CACHE']) return resolve(env['WHEELHOUSE_CACHE']);
  if (env['XDG_CACHE_HOME']) return join(env['XDG_CACHE_HOME'], 'wheelhouse');
  if (env['HOME']) return join(env['HOME'], '.cache', 'wheelhouse');
  return join(tmpdir(), `wheelhouse-cache-${userInfo().uid}`);
}

/** Makes the folder, for this user only. What is kept in it will be run, so one that somebody else owns is refused. */
export async function makeCache(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  if ((await lstat(path)).uid !== userInfo().uid)
    throw new ServerError('NOT_FOUND', `${path} belongs to somebody else: set WHEELHOUSE_CACHE`);
}
