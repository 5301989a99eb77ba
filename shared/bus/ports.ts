// What the bus is to its users: one key per cluster that the hub writes and one spoke follows. Values are opaque bytes here; what they are worth is for the
// spoke's judge to say.

/** Envelopes have at most 1 MiB by their own rules; NATS's default for a message is the same, so some room is left for its headers. */
export const valueBytesMax = 1024 * 1024 - 4096;

export interface Held {
  /** Of the last write to the key, 0 if there never was one. What the next write may expect. */
  readonly sequence: number;
  /** undefined: nothing was ever written, or it was deleted. */
  readonly bytes: Uint8Array | undefined;
}

/** Hub side: makes bytes the value of a cluster's key. */
export interface DesiredWriter {
  /** With `expected`, only if the last write to the key has that sequence; else CONFLICT. Throws BusError. */
  put(clusterUid: string, bytes: Uint8Array, expected?: { readonly sequence: number }): Promise<{ readonly sequence: number }>;
}

/** Hub side: what the bus holds for a cluster, read from whoever orders the writes. Throws BusError. */
export interface DesiredHolder {
  held(clusterUid: string): Promise<Held>;
}

export interface HubBus extends DesiredWriter, DesiredHolder, BusConnection {}

/** Hub side: ends the access of spokes' users at once. Level-triggered: takes all that are revoked, user nkey -> epoch ms; credentials made later hold. */
export interface SpokeRevoker {
  revoke(all: ReadonlyMap<string, number>): Promise<void>;
}

/** 'absent' is the lack of an answer about what is desired (nothing written yet, a delete marker): never "nothing is desired". */
export type DesiredMessage = Uint8Array | 'absent';

/** Spoke side: its own key and no other. */
export interface DesiredReader {
  /** May be older than the newest for a moment. undefined: absent, as above. Throws BusError. */
  get(clusterUid: string): Promise<Uint8Array | undefined>;
  /**
   * Subscribes, then reads: once at the start, after every reconnect, and whenever `refresh` is called (the caller's anti-entropy). Everything that arrives
   * either way goes to `onMessage`, in no dependable order, possibly repeatedly: the higher fence inside the bytes tells which is newer. Ends with the signal.
   */
  watch(clusterUid: string, onMessage: (message: DesiredMessage) => void, signal: AbortSignal): DesiredWatch;
}
export interface DesiredWatch {
  /** Reads once; what it finds goes to `onMessage`. Throws BusError. */
  refresh(): Promise<void>;
}

export interface SpokeBus extends DesiredReader, BusConnection {}

export type BusEvent =
  | { readonly kind: 'connected' | 'disconnected' }
  /** Credentials or permissions: the server says no. Tried again with fresh credentials. */
  | { readonly kind: 'refused'; readonly message: string };

export interface BusConnection extends AsyncDisposable {
  readonly connected: boolean;
  /** Calls back with what happens from now on; returns how to stop that. */
  events(listener: (event: BusEvent) => void): () => void;
  /** Drops the connection and comes back with fresh credentials: to renew before they expire. */
  reconnect(): Promise<void>;
  close(): Promise<void>;
}
