import { CodedError, explain, version } from '#shared/kernel/mod.ts';
import { systemClock, systemRandom } from '#shared/clock/mod.ts';
import { createLog, startTelemetry, type Log } from '#shared/telemetry/mod.ts';
import { fromKubeconfig, inCluster } from '#spoke/kube/mod.ts';
import { processConfig, type SpokeConfig } from './config.ts';
import { runSpoke } from './spoke.ts';

const parts = { clock: systemClock, random: systemRandom };

/** Reads the configuration, runs its spokes until SIGINT or SIGTERM, or until one of them cannot go on: whoever supervises starts the process again. */
async function main(): Promise<number> {
  const config = processConfig(process.env);
  const log = createLog('spoke', config.logLevel);
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(new Error(signal)));
  const telemetry = await startTelemetry({ service: 'wheelhouse-spoke', version, endpoint: config.otlpEndpoint });
  let code = 0;
  const one = async (spoke: SpokeConfig): Promise<void> => {
    const stopped = stop.signal.aborted;
    try {
      const reason = await run(spoke, config.spokes.length > 1 ? log.child({ cluster: spoke.name }) : log, stop.signal);
      if (!stop.signal.aborted) code = 1;
      log.info('spoke stopped', { spoke: spoke.name, reason });
    } catch (error) {
      if (!stopped) code = 1;
      process.stderr.write(`wheelhouse spoke ${spoke.name}: ${explain(error)}\n`);
    }
    stop.abort(new Error(`spoke ${spoke.name} has ended`));
  };
  await Promise.all(config.spokes.map(one));
  await telemetry.stop();
  return code;
}

async function run(config: SpokeConfig, log: Log, stop: AbortSignal): Promise<string> {
  const kube = await (config.kubeconfig ? fromKubeconfig(config.kubeconfig, config.context, parts) : inCluster(parts));
  return runSpoke({ ...parts, config, kube, log }, stop);
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`wheelhouse spoke: ${explain(error)}\n`);
  process.exitCode = error instanceof CodedError && error.code === 'CONFIG_INVALID' ? 2 : 1;
}
// What still waits (a socket, a timer) has nothing to wait for any more.
process.exit();
