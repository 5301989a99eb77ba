import { readlink, rm, symlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { codeOf } from '#shared/kernel/mod.ts';
import { isHeld } from '../processes/mod.ts';

/** `.fleet` in the clone, so that one can type the same words every time. */
export interface Link extends AsyncDisposable {
  /** What to type for the data folder: `.fleet`, or its path when another fleet has that name. */
  readonly name: string;
}

const attemptsMax = 3;

/**
 * Points `.fleet` in `root` at the data folder of a fleet that holds DATA/lock, until disposed of. Another fleet that runs keeps it; one that was killed loses
 * it. A place where nothing can be written has none.
 */
export async function linkFleet(root: string, data: string): Promise<Link> {
  const file = join(root, '.fleet');
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    try {
      await symlink(data, file);
      return { name: '.fleet', [Symbol.asyncDispose]: () => removeOwn(file, data) };
    } catch (error) {
      const there = codeOf(error) === 'EEXIST' ? await readlink(file).catch(() => undefined) : undefined;
      if (there === undefined) break;
      if (resolve(there) !== data && (await isHeld(join(there, 'lock')))) break;
      await rm(file, { force: true });
    }
  }
  return { name: data, [Symbol.asyncDispose]: async () => undefined };
}

async function removeOwn(file: string, data: string): Promise<void> {
  if ((await readlink(file).catch(() => undefined)) === data) await rm(file, { force: true });
}
