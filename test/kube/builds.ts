import { createHash } from 'node:crypto';
import { access, readFile, readdir, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { holdLock, runCommand } from '#deploy/local/processes/mod.ts';
import { cacheFolder, makeCache } from '#deploy/local/servers/mod.ts';
import { type CompileOptions, compile } from './compiles.ts';
import { KubeError } from './errors.ts';

export type Env = Readonly<Record<string, string | undefined>>;

export interface BuildOptions {
  readonly env?: Env;
  readonly signal?: AbortSignal | undefined;
  /** One line of progress. */
  readonly log?: CompileOptions['log'] | undefined;
}

const KUBERNETES_VERSION = 'v1.36.3';
const GO_NEEDED = { major: 1, minor: 26 };
const INSTEAD = `install Go >= ${GO_NEEDED.major}.${GO_NEEDED.minor} (https://go.dev/dl) or use --kubeconfig FILE`;
const BUILD_MAX_MS = 30 * 60_000;
const sources = import.meta.dirname;

// Without a version kubectl and clients cannot parse what the server says about itself.
const versionFlags = Object.entries({ gitVersion: KUBERNETES_VERSION, gitMajor: '1', gitMinor: '36' })
  .map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`)
  .join(' ');
const buildFlags = ['-mod=readonly', '-buildvcs=false', '-trimpath', '-ldflags', `-s -w ${versionFlags}`];

/**
 * The path of the `wheelhouse-kube` binary, built first if this version of it is not in the cache yet; `kubectl` is beside it.
 *
 * Safe when several processes ask at once: one builds, the others wait. Throws KubeError.
 */
export async function buildKube({ env = process.env, signal, log = () => {} }: BuildOptions = {}): Promise<string> {
  const root = cacheFolder(env);
  const folder = join(root, `kube-${await sourceHash()}`);
  const binary = join(folder, 'wheelhouse-kube');
  if (await exists(binary)) return binary;

  await makeCache(root);
  const onWait = (): void => log('another process is building the control plane: waiting for it');
  await using _lock = await holdLock(`${folder}.lock`, { waitMaxMs: BUILD_MAX_MS, signal, onWait });
  if (await exists(binary)) return binary;
  const go = await findGo(env);
  const partial = `${folder}.partial`;
  await rm(partial, { recursive: true, force: true });
  log(`building Kubernetes ${KUBERNETES_VERSION} (once; about five minutes on two cores with empty caches)`);
  const args = ['build', '-v', ...buildFlags, '-o', join(partial, 'wheelhouse-kube'), '.'];
  await compile({ go, args, dir: sources, env: goEnv(env, root), maxMs: BUILD_MAX_MS, signal, log });
  await symlink('wheelhouse-kube', join(partial, 'kubectl'));
  await rename(partial, folder); // whoever finds the folder finds all of it
  return binary;
}

/** The environment of the Go command: its caches move into `root` when there is no home to keep them in. */
export function goEnv(env: Env, root: string): Env {
  const own = { GOPATH: join(root, 'go'), GOMODCACHE: join(root, 'go', 'pkg', 'mod'), GOCACHE: join(root, 'go-build') };
  // No cgo: neither a C compiler nor its headers need to be there. No other toolchain is fetched, no workspace around the clone counts.
  return { ...(env['HOME'] ? {} : own), ...env, GOTOOLCHAIN: 'local', GOWORK: 'off', CGO_ENABLED: '0' };
}

/** Names what the binary is made of: every source, the pinned modules, the flags and the kind of machine. */
export async function sourceHash(dir: string = sources): Promise<string> {
  const files = (await readdir(dir)).filter((name) => /^go\.(mod|sum)$|\.go$/.test(name)).sort();
  const hash = createHash('sha256').update(JSON.stringify([buildFlags, process.platform, process.arch]));
  for (const file of files) hash.update(`\0${file}\0`).update(await readFile(join(dir, file)));
  return hash.digest('hex').slice(0, 16);
}

/** Throws GO_MISSING or GO_TOO_OLD unless `said`, what `go version` printed, names a Go that can build this. */
export function checkGoVersion(said: string): void {
  const found = /go version go(\d+)\.(\d+)/.exec(said);
  if (!found) throw new KubeError('GO_MISSING', `"go version" says "${said.trim().slice(0, 200)}": ${INSTEAD}`);
  const [major, minor] = [Number(found[1]), Number(found[2])];
  if (major < GO_NEEDED.major || (major === GO_NEEDED.major && minor < GO_NEEDED.minor)) {
    throw new KubeError('GO_TOO_OLD', `Go ${major}.${minor} cannot build Kubernetes ${KUBERNETES_VERSION}: ${INSTEAD}`);
  }
}

// The second is where Go's own instructions install it; not every shell has it on PATH.
const places = ['go', '/usr/local/go/bin/go'];

/** The first Go found, if it can build this. Throws GO_MISSING or GO_TOO_OLD. */
export async function findGo(env: Env, candidates: readonly string[] = places): Promise<string> {
  for (const go of candidates) {
    const options = { env: { ...env, GOTOOLCHAIN: 'local' }, waitMaxMs: 30_000 };
    const said = await runCommand(go, ['version'], options).catch(() => undefined);
    if (!said) continue;
    checkGoVersion(said.stdout);
    return go;
  }
  throw new KubeError('GO_MISSING', `Go, which builds the control plane, is not on this machine: ${INSTEAD}`);
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
