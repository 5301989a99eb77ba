import {
  jetstream,
  JetStreamApiError,
  type JetStreamClient,
  jetstreamManager,
  type JetStreamManager,
  type StreamConfig,
} from '@nats-io/jetstream';
import { hubJwt, type NatsKeys, spokesAccountJwt, systemJwt } from './accounts.ts';
import { BusError } from './errors.ts';
import { backoffMs } from '../kernel/mod.ts';
import { anyKey, bucket, keySubject, stream } from './layout.ts';
import { busError, connectNats, NatsLink, type NatsOptions, requestMaxMs } from './nats-link.ts';
import { createNkey } from './nkeys.ts';
import { type Held, type HubBus, type SpokeRevoker, valueBytesMax } from './ports.ts';

export type HubNatsOptions = Omit<NatsOptions, 'credentials'> & { readonly keys: NatsKeys };

const streamConfig: Partial<StreamConfig> & { name: string } = {
  name: stream,
  subjects: [`$KV.${bucket}.>`],
  storage: 'file',
  max_msgs_per_subject: 1,
  allow_direct: true,
  allow_rollup_hdrs: true,
  deny_delete: true,
  discard: 'new',
  num_replicas: 1,
  // Republished, not subscribed to directly: a direct subscriber also gets the writes that the stream turns down.
  republish: { src: anyKey, dest: 'push.{{wildcard(1)}}' },
};
const wrongLastSequence = 10_071;
const nameInUse = 10_058;

/** The hub's side of NATS: connected as the HUB account, with a user key that lives as long as the process. */
export async function connectHub(options: HubNatsOptions, signal: AbortSignal): Promise<HubBus> {
  const user = createNkey('user', options.random);
  const credentials = () => ({ user, jwt: hubJwt(options.keys, { userPublicKey: user.id, issuedAtMs: options.clock.now() }) });
  const hub = new NatsHub(await connectNats('hub', { ...options, credentials }, signal));
  // Before the bucket is there, no spoke's read is answered at all.
  await hub.ready(options, signal);
  return hub;
}

class NatsHub implements HubBus {
  readonly #link: NatsLink;
  readonly #js: JetStreamClient;
  #bucket: Promise<JetStreamManager> | undefined;

  constructor(link: NatsLink) {
    this.#link = link;
    this.#js = jetstream(link.nc, { timeout: requestMaxMs });
    // A server that comes back may have lost its files. What fails here is tried again by the next use.
    link.events((event) => {
      if (event.kind !== 'connected') return;
      this.#bucket = undefined;
      this.#withBucket('make the bucket', async () => {}).catch(() => {});
    });
  }

  /** Resolves when the bucket is there; a server that has just started may not have its JetStream ready. */
  async ready({ clock, random }: Pick<HubNatsOptions, 'clock' | 'random'>, signal: AbortSignal): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#withBucket('make the bucket', async () => {});
      } catch {
        await clock.sleep(backoffMs({ firstMs: 200, maxMs: 5_000 }, attempt, random), signal);
      }
    }
  }

  async put(clusterUid: string, bytes: Uint8Array, expected?: { readonly sequence: number }): Promise<{ readonly sequence: number }> {
    const subject = keySubject(clusterUid);
    if (bytes.byteLength === 0) throw new BusError('TOO_LARGE', 'an empty value would read as a deletion');
    if (bytes.byteLength > valueBytesMax) throw new BusError('TOO_LARGE', `${bytes.byteLength} bytes, at most ${valueBytesMax}`);
    return this.#withBucket(`write ${subject}`, async () => {
      const expect = expected ? { expect: { lastSubjectSequence: expected.sequence } } : {};
      return { sequence: (await this.#js.publish(subject, bytes, { timeout: requestMaxMs, ...expect })).seq };
    });
  }

  async held(clusterUid: string): Promise<Held> {
    const subject = keySubject(clusterUid);
    return this.#withBucket(`read ${subject}`, async (manager) => {
      const message = await manager.streams.getMessage(stream, { last_by_subj: subject });
      if (!message) return { sequence: 0, bytes: undefined };
      return {
        sequence: message.seq,
        bytes: message.data.byteLength > 0 && !message.header.has('KV-Operation') ? message.data : undefined,
      };
    });
  }

  async #withBucket<T>(what: string, run: (manager: JetStreamManager) => Promise<T>): Promise<T> {
    try {
      this.#link.check(what);
      return await run(await (this.#bucket ??= this.#ensureBucket()));
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === wrongLastSequence)
        throw new BusError('CONFLICT', `${what}: ${error.message}`);
      // Whatever it was, the bucket is looked at again before the next use.
      this.#bucket = undefined;
      throw busError(what, error);
    }
  }

  async #ensureBucket(): Promise<JetStreamManager> {
    const manager = await jetstreamManager(this.#link.nc, { timeout: requestMaxMs });
    try {
      await manager.streams.add(streamConfig);
    } catch (error) {
      if (!(error instanceof JetStreamApiError && error.code === nameInUse)) throw error;
      await manager.streams.update(stream, streamConfig);
    }
    return manager;
  }

  get connected(): boolean {
    return this.#link.connected;
  }
  events(listener: Parameters<NatsLink['events']>[0]): () => void {
    return this.#link.events(listener);
  }
  reconnect(): Promise<void> {
    return this.#link.reconnect();
  }
  close(): Promise<void> {
    return this.#link.close();
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.#link.close();
  }
}

/** Connects as the system account's user that may only push account tokens. */
export async function connectRevoker(options: HubNatsOptions, signal: AbortSignal): Promise<SpokeRevoker & AsyncDisposable> {
  const { keys, clock } = options;
  const user = createNkey('user', options.random);
  const credentials = () => ({ user, jwt: systemJwt(keys, { userPublicKey: user.id, issuedAtMs: clock.now() }) });
  const link = await connectNats('accounts', { ...options, credentials }, signal);
  return {
    revoke: async (all) => pushAccount(link, spokesAccountJwt(keys, clock.now(), all)),
    [Symbol.asyncDispose]: () => link.close(),
  };
}

async function pushAccount(link: NatsLink, jwt: string): Promise<void> {
  const what = 'push the account of the spokes';
  let answer: { data?: { code?: number }; error?: { description?: string } };
  try {
    answer = (await link.nc.request('$SYS.REQ.CLAIMS.UPDATE', jwt, { timeout: requestMaxMs })).json();
  } catch (error) {
    throw busError(what, error);
  }
  if (answer.data?.code !== 200) throw new BusError('REFUSED', `${what}: ${answer.error?.description ?? 'no success in the answer'}`);
}
