import { createPrivateKey } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { systemClock, systemRandom, type Clock } from '#shared/clock/mod.ts';
import { CodedError, isName } from '#shared/kernel/mod.ts';
import { createAuthority, issueServer, tlsKeyPem } from '#shared/signing/mod.ts';
import { Cluster } from './clusters.ts';

export class SandboxError extends CodedError<'NAME_INVALID'> {
  override readonly name = 'SandboxError';
}

export interface SandboxOptions {
  /** Where everything is kept. Started again in the same folder, the clusters are as they were left, on the same ports if these are free. */
  readonly dir: string;
  /** Names of the clusters, each a DNS label. */
  readonly names: readonly string[];
  readonly clock?: Clock;
  readonly log?: (line: string) => void;
  /** How long a pod takes to start, and what else takes its time elsewhere. */
  readonly delayMs?: number;
}
export interface SandboxCluster {
  readonly name: string;
  readonly url: string;
  /** Path of a file for the cluster's administrator, with one context named like the cluster. */
  readonly kubeconfig: string;
  readonly dir: string;
}
export interface Sandbox extends AsyncDisposable {
  readonly clusters: readonly SandboxCluster[];
  stop(): Promise<void>;
}

/** Starts a cluster per name; returns when all answer. Throws SandboxError, and leaves nothing running then. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { names, clock = systemClock, log = () => {}, delayMs = 300 } = options;
  for (const name of names)
    if (!isName(name)) throw new SandboxError('NAME_INVALID', `"${name}" cannot be a cluster's name: it is no DNS label`);
  const dir = resolve(options.dir);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const clusters: Cluster[] = [];
  const stop = async (): Promise<void> => void (await Promise.all(clusters.map((cluster) => cluster.stop())));
  try {
    const tls = await certificates(dir, clock);
    for (const name of names) {
      const cluster = new Cluster({ name, dir: join(dir, 'clusters', name), clock, log, delayMs, tls });
      clusters.push(cluster);
      await cluster.listen();
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { clusters, stop, [Symbol.asyncDispose]: stop };
}

/** One authority for a folder's clusters: their tokens keep them apart. */
async function certificates(dir: string, clock: Clock): Promise<{ readonly ca: string; readonly cert: string; readonly key: string }> {
  const path = (name: string): string => join(dir, `${name}.pem`);
  if (!existsSync(path('key'))) {
    const day = 86_400_000;
    const validity = { notBefore: new Date(clock.now() - day), notAfter: new Date(clock.now() + 3_650 * day) };
    const authority = await createAuthority('wheelhouse sandbox', validity, systemRandom);
    const server = { ...validity, names: ['localhost', 'kubernetes'], addresses: ['127.0.0.1'] };
    const { certificatePem, key } = await issueServer(authority, server, systemRandom);
    writeFileSync(path('ca'), authority.certificatePem);
    writeFileSync(path('server'), certificatePem);
    writeFileSync(path('key'), tlsKeyPem(key), { mode: 0o600 }); // last: who finds it finds all
  }
  const [ca = '', cert = '', key = ''] = ['ca', 'server', 'key'].map((name) => readFileSync(path(name), 'utf8'));
  createPrivateKey(key); // fails here, not at the first handshake
  return { ca, cert, key };
}
