import type { Msg } from '@nats-io/transport-node';
import type { Clock } from '../clock/mod.ts';
import { importedGetSubject, importedPushSubject, keySubject } from './layout.ts';
import { follow, notOvertaken } from './follow.ts';
import { BusError } from './errors.ts';
import { busError, connectNats, NatsLink, type NatsOptions, requestMaxMs } from './nats-link.ts';
import type { Random } from '../kernel/mod.ts';
import type { DesiredMessage, DesiredWatch, SpokeBus } from './ports.ts';

export type SpokeNatsOptions = NatsOptions & { readonly clusterUid: string };

/** A spoke's side of NATS: connected as the user of its own cluster uid, which is all that it may read. */
export async function connectSpoke(options: SpokeNatsOptions, signal: AbortSignal): Promise<SpokeBus> {
  return new NatsSpoke(await connectNats(options.clusterUid, options, signal), options);
}

class NatsSpoke implements SpokeBus {
  readonly #link: NatsLink;
  readonly #retry: { readonly clock: Clock; readonly random: Random };

  constructor(link: NatsLink, retry: { readonly clock: Clock; readonly random: Random }) {
    this.#link = link;
    this.#retry = retry;
  }

  async get(clusterUid: string): Promise<Uint8Array | undefined> {
    const subject = importedGetSubject(clusterUid);
    try {
      this.#link.check(`read ${subject}`);
      const message = await this.#link.nc.request(subject, undefined, { timeout: requestMaxMs });
      const read = messageOf(message, clusterUid);
      if (read === undefined) throw new BusError('UNREACHABLE', `read ${subject}: the answer is not about this key`);
      return read === 'absent' ? undefined : read;
    } catch (error) {
      throw busError(`read ${subject}`, error);
    }
  }

  watch(clusterUid: string, onMessage: (message: DesiredMessage) => void, signal: AbortSignal): DesiredWatch {
    const { nc } = this.#link;
    let pushed = 0;
    const pushes = nc.subscribe(importedPushSubject(clusterUid), {
      callback: (error, message) => {
        // An error is the server's refusal, which the link tells as an event.
        const read = error ? undefined : messageOf(message, clusterUid);
        if (read === undefined || signal.aborted) return;
        pushed++;
        onMessage(read);
      },
    });
    signal.addEventListener('abort', () => pushes.unsubscribe(), { once: true });
    const refresh = async (): Promise<void> => {
      // Of one connection the server takes one thing after the other: when the read is answered it has the subscription, as after a flush, and what is
      // written in between arrives one way or the other. (A flush has no time limit.)
      const bytes = await notOvertaken(
        () => this.get(clusterUid),
        () => pushed,
      );
      if (!signal.aborted) onMessage(bytes ?? 'absent');
    };
    follow(this.#link, refresh, this.#retry, signal);
    return { refresh };
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

/**
 * What a message says about the cluster's key; undefined: nothing. The stream names the key in `Nats-Subject`, for reads and pushes alike, and no spoke can
 * forge that: another one's read that was answered to our push subject names another key.
 */
function messageOf({ data, headers }: Msg, clusterUid: string): DesiredMessage | undefined {
  if (headers?.code === 404) return 'absent';
  if (headers?.get('Nats-Subject') !== keySubject(clusterUid)) return undefined;
  return data.byteLength === 0 || headers.has('KV-Operation') ? 'absent' : data;
}
