import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { holdLock } from '#deploy/local/processes/mod.ts';
import { systemClock, systemRandom, type Clock } from '#shared/clock/mod.ts';
import { CodedError, isName } from '#shared/kernel/mod.ts';
import { createAuthority, issueServer, tlsKeyPem } from '#shared/signing/mod.ts';
import { startCluster } from './clusters.ts';

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
/** `kubeconfig` is the path of a file for the cluster's administrator, with one context named like the cluster. */
export type SandboxCluster = Readonly<Record<'name' | 'url' | 'kubeconfig' | 'dir', string>>;
export interface Sandbox extends AsyncDisposable {
  readonly clusters: readonly SandboxCluster[];
  stop(): Promise<void>;
}

/** Starts a cluster per name; returns when all answer. Throws SandboxError, or ProcessError LOCKED when another process has the folder, and leaves nothing running then. */
export async function startSandbox(given: SandboxOptions): Promise<Sandbox> {
  const options = { clock: systemClock, log: () => {}, delayMs: 300, ...given, dir: resolve(given.dir) };
  for (const name of options.names)
    if (!isName(name)) throw new SandboxError('NAME_INVALID', `"${name}" cannot be a cluster's name: it is no DNS label`);
  mkdirSync(options.dir, { recursive: true, mode: 0o700 });
  await using started = new AsyncDisposableStack();
  // Two would write over each other's state. What a process held that is gone is free.
  started.use(await holdLock(join(options.dir, 'lock'), { waitMaxMs: 0, ageMaxMs: Infinity }));
  const tls = await certificates(options);
  const clusters: SandboxCluster[] = [];
  for (const name of options.names) {
    const cluster = await startCluster(name, tls, options);
    started.defer(() => cluster.stop());
    clusters.push(cluster);
  }
  const running = started.move();
  const stop = (): Promise<void> => running.disposeAsync();
  return { clusters, stop, [Symbol.asyncDispose]: stop };
}

/** One authority for a folder's clusters: their tokens keep them apart. */
async function certificates({ dir, clock }: { dir: string; clock: Clock }) {
  const path = (name: string): string => join(dir, `${name}.pem`);
  if (!existsSync(path('key'))) {
    const day = 86_400_000;
    const validity = { notBefore: new Date(clock.now() - day), notAfter: new Date(clock.now() + 3_650 * day) };
    const authority = await createAuthority('wheelhouse sandbox', validity, systemRandom);
    const names = { names: ['localhost', 'kubernetes'], addresses: ['127.0.0.1'] };
    const server = await issueServer(authority, { ...validity, ...names }, systemRandom);
    writeFileSync(path('ca'), authority.certificatePem);
    writeFileSync(path('cert'), server.certificatePem);
    writeFileSync(path('key'), tlsKeyPem(server.key), { mode: 0o600 }); // last: who finds it finds all
  }
  const [ca = '', cert = '', key = ''] = ['ca', 'cert', 'key'].map((name) => readFileSync(path(name), 'utf8'));
  return { ca, cert, key };
}
