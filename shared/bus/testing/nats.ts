// A NATS server with our accounts, for contract tests: whoever tests says how a server is started.
import { once } from 'node:events';
import { connect as dial, createServer, type Socket } from 'node:net';
import { connect, headers, type NatsConnection } from '@nats-io/transport-node';
import { systemClock, systemRandom } from '../../clock/mod.ts';
import { createNatsKeys, hubJwt, type NatsKeys, spokeJwt } from '../accounts.ts';
import type { BusFixture } from '../contract.ts';
import { keySubject } from '../layout.ts';
import { connectHub } from '../nats-hub.ts';
import { connectSpoke } from '../nats-spoke.ts';
import { createNkey, type Nkey } from '../nkeys.ts';
import type { HubBus, SpokeBus } from '../ports.ts';
import { serverConfig } from '../server-config.ts';
import { EventInbox } from './inbox.ts';

export interface RunningServer extends AsyncDisposable {
  readonly port: number;
}
export type StartServer = (options: {
  readonly dir: string;
  readonly configText: string;
  readonly port?: number;
}) => Promise<RunningServer>;

const dayMs = 86_400_000;
const patience = { clock: systemClock, random: systemRandom, reconnectJitterMs: 10 };

export class NatsFixture implements BusFixture {
  readonly keys: NatsKeys;
  readonly #start: StartServer;
  readonly #folder: Disposable & { readonly path: string };
  readonly #links = new AsyncDisposableStack();
  readonly #gates = new Map<string, Gate>();
  readonly #end = new AbortController();
  #server: RunningServer;
  hub!: HubBus;

  private constructor(keys: NatsKeys, start: StartServer, folder: Disposable & { readonly path: string }, server: RunningServer) {
    this.keys = keys;
    this.#start = start;
    this.#folder = folder;
    this.#server = server;
  }

  /** `folder` is disposed of with the fixture. */
  static async open(start: StartServer, folder: Disposable & { readonly path: string }): Promise<NatsFixture> {
    const dir = folder.path;
    const keys = createNatsKeys(systemRandom, systemClock.now());
    const fixture = new NatsFixture(
      keys,
      start,
      folder,
      await start({ dir, configText: serverConfig(keys, { accountsDir: `${dir}/accounts` }) }),
    );
    fixture.hub = fixture.#links.use(await connectHub({ ...patience, keys, servers: [fixture.url] }, fixture.#end.signal));
    return fixture;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.#server.port}`;
  }

  /** Stops the server for as long as `meanwhile` takes; it comes back with its files, on its port. */
  async restart(meanwhile: () => Promise<void> = async () => {}): Promise<void> {
    const { port } = this.#server;
    const dir = this.#folder.path;
    await this.#server[Symbol.asyncDispose]();
    await meanwhile();
    const configText = serverConfig(this.keys, { accountsDir: `${dir}/accounts` });
    this.#server = await this.#start({ dir, configText, port });
  }

  readonly spoke = async (clusterUid: string): Promise<SpokeBus> => (await this.spokeAs(clusterUid)).bus;

  /** A spoke whose tokens live `lifeMs`; each connect asks for a fresh one. */
  async spokeAs(
    clusterUid: string,
    { user = createNkey('user', systemRandom), lifeMs = dayMs } = {},
  ): Promise<{ bus: SpokeBus; user: Nkey; events: EventInbox }> {
    const gate = this.#links.use(await Gate.open(() => this.#server.port));
    this.#gates.set(clusterUid, gate);
    const events = new EventInbox();
    const credentials = () => ({ user, jwt: this.spokeToken(clusterUid, user, lifeMs) });
    const options = { ...patience, clusterUid, credentials, servers: [`nats://127.0.0.1:${gate.port}`], onEvent: events.take };
    return { bus: this.#links.use(await connectSpoke(options, this.#end.signal)), user, events };
  }

  spokeToken(clusterUid: string, user: Nkey, lifeMs = dayMs): string {
    const now = systemClock.now();
    return spokeJwt(this.keys, clusterUid, { userPublicKey: user.id, issuedAtMs: now, expiresAtMs: now + lifeMs });
  }

  readonly cut = async (clusterUid: string): Promise<void> => this.#gates.get(clusterUid)?.shut();
  readonly mend = async (clusterUid: string): Promise<void> => this.#gates.get(clusterUid)?.unshut();

  readonly erase = async (clusterUid: string): Promise<void> => {
    const hub = await this.rawHub();
    const marker = headers();
    marker.set('KV-Operation', 'DEL');
    await hub.request(keySubject(clusterUid), undefined, { headers: marker, timeout: 5_000 });
  };

  /** A bare client that presents this token: for what the product would never send. */
  async raw(name: string, jwt: string, user: Nkey): Promise<{ nc: NatsConnection; errors: Error[] }> {
    const nc = await connect({
      servers: this.url,
      reconnect: false,
      inboxPrefix: `_INBOX.${name}`,
      authenticator: (nonce) => ({ jwt, nkey: user.id, sig: user.sign(Buffer.from(nonce ?? '')).toString('base64url') }),
    });
    this.#links.defer(() => nc.close());
    const errors: Error[] = [];
    void (async () => {
      for await (const status of nc.status()) if (status.type === 'error') errors.push(status.error);
    })();
    return { nc, errors };
  }

  async rawSpoke(clusterUid: string): Promise<{ nc: NatsConnection; errors: Error[] }> {
    const user = createNkey('user', systemRandom);
    return this.raw(clusterUid, this.spokeToken(clusterUid, user), user);
  }

  async rawHub(): Promise<NatsConnection> {
    const user = createNkey('user', systemRandom);
    return (await this.raw('hub', hubJwt(this.keys, { userPublicKey: user.id, issuedAtMs: systemClock.now() }), user)).nc;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#links.disposeAsync();
    await this.#server[Symbol.asyncDispose]();
    this.#folder[Symbol.dispose]();
  }
}

/** A TCP relay that can be shut. */
class Gate implements AsyncDisposable {
  readonly port: number;
  readonly #sockets = new Set<Socket>();
  #shut = false;

  static async open(target: () => number): Promise<Gate> {
    const listener = createServer();
    await once(listener.listen(0, '127.0.0.1'), 'listening');
    return new Gate(listener, target);
  }

  readonly #listener: ReturnType<typeof createServer>;
  private constructor(listener: ReturnType<typeof createServer>, target: () => number) {
    this.#listener = listener;
    this.port = (listener.address() as { port: number }).port;
    listener.on('connection', (near) => {
      if (this.#shut) {
        near.destroy();
        return;
      }
      const far = dial({ host: '127.0.0.1', port: target() });
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(one);
        one.on('error', () => other.destroy()).on('close', () => (other.destroy(), this.#sockets.delete(one)));
        one.pipe(other);
      }
    });
  }

  shut(): void {
    this.#shut = true;
    for (const socket of this.#sockets) socket.destroy();
  }
  unshut(): void {
    this.#shut = false;
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.shut();
    this.#listener.close();
  }
}
