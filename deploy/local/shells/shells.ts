import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { findServer, type FoundServer } from '../servers/mod.ts';
import { environmentText, mergedKubeconfig, wrapperText } from './environment.ts';

export interface ShellOptions {
  readonly data: string;
  readonly apiPort: number;
  readonly repositories: Readonly<Record<string, string>>;
  /** Of the clusters; those of our own are JSON and in files of their own, somebody's own is one file for all. */
  readonly kubeconfigs: readonly string[];
  readonly git: FoundServer;
  readonly signal: AbortSignal;
}

/** What was written. */
export interface Shell {
  readonly file: string;
  readonly kubeconfig: string;
}

const root = join(import.meta.dirname, '../../..');

/** Writes DATA/env, DATA/kubeconfig and the programs in DATA/bin that are not on PATH; returns the paths of the first two. */
export async function writeShell({ data, apiPort, repositories, kubeconfigs, git, signal }: ShellOptions): Promise<Shell> {
  const bin = join(data, 'bin');
  await rm(bin, { recursive: true, force: true });
  await mkdir(bin, { recursive: true, mode: 0o700 });
  const program = (name: string, text: string): Promise<void> => writeFile(join(bin, name), text, { mode: 0o700 });
  await program('wheelhouse', wrapperText([process.execPath, join(root, 'hub/cli/main.ts')]));
  if (git.from !== 'PATH') await program('git', wrapperText([git.command], git.env));
  // Looked for when it is called for: the fleet needs none.
  const kubectl = await findServer('kubectl', { sources: ['PATH'], signal }).catch(() => undefined);
  signal.throwIfAborted();
  if (!kubectl) await program('kubectl', wrapperText([process.execPath, join(import.meta.dirname, 'kubectl.ts')]));
  const file = join(data, 'env');
  const kubeconfig = await kubeconfigFor(data, kubeconfigs);
  await writeFile(file, environmentText({ data, apiPort, repositories, kubeconfig }), { mode: 0o600 });
  return { file, kubeconfig };
}

async function kubeconfigFor(data: string, files: readonly string[]): Promise<string> {
  const [first, ...more] = new Set(files);
  if (first !== undefined && more.length === 0) return resolve(first);
  const merged = join(data, 'kubeconfig');
  await writeFile(merged, mergedKubeconfig(await Promise.all([...new Set(files)].map((file) => readFile(file, 'utf8')))), { mode: 0o600 });
  return merged;
}
