import type { Clock } from '../clock/mod.ts';
import type { Random } from '../kernel/mod.ts';
import { BusError } from './errors.ts';
import { follow } from './follow.ts';
import { checked } from './layout.ts';
import { type BusEvent, type DesiredMessage, type DesiredWatch, type Held, type HubBus, type SpokeBus, valueBytesMax } from './ports.ts';

export interface MemoryBusOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** How a push travels: calls `send` never, once, later or twice. By default once, in a later turn of the event loop. */
  readonly carry?: (push: { readonly clusterUid: string; readonly message: DesiredMessage }, send: () => void) => void;
}

/** The bus inside one process, for tests and the simulator: same ports, same rules, with faults on demand. */
export class MemoryBus {
  readonly #options: MemoryBusOptions;
  readonly #keys = new Map<string, Held>();
  readonly #spokes = new Map<string, Set<MemorySpoke>>();
  #sequence = 0;

  constructor(options: MemoryBusOptions) {
    this.#options = options;
  }

  hub(): HubBus & { cut(): void; mend(): void } {
    return new MemoryHub(this);
  }

  spoke(clusterUid: string): SpokeBus & { cut(): void; mend(): void } {
    const spoke = new MemorySpoke(this, checked(clusterUid), this.#options);
    const all = this.#spokes.get(clusterUid) ?? new Set();
    this.#spokes.set(clusterUid, all.add(spoke));
    return spoke;
  }

  held(clusterUid: string): Held {
    return this.#keys.get(checked(clusterUid)) ?? { sequence: 0, bytes: undefined };
  }

  /** Writes; `undefined` leaves a delete marker. */
  write(clusterUid: string, bytes: Uint8Array | undefined): number {
    const sequence = ++this.#sequence;
    this.#keys.set(checked(clusterUid), { sequence, bytes });
    const message = bytes ?? 'absent';
    const carry = this.#options.carry ?? ((_push, send) => queueMicrotask(send));
    for (const spoke of this.#spokes.get(clusterUid) ?? []) carry({ clusterUid, message }, () => spoke.push(message));
    return sequence;
  }
}

class MemoryLink {
  connected = true;
  #closed = false;
  readonly #listeners = new Set<(event: BusEvent) => void>();

  events(listener: (event: BusEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
  cut(): void {
    this.connected = false;
    for (const listener of this.#listeners) listener({ kind: 'disconnected' });
  }
  mend(): void {
    this.connected = true;
    for (const listener of this.#listeners) listener({ kind: 'connected' });
  }
  async reconnect(): Promise<void> {
    this.check();
    this.cut();
    this.mend();
  }
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.cut();
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
  /** Throws what a use of the connection would run into now. */
  check(): void {
    if (this.#closed) throw new BusError('CLOSED', 'the connection was closed');
    if (!this.connected) throw new BusError('UNREACHABLE', 'not connected');
  }
}

class MemoryHub extends MemoryLink implements HubBus {
  readonly #bus: MemoryBus;
  constructor(bus: MemoryBus) {
    super();
    this.#bus = bus;
  }

  async put(clusterUid: string, bytes: Uint8Array, expected?: { readonly sequence: number }): Promise<{ readonly sequence: number }> {
    this.check();
    if (bytes.byteLength === 0) throw new BusError('TOO_LARGE', 'an empty value would read as a deletion');
    if (bytes.byteLength > valueBytesMax) throw new BusError('TOO_LARGE', `${bytes.byteLength} bytes, at most ${valueBytesMax}`);
    const { sequence } = this.#bus.held(clusterUid);
    if (expected && expected.sequence !== sequence)
      throw new BusError('CONFLICT', `the last write has sequence ${sequence}, not ${expected.sequence}`);
    return { sequence: this.#bus.write(clusterUid, Uint8Array.from(bytes)) };
  }

  async held(clusterUid: string): Promise<Held> {
    this.check();
    return this.#bus.held(clusterUid);
  }
}

class MemorySpoke extends MemoryLink implements SpokeBus {
  readonly #bus: MemoryBus;
  readonly #clusterUid: string;
  readonly #options: MemoryBusOptions;
  readonly #watches = new Set<(message: DesiredMessage) => void>();

  constructor(bus: MemoryBus, clusterUid: string, options: MemoryBusOptions) {
    super();
    this.#bus = bus;
    this.#clusterUid = clusterUid;
    this.#options = options;
  }

  push(message: DesiredMessage): void {
    if (this.connected) for (const watch of this.#watches) watch(message);
  }

  async get(clusterUid: string): Promise<Uint8Array | undefined> {
    this.#own(clusterUid);
    this.check();
    return this.#bus.held(clusterUid).bytes;
  }

  watch(clusterUid: string, onMessage: (message: DesiredMessage) => void, signal: AbortSignal): DesiredWatch {
    this.#own(clusterUid);
    this.#watches.add(onMessage);
    signal.addEventListener('abort', () => this.#watches.delete(onMessage), { once: true });
    const refresh = async (): Promise<void> => {
      const bytes = await this.get(clusterUid);
      if (!signal.aborted) onMessage(bytes ?? 'absent');
    };
    follow(this, refresh, this.#options, signal);
    return { refresh };
  }

  #own(clusterUid: string): void {
    if (checked(clusterUid) !== this.#clusterUid) throw new BusError('REFUSED', `${this.#clusterUid} may not read ${clusterUid}`);
  }
}
