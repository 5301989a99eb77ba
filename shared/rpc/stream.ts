import { RpcError, rpcErrorFrom } from './errors.ts';

interface Duplex<In, Out> extends AsyncIterable<In> {
  write(message: Out): boolean;
  end(): void;
  destroy(error?: Error): void;
  on(event: 'error' | 'close' | 'end' | 'cancelled', listener: (error?: Error) => void): unknown;
  readonly writableLength: number;
}

/** Messages that may wait for a peer that does not read: beyond it the stream is cut, because memory per spoke has a bound. */
const queuedMax = 1_000;

/** Either end of a bidirectional stream. Ends exactly once, whichever of grpc-js's several signals comes first. */
export class RpcStream<In, Out> implements AsyncIterable<In> {
  readonly #call: Duplex<In, Out>;
  #ended: string | undefined;
  readonly #closing: ((reason: string) => void)[] = [];

  constructor(call: Duplex<In, Out>) {
    this.#call = call;
    call.on('error', (error) => this.#end(error ? rpcErrorFrom(error, 'stream').message : 'error'));
    for (const event of ['close', 'end', 'cancelled'] as const) call.on(event, () => this.#end(event));
  }

  /** Queues a message; after the end it is dropped. */
  send(message: Out): void {
    if (this.#ended !== undefined) return;
    if (this.#call.writableLength > queuedMax) {
      this.abort(new RpcError('UNAVAILABLE', `the peer has not read ${queuedMax} messages`));
      return;
    }
    this.#call.write(message);
  }

  /** Says that nothing more will be sent. */
  end(): void {
    if (this.#ended === undefined) this.#call.end();
  }

  abort(error: Error): void {
    this.#call.destroy(error);
    this.#end(error.message);
  }

  /** Called once, with the reason; at once when it has ended already. */
  onEnd(listener: (reason: string) => void): void {
    if (this.#ended === undefined) this.#closing.push(listener);
    else listener(this.#ended);
  }

  /** Messages in order; the next is read after the loop asks for it, so a slow reader slows its peer. Rejects with RpcError. */
  async *[Symbol.asyncIterator](): AsyncGenerator<In> {
    try {
      yield* this.#call;
    } catch (error) {
      throw rpcErrorFrom(error, 'stream');
    }
  }

  #end(reason: string): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    for (const listener of this.#closing.splice(0)) listener(reason);
  }
}
