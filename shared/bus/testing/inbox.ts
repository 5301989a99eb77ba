import type { BusEvent, DesiredMessage } from '../ports.ts';

/** Collects what arrives and waits for what should: no test sleeps. */
export class Inbox<T> {
  readonly all: T[] = [];
  readonly #waiting = new Set<() => void>();

  readonly take = (item: T): void => {
    this.all.push(item);
    for (const look of this.#waiting) look();
  };

  /** Resolves once some item, earlier or later, is as wanted. */
  async until(wanted: (item: T) => boolean, what: string): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const look = (): void => {
      const found = this.all.find(wanted);
      if (found !== undefined) resolve(found);
    };
    const deadline = AbortSignal.timeout(15_000);
    const late = (): void => reject(new Error(`${what} did not happen; so far: ${this.all.map(shown).join(', ') || 'nothing'}`));
    deadline.addEventListener('abort', late, { once: true });
    this.#waiting.add(look);
    look();
    return promise.finally(() => this.#waiting.delete(look));
  }
}

const shown = (item: unknown): string => (item instanceof Uint8Array ? Buffer.from(item).toString() : JSON.stringify(item));

export const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));

/** Messages as text. */
export class MessageInbox extends Inbox<DesiredMessage> {
  get texts(): string[] {
    return this.all.map((m) => (m === 'absent' ? m : Buffer.from(m).toString()));
  }
  untilText(text: string): Promise<DesiredMessage> {
    return this.until((m) => (m === 'absent' ? m : Buffer.from(m).toString()) === text, `the message ${text}`);
  }
}

export class EventInbox extends Inbox<BusEvent> {
  untilKind(kind: BusEvent['kind'], says = /./): Promise<BusEvent> {
    return this.until((e) => e.kind === kind && (e.kind !== 'refused' || says.test(e.message)), `the event ${kind}`);
  }
}
