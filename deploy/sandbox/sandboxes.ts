import { createPrivateKey } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { systemClock, systemRandom, type Clock } from '#shared/clock/mod.ts';
import { codeOf, CodedError, isName } from '#shared/kernel/mod.ts';
import { createAuthority, issueServer, tlsKeyPem } from '#shared/signing/mod.ts';
import { Cluster } from './clusters.ts';

export class SandboxError extends CodedError<'NAME_INVALID' | 'NO_PORT'> {
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
  /** JSON lines: every request but watches, without bodies. */
  readonly auditLog: string;
  /** The same file for somebody else: a user of that name, with every right, as everybody here. */
  kubeconfigFor(user: string): string;
}
export interface Sandbox extends AsyncDisposable {
  readonly clusters: readonly SandboxCluster[];
  stop(): Promise<void>;
}

// Below the range from which systems hand out ports of their own accord: one that is recorded today is rarely somebody else's tomorrow.
const ports = { from: 20_000, to: 32_000, attemptsMax: 200 };
const year = 365 * 86_400_000;

/** Starts a cluster per name; returns when all answer. Throws SandboxError, and leaves nothing running then. */
export async function startSandbox({
  dir: given,
  names,
  clock = systemClock,
  log = () => {},
  delayMs = 300,
}: SandboxOptions): Promise<Sandbox> {
  for (const name of names)
    if (!isName(name)) throw new SandboxError('NAME_INVALID', `"${name}" cannot be a cluster's name: it is no DNS label`);
  const dir = resolve(given);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const tls = await certificates(dir, clock);
  const recorded = readPorts(dir);
  const clusters: Cluster[] = [];
  const stop = async (): Promise<void> => void (await Promise.all(clusters.map((cluster) => cluster.stop())));
  try {
    for (const name of names) {
      const cluster = new Cluster({ name, dir: join(dir, 'clusters', name), clock, log, delayMs, tls });
      clusters.push(cluster);
      recorded[name] = await listen(cluster, recorded[name]);
    }
  } catch (error) {
    await stop();
    throw error;
  }
  writeFileSync(join(dir, 'ports.json.next'), JSON.stringify(recorded));
  renameSync(join(dir, 'ports.json.next'), join(dir, 'ports.json'));
  return { clusters, stop, [Symbol.asyncDispose]: stop };
}

async function listen(cluster: Cluster, recorded: number | undefined): Promise<number> {
  for (let attempt = 0; attempt < ports.attemptsMax; attempt += 1) {
    const port =
      attempt === 0 && recorded !== undefined ? recorded : ports.from + Math.floor(systemRandom.next() * (ports.to - ports.from));
    try {
      await cluster.listen(port);
      return port;
    } catch (error) {
      if (codeOf(error) !== 'EADDRINUSE') throw error;
    }
  }
  throw new SandboxError('NO_PORT', `no free port on 127.0.0.1 between ${ports.from} and ${ports.to} in ${ports.attemptsMax} attempts`);
}

function readPorts(dir: string): Record<string, number> {
  const file = join(dir, 'ports.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, number>) : {};
}

/** One authority for a folder's clusters: their tokens keep them apart. */
async function certificates(dir: string, clock: Clock): Promise<{ readonly ca: string; readonly cert: string; readonly key: string }> {
  const path = (name: string): string => join(dir, `${name}.pem`);
  if (!existsSync(path('key'))) {
    const validity = { notBefore: new Date(clock.now() - 86_400_000), notAfter: new Date(clock.now() + 10 * year) };
    const authority = await createAuthority('wheelhouse sandbox', validity, systemRandom);
    const server = await issueServer(
      authority,
      { ...validity, names: ['localhost', 'kubernetes'], addresses: ['127.0.0.1'] },
      systemRandom,
    );
    writeFileSync(path('ca'), authority.certificatePem);
    writeFileSync(path('server'), server.certificatePem);
    writeFileSync(path('key'), tlsKeyPem(server.key), { mode: 0o600 }); // last: who finds it finds all
  }
  const [ca = '', cert = '', key = ''] = ['ca', 'server', 'key'].map((name) => readFileSync(path(name), 'utf8'));
  createPrivateKey(key); // fails here, not at the first handshake
  return { ca, cert, key };
}
