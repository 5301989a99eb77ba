import type { Clock } from '../../../shared/clock/mod.ts';
import { KubeError } from '../errors.ts';
import type { KubeCode } from '../port.ts';

/** A verb of KubeClient. */
export type MemoryVerb = 'version' | 'discover' | 'get' | 'list' | 'watch' | 'apply' | 'create' | 'update' | 'delete';

export interface Fault {
  /** Any, when absent; so are the other conditions. */
  readonly verb?: MemoryVerb;
  readonly kind?: string;
  readonly name?: string;
  readonly code: KubeCode;
  /** How many calls; 1 by default. */
  readonly times?: number;
  /** The call is carried out and only its answer is lost, as when the connection breaks in between. */
  readonly answerLost?: boolean;
}

interface Ask {
  readonly verb: MemoryVerb;
  readonly kind: string;
  readonly name: string;
}

/** Troubles on order. */
export class Faults {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  #planned: { readonly fault: Fault; left: number }[] = [];
  #silence: PromiseWithResolvers<void> | undefined;

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  plan(fault: Fault): void {
    this.#planned.push({ fault, left: fault.times ?? 1 });
  }

  clear(): void {
    this.#planned = [];
  }

  silence(): void {
    this.#silence ??= Promise.withResolvers();
  }

  wake(): void {
    this.#silence?.resolve();
    this.#silence = undefined;
  }

  get silent(): boolean {
    return this.#silence !== undefined;
  }

  /** The fault that this call meets, used up by it. */
  take(ask: Ask): Fault | undefined {
    const hit = this.#planned.find(
      ({ fault, left }) =>
        left > 0 && (fault.verb ?? ask.verb) === ask.verb && (fault.kind ?? ask.kind) === ask.kind && (fault.name ?? ask.name) === ask.name,
    );
    if (!hit) return undefined;
    hit.left -= 1;
    return hit.fault;
  }

  /** Returns at once unless silent; else when woken. Rejects with SERVER_UNAVAILABLE after the request time-out, or with the signal's reason. */
  async heard(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const silence = this.#silence;
    if (!silence) return;
    const end = new AbortController();
    try {
      const timeout = this.#clock.sleep(this.#timeoutMs, AbortSignal.any([signal, end.signal])).then(() => {
        throw new KubeError('SERVER_UNAVAILABLE', `no answer within ${this.#timeoutMs} ms`);
      });
      await Promise.race([silence.promise, timeout]);
    } finally {
      end.abort();
    }
  }
}
