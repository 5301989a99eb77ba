import type { DesiredState, Refusal, Welcome } from '#proto/mod.ts';
import type { Clock } from '#shared/clock/mod.ts';
import { compareFence, digestOf, explain, fenceText, type Fence } from '#shared/kernel/mod.ts';
import { span, type Log } from '#shared/telemetry/mod.ts';
import { judge, type Floor, type HashedFence, type Self } from './judge.ts';

/** The last accepted document, as it is kept. */
export interface Stored {
  readonly fence: HashedFence;
  readonly envelope: Uint8Array;
}

const knownMax = 64;

export interface ReceiverOptions {
  readonly self: () => Self;
  /** Durable when it resolves: what runs is never newer than what is kept. */
  readonly save: (stored: Stored) => Promise<void>;
  /** A state to work towards. `receivedAtMs` is monotonic. */
  readonly onState: (state: DesiredState, fence: HashedFence, receivedAtMs: number) => void;
  readonly onRefusal: (refusal: Refusal) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Takes what the bus brings, has it judged, keeps what was accepted and hands it on. One at a time, newest first come: while one is being kept, only the
 * last that arrived waits, because what is older is refused by its fence anyway.
 */
export class Receiver {
  readonly #options: ReceiverOptions;
  #stored: Stored | undefined;
  #floor: Floor | undefined;
  /** What was to be kept last, and may be although nobody said so: nothing lower may take its place. */
  #attempted: Fence = { epoch: 0, generation: 0 };
  #waiting: { bytes: Uint8Array; receivedAtMs: number }[] = [];
  #busy = false;
  /** Anti-entropy reads bring the same refused bytes again and again: the hub is told once. */
  #refused = '';
  /** Of the envelopes that were accepted, or overtaken, in this life: the last ones. */
  readonly #known = new Set<string>();

  constructor(options: ReceiverOptions, stored: Stored | undefined, floor: Floor | undefined) {
    this.#options = options;
    this.#stored = stored;
    this.#floor = floor;
  }

  /** How far this spoke has got; what Hello and beats say. */
  get stored(): Stored | undefined {
    return this.#stored;
  }

  /** What was accepted before this process started is worked towards again, from the very bytes that were kept. */
  resume(): void {
    const { self, onState, onRefusal, clock, log } = this.#options;
    if (!this.#stored) return;
    const again = judge(undefined, this.#stored.envelope, self(), { fence: this.#stored.fence });
    if (again.outcome === 'Accept') onState(again.state, again.fence, clock.monotonicMs());
    else {
      log.error('the kept desired state is not what it was', { outcome: again.outcome });
      onRefusal({
        outcome: again.outcome,
        message: 'the desired state kept in Secret wheelhouse-desired no longer verifies',
        seen: undefined,
      });
    }
  }

  /** What the hub said when the stream opened, about the fence that Hello named; valid until `forget`. */
  welcomed(welcome: Welcome, named: HashedFence | undefined): void {
    if (!welcome.fence) return;
    this.#floor = { fence: welcome.fence, ...(welcome.fenceConfirmed && named ? { confirmed: named } : {}) };
  }

  forget(): void {
    if (this.#floor) this.#floor = { fence: this.#floor.fence };
  }

  receive(bytes: Uint8Array): void {
    this.#waiting.push({ bytes, receivedAtMs: this.#options.clock.monotonicMs() });
    // Two may wait: a forged or old one must not push out the genuine one that came before it.
    if (this.#waiting.length > 16) this.#waiting.shift();
    void this.#work();
  }

  async #work(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) await this.#judge(next.bytes, next.receivedAtMs);
    } finally {
      this.#busy = false;
    }
  }

  async #judge(envelope: Uint8Array, receivedAtMs: number): Promise<void> {
    const { self, save, onState, onRefusal, log } = this.#options;
    const judged = judge(this.#stored?.fence, envelope, self(), this.#floor);
    if (judged.outcome === 'Same') {
      // What was refused has been replaced: should it come again, that is news.
      this.#refused = '';
      return;
    }
    if (judged.outcome === 'Older' && this.#stored && this.#isNew(envelope)) {
      // What was written just before the one that was read may arrive after it. What comes again, or after it was accepted, is replayed.
      log.info('a desired state was overtaken on its way', { message: judged.message });
      return;
    }
    if (judged.outcome !== 'Accept') {
      const digest = `${judged.outcome} ${digestOf(envelope)}`;
      if (digest === this.#refused) return;
      this.#refused = digest;
      log.warn('refused a desired state', { outcome: judged.outcome, message: judged.message });
      const { seen } = judged;
      onRefusal({
        outcome: judged.outcome,
        message: judged.message,
        seen: seen && { epoch: seen.epoch, generation: seen.generation, hash: Buffer.from(seen.hash ?? []) },
      });
      return;
    }
    if (compareFence(judged.fence, this.#attempted) < 0) {
      log.info('a desired state was overtaken by one that could not be kept, or is and nobody said so', { fence: fenceText(judged.fence) });
      return;
    }
    this.#attempted = judged.fence;
    const stored = { fence: judged.fence, envelope };
    const traceparents = new Set(judged.state.assignments.map((a) => a.cause?.traceparent ?? ''));
    const parent = [...traceparents].at(-1) ?? '';
    try {
      await span('spoke.accept', { parent, attributes: { 'wheelhouse.fence': fenceText(judged.fence) } }, () => save(stored));
    } catch (error) {
      // Not kept, so not worked towards: the next anti-entropy read brings it again.
      log.error('could not keep the desired state', { reason: explain(error) });
      return;
    }
    this.#stored = stored;
    this.#isNew(envelope);
    log.info('accepted a desired state', { fence: fenceText(judged.fence), assignments: judged.state.assignments.length });
    onState(judged.state, judged.fence, receivedAtMs);
  }
  /** Whether it is seen for the first time; from now on it is not. */
  #isNew(envelope: Uint8Array): boolean {
    const digest = digestOf(envelope);
    if (this.#known.has(digest)) return false;
    this.#known.add(digest);
    for (const oldest of this.#known) {
      if (this.#known.size <= knownMax) break;
      this.#known.delete(oldest);
    }
    return true;
  }
}
