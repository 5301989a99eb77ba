import type { HubMessage, SpokeMessage } from '#proto/mod.ts';

/** Who is at the other end: read from the client certificate, never from a message. */
export interface Peer {
  readonly clusterUid: string;
  /** Serial of the certificate, for the record. */
  readonly certificateSerial: string;
}

/** The hub's end of one spoke stream, whatever carries it. */
export interface Channel {
  /** Queues a message; drops it silently once closed. At most one delta per kind is outstanding (latest wins). */
  send(message: HubMessage): void;
  /** Sends a Goodbye and ends the stream. */
  close(reason: string, message: string): void;
}

/** Given to the gateway. */
export interface SpokeHandler {
  /** A stream opened with this identity. The first message must be a Hello. */
  open(peer: Peer, channel: Channel): SpokeStream;
}

export interface SpokeStream {
  /** One message, in order; the next one is delivered after the promise settled (back-pressure). A rejection closes the stream. */
  receive(message: SpokeMessage): Promise<void>;
  /** The stream is gone, for whatever reason; called exactly once. */
  ended(reason: string): void;
}
