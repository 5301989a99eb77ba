import { readFileSync } from 'node:fs';
import { ConfigReader, type Env } from '#shared/config/mod.ts';
import type { LogLevel } from '#shared/telemetry/mod.ts';
import { parseJoinToken, type JoinToken } from '#shared/signing/mod.ts';

export interface SpokeConfig {
  readonly joinToken: JoinToken | undefined;
  /** Absent: the pod's own service account. */
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  /** Pulled content; losing it costs pulls. Absent: memory only. */
  readonly cacheDir: string | undefined;
  readonly logLevel: LogLevel;
  readonly otlpEndpoint: string | undefined;
}

/** Throws ConfigError with every problem; SigningError when the join token is none. */
export function spokeConfig(env: Env): SpokeConfig {
  const read = new ConfigReader(env);
  const tokenFile = read.optional('WHEELHOUSE_JOIN_TOKEN_FILE');
  const token = tokenFile ? readFileSync(tokenFile, 'utf8') : read.optional('WHEELHOUSE_JOIN_TOKEN');
  const config = {
    joinToken: token ? parseJoinToken(token) : undefined,
    kubeconfig: read.optional('KUBECONFIG'),
    context: read.optional('WHEELHOUSE_KUBE_CONTEXT'),
    cacheDir: read.optional('WHEELHOUSE_CACHE_DIR'),
    logLevel: read.choice<LogLevel>('WHEELHOUSE_LOG_LEVEL', ['debug', 'info', 'warn', 'error', 'silent'], 'info'),
    otlpEndpoint: read.optional('OTEL_EXPORTER_OTLP_ENDPOINT'),
  };
  read.done();
  return config;
}
