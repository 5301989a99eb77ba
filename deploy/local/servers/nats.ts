import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { answersOn, freePort, startProcess } from '../processes/mod.ts';
import { findServer, type FoundServer } from './find.ts';
import type { RunningServer, StartServer } from './running.ts';

export interface NatsOptions {
  /** Configuration, JetStream's files and the log are kept in it. */
  readonly dir: string;
  /** Accounts, permissions, limits, `jetstream {}`. Address, port and storage folder are set here and win over what it says. */
  readonly configText: string;
  /** Absent: a free one. */
  readonly port?: number;
  readonly found?: FoundServer;
  /** How its process is started; absent: once. */
  readonly start?: StartServer;
  readonly signal?: AbortSignal | undefined;
}

export interface NatsServer extends AsyncDisposable {
  readonly port: number;
  /** nats://127.0.0.1:PORT */
  readonly url: string;
  readonly logFile: string;
  readonly process: RunningServer;
}

/** Starts nats-server on loopback and waits until it accepts connections. Throws ServerError, ProcessError. */
export async function startNats({ dir, configText, port: given, found, start = startProcess, signal }: NatsOptions): Promise<NatsServer> {
  const server = found ?? (await findServer('nats', { signal }));
  const port = given ?? (await freePort());
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const config = join(dir, 'nats.conf');
  await writeFile(config, configText, { mode: 0o600 });
  const logFile = join(dir, 'nats.log');
  const running = await start({
    name: 'nats-server',
    command: server.command,
    args: ['-c', config, '-a', '127.0.0.1', '-p', String(port), '-sd', join(dir, 'data')],
    env: { ...process.env, ...server.env },
    output: { file: logFile },
    ready: answersOn(port),
    signal,
  });
  return { port, url: `nats://127.0.0.1:${port}`, logFile, process: running, [Symbol.asyncDispose]: () => running[Symbol.asyncDispose]() };
}
