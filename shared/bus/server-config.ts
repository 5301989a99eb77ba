import { hubAccountJwt, type NatsKeys, operatorJwt, spokesAccountJwt, systemAccountJwt } from './accounts.ts';

export interface ServerOptions {
  /** 127.0.0.1 unless it is meant to be reached from elsewhere, and then with `tls`. */
  readonly host?: string;
  readonly port: number;
  /** Where JetStream keeps its files and where the resolver keeps account tokens: below one folder that survives a restart. */
  readonly storeDir: string;
  readonly connectionsMax?: number;
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
}

/**
 * The configuration of a nats-server (2.9 or later), as text. Holds no secret: tokens are signed statements, and no private key is among them.
 * The resolver is `full` with preload, because the memory one cannot take a revocation.
 */
export function serverConfig(keys: NatsKeys, { host = '127.0.0.1', port, storeDir, connectionsMax = 20_000, tls }: ServerOptions): string {
  const accounts = [
    [keys.system.id, systemAccountJwt(keys)],
    [keys.hub.id, hubAccountJwt(keys)],
    [keys.spokes.id, spokesAccountJwt(keys)],
  ];
  return [
    `listen: ${JSON.stringify(`${host}:${port}`)}`,
    'server_name: wheelhouse',
    `jetstream { store_dir: ${JSON.stringify(`${storeDir}/jetstream`)}, max_memory_store: 64MB, max_file_store: 10GB }`,
    `operator: ${operatorJwt(keys)}`,
    `system_account: ${keys.system.id}`,
    `resolver: { type: full, dir: ${JSON.stringify(`${storeDir}/accounts`)}, allow_delete: false, interval: "2m" }`,
    'resolver_preload: {',
    ...accounts.map(([id, jwt]) => `  ${id}: ${jwt}`),
    '}',
    `max_connections: ${connectionsMax}`,
    'max_payload: 1MB',
    'write_deadline: "20s"',
    // Thousands of spokes that come back at once wait for their turn to be let in; the defaults of 2 s would throw them out again.
    'authorization { timeout: 20 }',
    ...(tls ? [`tls { cert_file: ${JSON.stringify(tls.certFile)}, key_file: ${JSON.stringify(tls.keyFile)}, timeout: 15 }`] : []),
    'lame_duck_duration: "60s"',
    '',
  ].join('\n');
}
