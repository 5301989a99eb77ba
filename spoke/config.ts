import { readFileSync } from 'node:fs';
import { ConfigError, ConfigReader, type Env } from '#shared/config/mod.ts';
import { explain } from '#shared/kernel/mod.ts';
import type { LogLevel } from '#shared/telemetry/mod.ts';
import { parseJoinToken, type JoinToken } from '#shared/signing/mod.ts';

/** One spoke of one cluster. */
export interface SpokeConfig {
  /** For the log, when one process is several spokes. */
  readonly name: string;
  readonly joinToken: JoinToken | undefined;
  /** Absent: the pod's own service account. */
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  /** Pulled content; losing it costs pulls. Absent: memory only. */
  readonly cacheDir: string | undefined;
}

export interface ProcessConfig {
  readonly spokes: readonly SpokeConfig[];
  readonly logLevel: LogLevel;
  readonly otlpEndpoint: string | undefined;
}

const spokesMax = 1_000;

/**
 * One spoke from the environment, or several from the JSON file that WHEELHOUSE_SPOKES_FILE names: `[{name, kubeconfig, context?, joinTokenFile?, cacheDir?}]`.
 * Throws ConfigError with every problem; SigningError when a join token is none.
 */
export function processConfig(env: Env): ProcessConfig {
  const read = new ConfigReader(env);
  const several = read.optional('WHEELHOUSE_SPOKES_FILE');
  const config = {
    spokes: several ? spokesIn(several) : [oneSpoke(read)],
    logLevel: read.choice<LogLevel>('WHEELHOUSE_LOG_LEVEL', ['debug', 'info', 'warn', 'error', 'silent'], 'info'),
    otlpEndpoint: read.optional('OTEL_EXPORTER_OTLP_ENDPOINT'),
  };
  read.done();
  return config;
}

function oneSpoke(read: ConfigReader): SpokeConfig {
  const tokenFile = read.optional('WHEELHOUSE_JOIN_TOKEN_FILE');
  const token = tokenFile ? fileText('WHEELHOUSE_JOIN_TOKEN_FILE', tokenFile) : read.optional('WHEELHOUSE_JOIN_TOKEN');
  return {
    name: '',
    joinToken: token ? parseJoinToken(token) : undefined,
    kubeconfig: read.optional('KUBECONFIG'),
    context: read.optional('WHEELHOUSE_KUBE_CONTEXT'),
    cacheDir: read.optional('WHEELHOUSE_CACHE_DIR'),
  };
}

function spokesIn(file: string): SpokeConfig[] {
  let entries: unknown;
  try {
    entries = JSON.parse(fileText('WHEELHOUSE_SPOKES_FILE', file));
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError([`WHEELHOUSE_SPOKES_FILE: ${file} is not JSON`]);
  }
  if (!Array.isArray(entries) || entries.length === 0 || entries.length > spokesMax)
    throw new ConfigError([`WHEELHOUSE_SPOKES_FILE: ${file} must be a list of 1 to ${spokesMax} spokes`]);
  return entries.map((entry: unknown, index) => {
    const from = (typeof entry === 'object' && entry !== null ? entry : {}) as Record<string, unknown>;
    const text = (key: string): string | undefined => (typeof from[key] === 'string' && from[key] !== '' ? from[key] : undefined);
    const name = text('name');
    const kubeconfig = text('kubeconfig');
    if (!name || !kubeconfig) throw new ConfigError([`WHEELHOUSE_SPOKES_FILE: ${file}: entry ${index} needs name and kubeconfig`]);
    const tokenFile = text('joinTokenFile');
    const joinToken = tokenFile ? parseJoinToken(fileText(`WHEELHOUSE_SPOKES_FILE: ${name}`, tokenFile)) : undefined;
    return { name, kubeconfig, joinToken, context: text('context'), cacheDir: text('cacheDir') };
  });
}

function fileText(setting: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError([`${setting}: cannot read ${file}: ${explain(error)}`]);
  }
}
