import { ConfigReader, type Env } from '#shared/config/mod.ts';
import type { LogLevel } from '#shared/telemetry/mod.ts';

export interface HubConfig {
  /** The record and the keys. */
  readonly dataDir: string;
  /** What the hub listens on; loopback unless told otherwise. */
  readonly host: string;
  readonly gatewayPort: number;
  readonly enrolmentPort: number;
  readonly apiPort: number;
  /** Under which host spokes reach gateway and enrolment. */
  readonly advertisedHost: string;
  readonly natsUrl: string;
  /** host[:port]/prefix of the repositories that releases are pushed to. */
  readonly registry: string;
  readonly registryInsecure: boolean;
  readonly beatMs: number;
  readonly antiEntropyMs: number;
  readonly certificateTtlMs: number;
  readonly pollMs: number;
  readonly logLevel: LogLevel;
  readonly otlpEndpoint: string | undefined;
}

const port = { min: 0, max: 65_535, fallback: 0 };
const second = 1_000;
const day = 24 * 3_600 * second;

/** Throws ConfigError with every problem. A port of 0 is chosen by the system. */
export function hubConfig(env: Env): HubConfig {
  const read = new ConfigReader(env);
  const host = read.text('WHEELHOUSE_HOST', '', '127.0.0.1');
  const config: HubConfig = {
    dataDir: read.text('WHEELHOUSE_DATA', 'the folder of the record and the keys'),
    host,
    gatewayPort: read.integer('WHEELHOUSE_GATEWAY_PORT', port),
    enrolmentPort: read.integer('WHEELHOUSE_ENROLMENT_PORT', port),
    apiPort: read.integer('WHEELHOUSE_API_PORT', port),
    advertisedHost: read.text('WHEELHOUSE_ADVERTISED_HOST', '', host),
    natsUrl: read.text('WHEELHOUSE_NATS_URL', 'where NATS is, such as nats://127.0.0.1:4222'),
    registry: read.text('WHEELHOUSE_REGISTRY', 'where releases are pushed to, such as registry.example.org/releases'),
    registryInsecure: read.choice('WHEELHOUSE_REGISTRY_INSECURE', ['true', 'false'], 'false') === 'true',
    beatMs: read.durationMs('WHEELHOUSE_BEAT', { minMs: 50, maxMs: 60 * second, fallback: '4s' }),
    antiEntropyMs: read.durationMs('WHEELHOUSE_ANTI_ENTROPY', { minMs: 100, maxMs: day, fallback: '5m' }),
    certificateTtlMs: read.durationMs('WHEELHOUSE_CERTIFICATE_TTL', { minMs: second, maxMs: 90 * day, fallback: '24h' }),
    pollMs: read.durationMs('WHEELHOUSE_POLL', { minMs: 100, maxMs: day, fallback: '30s' }),
    logLevel: read.choice<LogLevel>('WHEELHOUSE_LOG_LEVEL', ['debug', 'info', 'warn', 'error', 'silent'], 'info'),
    otlpEndpoint: read.optional('OTEL_EXPORTER_OTLP_ENDPOINT'),
  };
  read.done();
  return config;
}
