// Somebody who has taken over a cluster, and with it all that its spoke holds.
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { nkeyFromSeed } from '#shared/bus/mod.ts';
import { openStream, rpcClient, type RpcStream } from '#shared/rpc/mod.ts';
import { SpokeClient, type Hello, type HubMessage, type SpokeMessage } from '#proto/mod.ts';
import type { Stolen } from './scenes.ts';
import { untilFound } from './waits.ts';

type Said = NonNullable<HubMessage['message']>;
type Of<C extends Said['$case']> = Extract<Said, { $case: C }>['value'];

/** The hub's gateway, spoken to by hand with a spoke's own certificate, or with none. */
export class Thief implements Disposable {
  /** Everything that the hub has said. */
  readonly heard: Said[] = [];
  /** Why the stream ended; undefined while it is open. */
  ended: string | undefined;
  readonly #client: SpokeClient;
  readonly #stream: RpcStream<HubMessage, SpokeMessage>;
  readonly #end = new AbortController();

  constructor({ identity, keyPem }: Pick<Stolen, 'identity' | 'keyPem'>, ca: string) {
    const own = identity.certificate === '' ? {} : { key: keyPem, certificateChain: identity.certificate };
    this.#client = rpcClient(SpokeClient, { address: identity.endpoints?.gateway ?? '', tls: { ca, ...own } });
    this.#stream = openStream(() => this.#client.connect(), this.#end.signal);
    void this.#listen();
  }

  async #listen(): Promise<void> {
    try {
      for await (const { message } of this.#stream) if (message) this.heard.push(message);
      this.ended = 'closed';
    } catch (error) {
      this.ended = error instanceof Error ? error.message : String(error);
    }
  }

  say(message: NonNullable<SpokeMessage['message']>): void {
    this.#stream.send({ message });
  }

  /** Introduces itself as a spoke of that cluster, with nothing to report. */
  hello(kubeSystemUid: string): void {
    const value: Hello = {
      spokeVersion: '0.1.0',
      processId: 'thief',
      kubeSystemUid,
      capabilities: [],
      facts: { kubernetesVersion: 'v1.36.3', nodes: 2, labels: {} },
      keysetVersion: 1,
      fence: undefined,
      reportSetHash: Buffer.alloc(0),
    };
    this.say({ $case: 'hello', value });
  }

  /** The first of this kind that the hub says. */
  async hears<C extends Said['$case']>(kind: C): Promise<Of<C>> {
    const said = await untilFound(`the hub says ${kind}`, () => this.heard.find(({ $case }) => $case === kind), 15_000);
    return said.value as Of<C>;
  }

  [Symbol.dispose](): void {
    this.#end.abort();
    this.#client.close();
  }
}

/** A connection to NATS as the spoke's user, and what the server has refused it. */
export async function rawNats({ identity, natsSeed }: Stolen): Promise<{ nc: NatsConnection; refused: string[] }> {
  const user = nkeyFromSeed('user', natsSeed);
  const nc = await connect({
    servers: identity.endpoints?.nats ?? [],
    inboxPrefix: `_INBOX.${identity.clusterUid}`,
    authenticator: (nonce) => ({
      jwt: identity.natsJwt,
      nkey: user.id,
      sig: user.sign(Buffer.from(nonce ?? '')).toString('base64url'),
    }),
  });
  const refused: string[] = [];
  void (async () => {
    for await (const status of nc.status()) if (status.type === 'error') refused.push(status.error.message);
  })();
  return { nc, refused };
}
