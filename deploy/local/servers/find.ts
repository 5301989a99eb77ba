import { access, constants, mkdir, rename, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { explain } from '#shared/kernel/mod.ts';
import { holdLock, runCommand } from '../processes/mod.ts';
import { cacheFolder, makeCache, type Env } from './caches.ts';
import { catalogue, type Catalogued, type ServerName } from './catalogue.ts';
import { unpackDebian } from './debian.ts';
import { ServerError } from './errors.ts';

export type ServerSource = 'PATH' | 'debian' | 'go';

/** A server program that runs on this machine. */
export interface FoundServer {
  readonly command: string;
  /** What it needs beside the environment of this process. */
  readonly env: Readonly<Record<string, string>>;
  readonly version: string;
  readonly from: ServerSource;
}

export interface FindOptions {
  readonly env?: Env;
  /** The ways to try, in this order. */
  readonly sources?: readonly ServerSource[];
  readonly signal?: AbortSignal | undefined;
  /** One line of progress, when something takes time. */
  readonly log?: (line: string) => void;
}

const versionMaxMs = 15_000;
const goInstallMaxMs = 15 * 60_000;
const lockWaitMaxMs = 20 * 60_000;
// Where packages put servers; not on the PATH of everybody.
const moreFolders = ['/usr/local/sbin', '/usr/sbin', '/usr/local/go/bin'];

/**
 * Finds a server on PATH, else unpacks its Debian package into the cache, else builds it with Go. Safe when several processes ask at once. Throws ServerError
 * NOT_FOUND, which says what to install and why no way led to it.
 */
export async function findServer(name: ServerName, options: FindOptions = {}): Promise<FoundServer> {
  const wanted = catalogue[name];
  const failures: string[] = [];
  for (const source of options.sources ?? (['PATH', 'debian', 'go'] as const)) {
    try {
      return await ways[source](name, wanted, { env: process.env, log: () => {}, ...options });
    } catch (error) {
      options.signal?.throwIfAborted();
      failures.push(`${source}: ${explain(error)}`);
    }
  }
  throw new ServerError('NOT_FOUND', `install ${wanted.install}. Ways that were tried: ${failures.join('; ')}`);
}

type Asked = FindOptions & { readonly env: Env; readonly log: (line: string) => void };
type Way = (name: ServerName, wanted: Catalogued, asked: Asked) => Promise<FoundServer>;

const ways: Readonly<Record<ServerSource, Way>> = { PATH: onPath, debian: fromDebian, go: fromGo };

async function onPath(_name: ServerName, wanted: Catalogued, asked: Asked): Promise<FoundServer> {
  const problems: string[] = [];
  for (const command of await programs(wanted.commands, asked.env)) {
    try {
      return { command, env: {}, version: await probe(command, {}, wanted, asked), from: 'PATH' };
    } catch (error) {
      problems.push(explain(error));
    }
  }
  throw new Error(problems.join('; ') || `no ${wanted.commands.join(' or ')}`);
}

async function fromDebian(name: ServerName, wanted: Catalogued, asked: Asked): Promise<FoundServer> {
  const { debian } = wanted;
  const cache = cacheFolder(asked.env);
  const folder = join(cache, `debian-${debian.package}`);
  const env = Object.fromEntries(
    Object.entries(debian.env ?? {}).map(([key, paths]) => [
      key,
      [paths]
        .flat()
        .map((path) => join(folder, path))
        .join(delimiter),
    ]),
  );
  return cached(name, wanted, { command: join(folder, debian.command), env, from: 'debian' }, cache, asked, async () => {
    asked.log(`${debian.package} is not on PATH: unpacking its Debian package into ${cache}`);
    await unpackDebian(debian, folder, { env: asked.env, cache, signal: asked.signal });
  });
}

async function fromGo(name: ServerName, wanted: Catalogued, asked: Asked): Promise<FoundServer> {
  const { go } = wanted;
  if (!go) throw new Error('cannot be built with Go');
  const [compiler] = await programs(['go'], asked.env);
  if (!compiler) throw new Error('no go');
  const cache = cacheFolder(asked.env);
  const folder = join(cache, `go-${go.package.replaceAll(/[^\w.@-]+/g, '-')}`);
  return cached(name, wanted, { command: join(folder, go.command), env: {}, from: 'go' }, cache, asked, async () => {
    asked.log(`${go.command} is not on PATH: building ${go.package} (some minutes)`);
    const partial = `${folder}.partial`;
    await rm(partial, { recursive: true, force: true });
    await mkdir(partial, { recursive: true });
    const own = asked.env['HOME'] ? {} : { GOPATH: join(cache, 'go'), GOCACHE: join(cache, 'go-build'), GOFLAGS: '-modcacherw' };
    const env = { ...own, ...asked.env, GOBIN: partial, CGO_ENABLED: '0' };
    await runCommand(compiler, ['install', '-trimpath', '-ldflags=-s -w', go.package], {
      env,
      waitMaxMs: goInstallMaxMs,
      signal: asked.signal,
    });
    await rm(folder, { recursive: true, force: true });
    await rename(partial, folder);
  });
}

type Place = Omit<FoundServer, 'version'>;

/** The program in its place in the cache, put there first if it is not there or does not run. */
async function cached(
  name: ServerName,
  wanted: Catalogued,
  place: Place,
  cache: string,
  asked: Asked,
  make: () => Promise<void>,
): Promise<FoundServer> {
  const there = async (): Promise<FoundServer> => ({ ...place, version: await probe(place.command, place.env, wanted, asked) });
  try {
    return await there();
  } catch {
    // Not yet there, or half of it: made new below.
  }
  await makeCache(cache);
  // One lock for all: apt's lists are shared.
  await using _lock = await holdLock(join(cache, 'servers.lock'), {
    waitMaxMs: lockWaitMaxMs,
    signal: asked.signal,
    onWait: () => asked.log(`${name} waits: something else is being fetched into ${cache}`),
  });
  // Awaited here: what is returned unawaited outlives the lock.
  return await there().catch(async () => {
    await make();
    return there();
  });
}

/** The version, if it is the program it should be and runs here. */
async function probe(command: string, extra: Readonly<Record<string, string>>, wanted: Catalogued, asked: Asked): Promise<string> {
  const env = { ...asked.env, ...extra };
  const { stdout, stderr } = await runCommand(command, wanted.versionArgs, { env, waitMaxMs: versionMaxMs, signal: asked.signal });
  const version = wanted.version.exec(stdout + stderr)?.[1];
  if (!version) throw new Error(`${command} is another program: it said "${(stdout + stderr).trim().slice(0, 80)}"`);
  if (wanted.needs) await runCommand(command, wanted.needs, { env, waitMaxMs: versionMaxMs, signal: asked.signal });
  return version;
}

async function programs(names: readonly string[], env: Env): Promise<readonly string[]> {
  const folders = [...(env['PATH'] ?? '').split(delimiter).filter((path) => path.startsWith('/')), ...moreFolders];
  const found: string[] = [];
  for (const path of names.flatMap((name) => folders.map((folder) => join(folder, name)))) {
    const runs = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (runs && !found.includes(path)) found.push(path);
  }
  return found;
}
