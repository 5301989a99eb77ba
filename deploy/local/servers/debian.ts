import { mkdir, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../processes/mod.ts';
import type { Env } from './caches.ts';

const updateMaxMs = 180_000;
const downloadMaxMs = 300_000;
const unpackMaxMs = 60_000;
// Lists that are older may name packages that the mirror no longer has.
const listsAgeMaxMs = 3_600_000;

export interface DebianOptions {
  readonly env: Env;
  /** The cache folder; nothing outside it is written. */
  readonly cache: string;
  readonly signal?: AbortSignal | undefined;
}

export interface DebianPackage {
  readonly package: string;
  /** Also what it depends on and this machine has not; recommendations apart. */
  readonly dependencies?: true;
  readonly also?: readonly string[];
}

/**
 * Downloads a Debian package (apt checks signature and hashes) and unpacks it into `folder`, without root and without installing anything: apt gets lists
 * and archives of its own. The caller holds a lock on the cache. Rejects where there is no apt, no network or no such package.
 */
export async function unpackDebian(wanted: DebianPackage, folder: string, { env, cache, signal }: DebianOptions): Promise<void> {
  const state = join(cache, 'apt');
  const partial = `${folder}.partial`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });
  const downloads = join(partial, '.download');
  for (const path of [join(state, 'state/lists/partial'), join(state, 'cache/archives/partial'), downloads])
    await mkdir(path, { recursive: true });

  const apt = (args: readonly string[], waitMaxMs: number): Promise<{ readonly stdout: string }> =>
    runCommand('apt-get', [...aptOptions(state), ...args], { env: { ...env, LC_ALL: 'C' }, cwd: downloads, waitMaxMs, signal });
  if (!(await isFresh(join(state, 'updated')))) {
    await apt(['update'], updateMaxMs);
    await writeFile(join(state, 'updated'), '');
    await utimes(join(state, 'updated'), new Date(), new Date());
  }
  const names = [wanted.package, ...(wanted.also ?? [])];
  // What it would install, as it says itself: "Inst NAME (VERSION ...)".
  const simulated = wanted.dependencies ? await apt(['install', '-s', '--no-install-recommends', ...names], updateMaxMs) : { stdout: '' };
  const more = Array.from(simulated.stdout.matchAll(/^Inst (\S+)/gm), ([, name = '']) => name);
  await apt(['download', ...new Set([...names, ...more])], downloadMaxMs);
  const archives = (await readdir(downloads)).filter((file) => file.endsWith('.deb'));
  if (archives.length === 0) throw new Error(`apt-get download ${wanted.package} left no package`);
  for (const archive of archives)
    await runCommand('dpkg-deb', ['-x', join(downloads, archive), partial], { env, waitMaxMs: unpackMaxMs, signal });
  await rm(downloads, { recursive: true });
  await rm(folder, { recursive: true, force: true });
  await rename(partial, folder);
}

/** Folders of its own for everything that apt writes, the machine's list of installed packages to read; as root it stays root (its own user could not enter). */
function aptOptions(state: string): readonly string[] {
  const options = {
    'Dir::State': join(state, 'state'),
    'Dir::State::status': '/var/lib/dpkg/status',
    'Dir::Cache': join(state, 'cache'),
    'Debug::NoLocking': '1',
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '3',
    'Acquire::http::Timeout': '20',
    'Acquire::https::Timeout': '20',
  };
  return ['-q', ...Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`])];
}

async function isFresh(path: string): Promise<boolean> {
  try {
    const ageMs = Date.now() - (await stat(path)).mtimeMs;
    return ageMs >= 0 && ageMs < listsAgeMaxMs;
  } catch {
    return false;
  }
}
