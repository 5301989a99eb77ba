import { HubMessage, SpokeMessage } from '#proto/mod.ts';
import type { Clock } from '#shared/clock/mod.ts';
import { RpcStream } from '#shared/rpc/mod.ts';

type Event = 'error' | 'close' | 'end' | 'cancelled';

interface Codec<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
}

/** One direction: bytes in order, each `delayMs` on its way. */
class Pipe<T> implements AsyncIterable<T> {
  readonly #codec: Codec<T>;
  readonly #clock: Clock;
  readonly #delayMs: number;
  readonly #queue: T[] = [];
  #ended = false;
  #cut = false;
  /** Bytes go in and never come out: a path that is gone, and nobody knows. */
  lost = false;
  #wake: (() => void) | undefined;

  constructor(codec: Codec<T>, clock: Clock, delayMs: number) {
    this.#codec = codec;
    this.#clock = clock;
    this.#delayMs = delayMs;
  }

  write(message: T): void {
    const bytes = this.#codec.encode(message).finish();
    this.#later(() => this.#queue.push(this.#codec.decode(bytes)));
  }

  end(): void {
    this.#later(() => (this.#ended = true));
  }

  cut(): void {
    this.#cut = true;
    this.#wake?.();
  }

  #later(act: () => void): void {
    const arrive = (): void => {
      if (this.lost) return;
      act();
      this.#wake?.();
    };
    if (this.#delayMs === 0) queueMicrotask(arrive);
    else this.#clock.after(this.#delayMs, arrive);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      if (this.#cut) throw new Error('the connection was cut');
      const next = this.#queue.shift();
      if (next !== undefined) yield next;
      else if (this.#ended) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

/** An end as grpc-js gives it, of what `RpcStream` needs. */
class End<In, Out> implements AsyncIterable<In> {
  readonly #inward: Pipe<In>;
  readonly #outward: Pipe<Out>;
  readonly #cut: (why: Error) => void;
  readonly #listeners: [Event, (error?: Error) => void][] = [];
  readonly writableLength = 0;

  constructor(inward: Pipe<In>, outward: Pipe<Out>, cut: (why: Error) => void) {
    this.#inward = inward;
    this.#outward = outward;
    this.#cut = cut;
  }

  write(message: Out): boolean {
    this.#outward.write(message);
    return true;
  }

  end(): void {
    this.#outward.end();
  }

  destroy(error = new Error('destroyed')): void {
    this.#cut(error);
  }

  on(event: Event, listener: (error?: Error) => void): void {
    this.#listeners.push([event, listener]);
  }

  emit(event: Event, error?: Error): void {
    for (const [wanted, listener] of this.#listeners) if (wanted === event) listener(error);
  }

  [Symbol.asyncIterator](): AsyncIterator<In> {
    return this.#inward[Symbol.asyncIterator]();
  }
}

/** A spoke's stream to the hub inside one process: what is said goes through the encoding of the wire. */
export class Connection {
  readonly spoke: RpcStream<HubMessage, SpokeMessage>;
  readonly hub: RpcStream<SpokeMessage, HubMessage>;
  readonly #pipes: readonly [Pipe<SpokeMessage>, Pipe<HubMessage>];
  readonly #ends: readonly [End<HubMessage, SpokeMessage>, End<SpokeMessage, HubMessage>];
  readonly #clock: Clock;
  open = true;

  constructor(clock: Clock, delayMs: number) {
    this.#clock = clock;
    const up = new Pipe<SpokeMessage>(SpokeMessage, clock, delayMs);
    const down = new Pipe<HubMessage>(HubMessage, clock, delayMs);
    const cut = (why: Error): void => this.cut(why.message);
    this.#pipes = [up, down];
    this.#ends = [new End(down, up, cut), new End(up, down, cut)];
    this.spoke = new RpcStream(this.#ends[0]);
    this.hub = new RpcStream(this.#ends[1]);
  }

  /** Both ends learn of it at once. */
  cut(why: string): void {
    if (!this.open) return;
    this.open = false;
    for (const pipe of this.#pipes) pipe.cut();
    const [spoke, hub] = this.#ends;
    spoke.emit('error', new Error(why));
    hub.emit('cancelled');
  }

  /** Nothing arrives any more in either direction; both ends notice when keep-alive has waited long enough. */
  lose(keepAliveMs: number): void {
    for (const pipe of this.#pipes) pipe.lost = true;
    this.#clock.after(keepAliveMs, () => this.cut('keep-alive'));
  }
}
