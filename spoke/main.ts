import { CodedError, explain } from '#shared/kernel/mod.ts';
import { systemClock, systemRandom } from '#shared/clock/mod.ts';
import { createLog, startTelemetry } from '#shared/telemetry/mod.ts';
import { fromKubeconfig, inCluster } from '#spoke/kube/mod.ts';
import { spokeConfig } from './config.ts';
import { runSpoke, version } from './spoke.ts';

/** Reads the configuration, runs the spoke until SIGINT or SIGTERM, and says why it ended. */
async function main(): Promise<number> {
  const config = spokeConfig(process.env);
  const log = createLog('spoke', config.logLevel);
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(new Error(signal)));
  const telemetry = await startTelemetry({ service: 'wheelhouse-spoke', version, endpoint: config.otlpEndpoint });
  const clock = systemClock;
  const random = systemRandom;
  const kube = await (config.kubeconfig
    ? fromKubeconfig(config.kubeconfig, config.context, { clock, random })
    : inCluster({ clock, random }));
  try {
    const ended = await runSpoke({ config, kube, clock, random, log }, stop.signal);
    log.info('spoke stopped', { reason: ended });
    return stop.signal.aborted ? 0 : 1;
  } finally {
    await telemetry.stop();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`wheelhouse spoke: ${explain(error)}\n`);
  process.exitCode = error instanceof CodedError && error.code === 'CONFIG_INVALID' ? 2 : 1;
}
// What still waits (a socket, a timer) has nothing to wait for any more.
process.exit();
