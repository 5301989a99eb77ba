import { readFile, readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { codeOf } from '#shared/kernel/mod.ts';
import { CliError, usageError } from '../exits.ts';
import type { Io } from '../io.ts';

/** A file of resources, by the name that it was given. */
export interface NamedText {
  readonly file: string;
  readonly text: string;
}

const extensions = /\.(ya?ml|json)$/;
const filesMax = 1_000;

/** What -f names: files, the YAML and JSON of folders, `-` for stdin. Throws CliError USAGE, FILE. */
export async function readSets(
  io: Pick<Io, 'folder' | 'stdin'>,
  names: readonly string[],
  recursive: boolean,
): Promise<readonly NamedText[]> {
  const found: NamedText[] = [];
  for (const name of names) {
    if (name === '-') found.push({ file: 'stdin', text: await io.stdin() });
    else for (const file of await filesAt(io.folder, name, recursive)) found.push({ file, text: await textAt(io.folder, file) });
  }
  if (found.length > filesMax) throw usageError(`more than ${filesMax} files`, 'apply in parts');
  return found;
}

async function filesAt(folder: string, name: string, recursive: boolean): Promise<readonly string[]> {
  const found = await stat(resolve(folder, name)).catch((error: unknown) => {
    throw unreadable(name, error);
  });
  if (!found.isDirectory()) return [name];
  const entries = await readdir(resolve(folder, name), { recursive });
  const files = entries.filter((entry) => extensions.test(entry)).toSorted();
  if (files.length === 0)
    throw new CliError('FILE', `${name} holds no .yaml, .yml or .json file`, {
      next: recursive ? 'name another folder' : '-R looks into its folders as well',
    });
  return files.map((file) => join(name, file));
}

const textAt = (folder: string, name: string): Promise<string> =>
  readFile(resolve(folder, name), 'utf8').catch((error: unknown) => {
    throw unreadable(name, error);
  });

const unreadable = (name: string, cause: unknown): CliError =>
  new CliError('FILE', codeOf(cause) === 'ENOENT' ? `${name} is not there` : `${name} cannot be read (${codeOf(cause) ?? 'unknown'})`, {
    next: 'name a file, a folder, or - for stdin',
    cause,
  });
