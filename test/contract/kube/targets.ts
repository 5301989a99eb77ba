import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { startFleet } from '#test/kube/mod.ts';
import type { Target } from './types.ts';

export interface OpenTarget extends AsyncDisposable {
  readonly target: Target;
  /** It goes away afterwards: nothing needs to be cleaned up there. */
  readonly passing: boolean;
}

/** `real` starts a control plane of its own; else the address of a server, or a kubeconfig file. Throws when there is none. */
export async function openTarget(given: string, log: (line: string) => void = () => {}): Promise<OpenTarget> {
  if (/^https?:/.test(given)) return { target: { url: given }, passing: false, [Symbol.asyncDispose]: async () => {} };
  if (given !== 'real') return { target: kubeconfigTarget(given), passing: false, [Symbol.asyncDispose]: async () => {} };
  const dir = await mkdtemp(join(tmpdir(), 'wheelhouse-contract-'));
  const fleet = await startFleet({ dir, names: ['contract'], log });
  const close = async (): Promise<void> => {
    await fleet.stop();
    await rm(dir, { recursive: true, force: true });
  };
  return { target: kubeconfigTarget(fleet.cluster('contract').kubeconfig), passing: true, [Symbol.asyncDispose]: close };
}

interface Kubeconfig {
  readonly 'current-context'?: string;
  readonly contexts: readonly { readonly name: string; readonly context: { readonly cluster: string; readonly user: string } }[];
  readonly clusters: readonly { readonly name: string; readonly cluster: Readonly<Record<string, string>> }[];
  readonly users: readonly { readonly name: string; readonly user: Readonly<Record<string, string>> }[];
}

/** The current context of a kubeconfig whose credentials are data in it or files. Throws when it names none. */
export function kubeconfigTarget(path: string): Target {
  const config = parse(readFileSync(path, 'utf8')) as Kubeconfig;
  const context = (config.contexts.find(({ name }) => name === config['current-context']) ?? config.contexts[0])?.context;
  const cluster = config.clusters.find(({ name }) => name === context?.cluster)?.cluster;
  const user = config.users.find(({ name }) => name === context?.user)?.user ?? {};
  if (!cluster?.['server']) throw new Error(`${path} names no server`);
  const pem = (from: Readonly<Record<string, string>>, field: string): string | undefined => {
    const data = from[`${field}-data`];
    const file = from[field];
    return data ? Buffer.from(data, 'base64').toString('utf8') : file ? readFileSync(file, 'utf8') : undefined;
  };
  return {
    url: cluster['server'],
    ca: pem(cluster, 'certificate-authority'),
    cert: pem(user, 'client-certificate'),
    key: pem(user, 'client-key'),
    token: user['token'],
  };
}
