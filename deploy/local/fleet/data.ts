import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '#shared/kernel/mod.ts';
import { holdLock } from '../processes/mod.ts';
import { StartError } from './arguments.ts';

/** The data folder, for one fleet at a time. Throws StartError DATA_IN_USE that names who has it; a process that was killed has nothing. */
export async function holdData(data: string): Promise<AsyncDisposable> {
  await mkdir(data, { recursive: true, mode: 0o700 });
  const file = join(data, 'lock');
  try {
    // However old it is: a fleet may run for weeks.
    return await holdLock(file, { waitMaxMs: 0, ageMaxMs: Infinity });
  } catch (error) {
    if (codeOf(error) !== 'LOCKED') throw error;
    const { pid } = JSON.parse(await readFile(file, 'utf8').catch(() => '{}')) as { pid?: number };
    const who = pid === undefined ? 'another npm start' : `process ${pid}`;
    throw new StartError('DATA_IN_USE', `${data} is in use by ${who}: stop it, or give another folder to --data`, { cause: error });
  }
}
