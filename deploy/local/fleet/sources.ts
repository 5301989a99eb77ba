import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '#shared/kernel/mod.ts';
import type { GitServer } from '../servers/mod.ts';
import type { Files } from './sample.ts';

interface Committed {
  readonly digest: string;
  readonly commit: string;
  readonly paths: readonly string[];
}

const author = { name: 'npm start', email: 'start@wheelhouse.example' };

/** Makes the files the content of the repository, unless they are it already; returns the commit that holds them. */
export async function commitOnce(git: GitServer, dir: string, repository: string, files: Files): Promise<string> {
  const file = join(dir, `${repository.replace('/', '.')}.json`);
  const before = await readFile(file, 'utf8').then(
    (text) => JSON.parse(text) as Committed,
    () => undefined,
  );
  const digest = digestOf(JSON.stringify(Object.entries(files).toSorted(([a], [b]) => (a < b ? -1 : 1))));
  if (before?.digest === digest) return before.commit;
  const removed = (before?.paths ?? []).filter((path) => !(path in files)).map((path) => [path, null] as const);
  const message = before ? 'Change the manifests' : 'Add the manifests';
  const commit = await git.commitFiles(repository, { ...files, ...Object.fromEntries(removed) }, message, author);
  await writeFile(file, JSON.stringify({ digest, commit, paths: Object.keys(files) } satisfies Committed));
  return commit;
}
