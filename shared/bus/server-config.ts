import { hubAccountJwt, type NatsKeys, operatorJwt, spokesAccountJwt, systemAccountJwt } from './accounts.ts';

export interface ServerOptions {
  /** Where the resolver keeps account tokens, revocations among them: has to survive a restart. */
  readonly accountsDir: string;
  /** Where JetStream keeps its files; absent: whoever starts the server says so (`-sd`), which the server does not allow twice. */
  readonly jetStreamDir?: string;
  /** Absent: whoever starts the server says so (`-a`, `-p`). Anything but loopback asks for `tls`. */
  readonly listen?: string;
  readonly connectionsMax?: number;
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
}

/**
 * The configuration of a nats-server (2.9 or later), as text. Holds no secret: tokens are signed statements, and no private key is among them.
 * The resolver is `full` with preload, because the memory one cannot take a revocation.
 */
export function serverConfig(keys: NatsKeys, { accountsDir, jetStreamDir, listen, connectionsMax = 20_000, tls }: ServerOptions): string {
  const accounts = [
    [keys.system.id, systemAccountJwt(keys)],
    [keys.hub.id, hubAccountJwt(keys)],
    [keys.spokes.id, spokesAccountJwt(keys)],
  ];
  return [
    ...(listen === undefined ? [] : [`listen: ${JSON.stringify(listen)}`]),
    'server_name: wheelhouse',
    `jetstream { ${jetStreamDir === undefined ? '' : `store_dir: ${JSON.stringify(jetStreamDir)}, `}max_memory_store: 64MB, max_file_store: 10GB }`,
    `operator: ${operatorJwt(keys)}`,
    `system_account: ${keys.system.id}`,
    `resolver: { type: full, dir: ${JSON.stringify(accountsDir)}, allow_delete: false, interval: "2m" }`,
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
