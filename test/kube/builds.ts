import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, lstat, mkdir, readFile, readdir, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { KubeError } from './errors.ts';
import { withLock } from './locks.ts';

export type Env = Readonly<Record<string, string | undefined>>;

export interface BuildOptions {
  readonly env?: Env;
  readonly signal?: AbortSignal | undefined;
  /** One line of progress. */
  readonly log?: ((line: string) => void) | undefined;
}

const KUBERNETES_VERSION = 'v1.36.3';
const GO_NEEDED = { major: 1, minor: 26 };
const INSTEAD = `install Go >= ${GO_NEEDED.major}.${GO_NEEDED.minor} (https://go.dev/dl) or use --kubeconfig FILE`;
const BUILD_MAX_MS = 30 * 60_000;
const PROGRESS_EVERY_MS = 10_000;
const sources = import.meta.dirname;

// Without a version kubectl and clients cannot parse what the server says about itself.
const versionFlags = Object.entries({ gitVersion: KUBERNETES_VERSION, gitMajor: '1', gitMinor: '36' })
  .map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`)
  .join(' ');
const buildFlags = ['-mod=readonly', '-buildvcs=false', '-trimpath', '-ldflags', `-s -w ${versionFlags}`];

/**
 * The path of the `wheelhouse-kube` binary, built first if this version of it is not in the cache yet.
 *
 * Safe when several processes ask at once: one builds, the others wait. Throws KubeError.
 */
export async function buildKube({ env = process.env, signal, log = () => {} }: BuildOptions = {}): Promise<string> {
  const root = cacheFolder(env);
  const folder = join(root, `kube-${await sourceHash()}`);
  const binary = join(folder, 'wheelhouse-kube');
  if (await exists(binary)) return binary;

  await makeOwnFolder(root);
  const onWait = () => log('another process is building the control plane: waiting for it');
  await withLock(`${folder}.lock`, { staleMs: BUILD_MAX_MS, pollMs: 500, waitMaxMs: BUILD_MAX_MS, signal, onWait }, async () => {
    if (await exists(binary)) return;
    const go = await findGo(env);
    const partial = `${folder}.partial`;
    await rm(partial, { recursive: true, force: true });
    await compile(go, join(partial, 'wheelhouse-kube'), { env: goEnv(env, root), signal, log });
    await symlink('wheelhouse-kube', join(partial, 'kubectl'));
    await rename(partial, folder);
  });
  return binary;
}

/** Where built things are kept, outside any clone: `$WHEELHOUSE_CACHE`, `$XDG_CACHE_HOME` or `~/.cache`, then `wheelhouse`. */
export function cacheFolder(env: Env): string {
  const base = env['WHEELHOUSE_CACHE'] || env['XDG_CACHE_HOME'] || (env['HOME'] && join(env['HOME'], '.cache'));
  // Without a home there is no place of one's own but a private folder among the temporary ones.
  return join(base || join(tmpdir(), `cache-${userInfo().uid}`), 'wheelhouse');
}

/** The environment of the Go command: its caches move under ours when there is no home to keep them in. */
export function goEnv(env: Env, root: string): Record<string, string | undefined> {
  const own = env['HOME'] ? {} : { GOPATH: join(root, 'go'), GOCACHE: join(root, 'go-build'), GOMODCACHE: join(root, 'go', 'pkg', 'mod') };
  // No cgo: neither a C compiler nor its headers need to be there. No other toolchain is downloaded, no workspace around the clone counts.
  return { ...own, ...env, GOTOOLCHAIN: 'local', GOWORK: 'off', CGO_ENABLED: '0' };
}

/** Names what the binary is made of: every source, the pinned modules, the flags and the machine. */
export async function sourceHash(dir: string = sources): Promise<string> {
  const files = (await readdir(dir)).filter((name) => /^go\.(mod|sum)$|\.go$/.test(name)).sort();
  const hash = createHash('sha256').update(JSON.stringify([buildFlags, process.platform, process.arch]));
  for (const file of files) hash.update(`\0${file}\0`).update(await readFile(join(dir, file)));
  return hash.digest('hex').slice(0, 16);
}

/** Throws GO_MISSING or GO_TOO_OLD unless `output` (of `go version`) names a Go that can build this. */
export function checkGoVersion(output: string): void {
  const found = /go version go(\d+)\.(\d+)/.exec(output);
  if (!found) throw new KubeError('GO_MISSING', `"go version" said "${output.trim().slice(0, 200)}": ${INSTEAD}`);
  const [major, minor] = [Number(found[1]), Number(found[2])];
  if (major < GO_NEEDED.major || (major === GO_NEEDED.major && minor < GO_NEEDED.minor)) {
    throw new KubeError('GO_TOO_OLD', `Go ${major}.${minor} cannot build Kubernetes ${KUBERNETES_VERSION}: ${INSTEAD}`);
  }
}

async function findGo(env: Env): Promise<string> {
  // The second is where Go's own instructions install it; not every shell has it on PATH.
  for (const go of ['go', '/usr/local/go/bin/go']) {
    const said = await promisify(execFile)(go, ['version'], { env: { ...env, GOTOOLCHAIN: 'local' }, timeout: 30_000 }).catch(
      () => undefined,
    );
    if (!said) continue;
    checkGoVersion(said.stdout);
    return go;
  }
  throw new KubeError('GO_MISSING', `Go, which builds the control plane, is not on this machine: ${INSTEAD}`);
}

interface CompileOptions {
  readonly env: Env;
  readonly signal: AbortSignal | undefined;
  readonly log: (line: string) => void;
}

async function compile(go: string, binary: string, { env, signal, log }: CompileOptions): Promise<void> {
  log(`building Kubernetes ${KUBERNETES_VERSION} (once; about five minutes on two cores with empty caches)`);
  const started = performance.now();
  const timeout = AbortSignal.timeout(BUILD_MAX_MS);
  const child = spawn(go, ['build', '-v', ...buildFlags, '-o', binary, '.'], {
    cwd: sources,
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
    signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
  });
  const killOnExit = () => child.kill('SIGKILL');
  process.once('exit', killOnExit);
  const counts = { downloaded: 0, compiled: 0 };
  const seconds = () => Math.round((performance.now() - started) / 1000);
  const progress = setInterval(
    () => log(`building: ${counts.downloaded} modules downloaded, ${counts.compiled} packages compiled, ${seconds()} s`),
    PROGRESS_EVERY_MS,
  );
  const last: string[] = [];
  createInterface(child.stderr).on('line', (line) => {
    if (line.startsWith('go: downloading ')) counts.downloaded += 1;
    else if (/^[\w.-]+(\/[\w.~+-]+)*$/.test(line)) counts.compiled += 1;
    else last.push(line);
    if (last.length > 20) last.shift();
  });
  try {
    const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
    if (code !== 0) throw new KubeError('BUILD_FAILED', `go build ended with ${String(code)}:\n${last.join('\n')}`);
  } catch (error) {
    if (timeout.aborted) throw new KubeError('BUILD_FAILED', `go build took more than ${BUILD_MAX_MS / 60_000} minutes`, { cause: error });
    throw signal?.aborted ? signal.reason : error;
  } finally {
    clearInterval(progress);
    process.off('exit', killOnExit);
  }
  log(`built in ${seconds()} s`);
}

async function makeOwnFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  // Below a shared temporary folder somebody else may have made it first, and what is in it will be run.
  if ((await lstat(path)).uid !== userInfo().uid)
    throw new KubeError('BUILD_FAILED', `${path} belongs to somebody else: set WHEELHOUSE_CACHE`);
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
