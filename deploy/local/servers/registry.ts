import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, startProcess, type Readiness } from '../processes/mod.ts';
import { findServer, type FoundServer } from './find.ts';
import type { RunningServer, StartServer } from './running.ts';

export interface RegistryOptions {
  /** Configuration, content and the log are kept in it. */
  readonly dir: string;
  /** Absent: a free one. */
  readonly port?: number;
  readonly found?: FoundServer;
  /** How its process is started; absent: once. */
  readonly start?: StartServer;
  readonly signal?: AbortSignal | undefined;
}

export interface RegistryServer extends AsyncDisposable {
  readonly port: number;
  /** 127.0.0.1:PORT, as in a reference to an image. Plain HTTP, anonymous. */
  readonly address: string;
  readonly logFile: string;
  readonly process: RunningServer;
}

/** Starts an OCI registry on loopback and waits until its API answers. Throws ServerError, ProcessError. */
export async function startRegistry({ dir, port: given, found, start = startProcess, signal }: RegistryOptions): Promise<RegistryServer> {
  const server = found ?? (await findServer('registry', { signal }));
  const port = given ?? (await freePort());
  const address = `127.0.0.1:${port}`;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const config = join(dir, 'registry.yml');
  await writeFile(config, configOf(address, join(dir, 'data')), { mode: 0o600 });
  const logFile = join(dir, 'registry.log');
  const running = await start({
    name: 'registry',
    command: server.command,
    args: ['serve', config],
    env: { ...withoutItsSettings(process.env), ...server.env, OTEL_TRACES_EXPORTER: 'none' },
    output: { file: logFile },
    ready: apiAnswers(address),
    signal,
  });
  return { port, address, logFile, process: running, [Symbol.asyncDispose]: () => running[Symbol.asyncDispose]() };
}

/** JSON is YAML, and needs no care with quotes in paths. */
function configOf(address: string, folder: string): string {
  return JSON.stringify({
    version: 0.1,
    log: { level: 'info', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: folder }, delete: { enabled: true }, maintenance: { uploadpurging: { enabled: false } } },
    // One secret for all replicas of a registry; there is one here, and an upload does not outlive it.
    http: { addr: address, secret: randomBytes(16).toString('hex') },
  });
}

/** REGISTRY_... variables override the configuration: those of somebody's own registry must not reach this one. */
const withoutItsSettings = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('REGISTRY_')));

const apiAnswers = (address: string): Readiness => ({
  what: `answer of the registry API on ${address}`,
  ask: async (signal) => {
    const response = await fetch(`http://${address}/v2/`, { signal });
    await response.body?.cancel();
    return response.ok;
  },
});
