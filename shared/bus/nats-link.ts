import { type ConnectionOptions, connect, errors, type NatsConnection, type Status } from '@nats-io/transport-node';
import type { Clock } from '../clock/mod.ts';
import { backoffMs, type Random } from '../kernel/mod.ts';
import { BusError } from './errors.ts';
import { inboxPrefix } from './layout.ts';
import type { Nkey } from './nkeys.ts';
import type { BusConnection, BusEvent } from './ports.ts';

export interface NatsOptions {
  /** nats://host:port or tls://host:port */
  readonly servers: readonly string[];
  /** Asked before every attempt to connect, so that an expired token is never offered twice. */
  readonly credentials: () => { readonly jwt: string; readonly user: Nkey };
  readonly clock: Clock;
  readonly random: Random;
  /** PEM of the authorities that the server's certificate is checked against. */
  readonly tls?: { readonly ca: string };
  /** Spread of a reconnect; about 1,500 ms for each 1,000 spokes on a server. */
  readonly reconnectJitterMs?: number;
  /** Hears everything from the first attempt on. */
  readonly onEvent?: (event: BusEvent) => void;
}

export const requestMaxMs = 5_000;
const firstConnect = { firstMs: 250, maxMs: 10_000 };

/** A connection that comes back for ever, with fresh credentials each time. Ends by `close` alone. */
export class NatsLink implements BusConnection {
  readonly nc: NatsConnection;
  readonly #listeners = new Set<(event: BusEvent) => void>();
  #connected = true;

  constructor(nc: NatsConnection, options: NatsOptions) {
    this.nc = nc;
    if (options.onEvent) this.#listeners.add(options.onEvent);
    void this.#follow();
    this.#tell({ kind: 'connected' });
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** Throws unless connected: the client would keep a request and send it on reconnecting, long after the caller has given up on it. */
  check(what: string): void {
    if (this.nc.isClosed()) throw new BusError('CLOSED', `${what}: the connection was closed`);
    if (!this.#connected) throw new BusError('UNREACHABLE', `${what}: not connected`);
  }

  events(listener: (event: BusEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async reconnect(): Promise<void> {
    if (this.nc.isClosed()) throw new BusError('CLOSED', 'the connection was closed');
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const stop = this.events((event) => (event.kind === 'connected' ? resolve() : undefined));
    void this.nc.closed().then(() => reject(new BusError('CLOSED', 'the connection was closed')));
    await this.nc.reconnect();
    await promise.finally(stop);
  }

  async close(): Promise<void> {
    await this.nc.close();
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #follow(): Promise<void> {
    for await (const status of this.nc.status()) {
      const event = eventOf(status);
      if (event) this.#tell(event);
    }
    this.#tell({ kind: 'disconnected' });
  }

  #tell(event: BusEvent): void {
    if (event.kind === 'connected') this.#connected = true;
    if (event.kind === 'disconnected') this.#connected = false;
    for (const listener of this.#listeners) listener(event);
  }
}

function eventOf(status: Status): BusEvent | undefined {
  if (status.type === 'reconnect') return { kind: 'connected' };
  if (status.type === 'disconnect') return { kind: 'disconnected' };
  if (status.type === 'error') return { kind: 'refused', message: status.error.message };
  return undefined;
}

/** Connects, trying for as long as it takes; only the signal ends that. `name` is the user's, on which its inbox depends. */
export async function connectNats(name: string, options: NatsOptions, signal: AbortSignal): Promise<NatsLink> {
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    try {
      const nc = await connect(connectionOptions(name, options));
      if (!signal.aborted) return new NatsLink(nc, options);
      await nc.close();
    } catch (error) {
      if (!signal.aborted) options.onEvent?.(isRefusal(error) ? { kind: 'refused', message: error.message } : { kind: 'disconnected' });
    }
    await options.clock.sleep(backoffMs(firstConnect, attempt, options.random), signal);
  }
}

const isRefusal = (error: unknown): error is Error =>
  error instanceof errors.AuthorizationError || error instanceof errors.UserAuthenticationExpiredError;

function connectionOptions(name: string, { servers, credentials, tls, reconnectJitterMs = 1_000 }: NatsOptions): ConnectionOptions {
  return {
    servers: [...servers],
    name,
    inboxPrefix: inboxPrefix(name),
    authenticator: (nonce) => {
      const { jwt, user } = credentials();
      return { jwt, nkey: user.id, sig: user.sign(Buffer.from(nonce ?? '')).toString('base64url') };
    },
    // Without it the client closes for good when its token expires while it is away.
    ignoreAuthErrorAbort: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 500,
    reconnectJitter: reconnectJitterMs,
    reconnectJitterTLS: reconnectJitterMs,
    timeout: 20_000,
    // A server that is frozen keeps its connections open: noticed after two of these.
    pingInterval: 30_000,
    noAsyncTraces: true,
    ...(tls ? { tls } : {}),
  };
}

/** What NATS says, in our words; the one place that knows its errors. */
export function busError(what: string, error: unknown): BusError {
  if (error instanceof BusError) return error;
  const cause = error instanceof errors.RequestError && error.cause !== undefined ? error.cause : error;
  const message = `${what}: ${cause instanceof Error ? cause.message : String(cause)}`;
  if (cause instanceof errors.ClosedConnectionError || cause instanceof errors.DrainingConnectionError)
    return new BusError('CLOSED', message, { cause });
  if (cause instanceof errors.PermissionViolationError) return new BusError('REFUSED', message, { cause });
  return new BusError('UNREACHABLE', message, { cause });
}
