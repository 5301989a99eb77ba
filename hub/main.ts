import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { serverConfig } from '#shared/bus/mod.ts';
import { systemClock, systemRandom } from '#shared/clock/mod.ts';
import { CodedError, explain } from '#shared/kernel/mod.ts';
import { createLog, startTelemetry } from '#shared/telemetry/mod.ts';
import { keysExist, loadKeys, openFleet, type HubKeys } from '#hub/identity/mod.ts';
import { openSqliteStore } from '#hub/store/mod.ts';
import { hubConfig } from './config.ts';
import { keysDir, recordFile, startHub } from './hub.ts';

const version = '0.1.0';
const parts = { clock: systemClock, random: systemRandom };

/** Serves until SIGINT or SIGTERM. Writes DATA/ports.json when it is ready, for whoever started it with ports chosen by the system. */
async function serve(): Promise<void> {
  const config = hubConfig(process.env);
  const log = createLog('hub', config.logLevel);
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort(new Error(name)));
  const telemetry = await startTelemetry({ service: 'wheelhouse-hub', version, endpoint: config.otlpEndpoint });
  const hub = await startHub({ ...parts, config, log }, stop.signal);
  await replaceFile(join(config.dataDir, 'ports.json'), `${JSON.stringify({ ...hub.ports, pid: process.pid })}\n`);
  const asked = new Promise<void>((resolve) => {
    if (stop.signal.aborted) resolve();
    stop.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  // Going on would show a fleet that somebody else decides about.
  const lost = await Promise.race([asked, hub.lost]);
  log.info('hub stops', { reason: explain(lost ?? stop.signal.reason) });
  await hub.stop();
  await telemetry.stop();
  if (lost) throw lost;
}

/** Writes the configuration of the NATS server that this hub's keys belong to; makes the fleet when there is none. Holds no secret. */
async function natsConfig(file: string | undefined): Promise<void> {
  const dataDir = process.env['WHEELHOUSE_DATA'];
  if (!file || !dataDir) throw new CodedError('CONFIG_INVALID', 'usage: WHEELHOUSE_DATA=DIR node hub/main.ts nats-config FILE');
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const { nats } = (await keysExist(keysDir(dataDir))) ? await loadKeys(keysDir(dataDir)) : await newFleetKeys(dataDir);
  await replaceFile(file, serverConfig(nats, { accountsDir: `${file}.accounts` }));
}

/** Only for a fleet that is not there yet: whoever opens the record takes it from a hub that is running. */
async function newFleetKeys(dataDir: string): Promise<HubKeys> {
  await using store = await openSqliteStore({ ...parts, file: recordFile(dataDir) });
  return (await openFleet(store, keysDir(dataDir), parts.clock, parts.random)).keys;
}

/** Never seen half-written. */
async function replaceFile(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

try {
  const [command, ...rest] = process.argv.slice(2);
  if (command === 'nats-config') await natsConfig(rest[0]);
  else if (command === undefined) await serve();
  else throw new CodedError('CONFIG_INVALID', `unknown command ${command}: none to serve, or nats-config FILE`);
  process.exitCode = 0;
} catch (error) {
  process.stderr.write(`wheelhouse hub: ${explain(error)}\n`);
  process.exitCode = error instanceof CodedError && error.code === 'CONFIG_INVALID' ? 2 : 1;
}
process.exit();
