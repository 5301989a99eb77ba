import type { Clock } from '#shared/clock/mod.ts';
import { digestOf, type Random } from '#shared/kernel/mod.ts';

const goodForMs = 10 * 60_000;
const codesMax = 100;

/** Codes that were given out and not used: each lets one browser in, once and soon. Only their hashes are kept, in this process. */
export class Doors {
  readonly #clock: Pick<Clock, 'now' | 'monotonicMs'>;
  readonly #random: Random;
  readonly #open = new Map<string, { readonly subject: string; readonly untilMs: number }>();

  constructor(clock: Pick<Clock, 'now' | 'monotonicMs'>, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  invite(subject: string): { readonly code: string; readonly expiresAt: number } {
    const code = Buffer.from(this.#random.bytes(24)).toString('base64url');
    const nowMs = this.#clock.monotonicMs();
    for (const [hash, { untilMs }] of this.#open) if (untilMs <= nowMs || this.#open.size >= codesMax) this.#open.delete(hash);
    this.#open.set(digestOf(code), { subject, untilMs: nowMs + goodForMs });
    return { code, expiresAt: Math.round(this.#clock.now() + goodForMs) };
  }

  /** Who was invited with this code; undefined: nobody, or not any more. It is good for nothing afterwards. */
  enter(code: string): string | undefined {
    const hash = digestOf(code);
    const door = this.#open.get(hash);
    this.#open.delete(hash);
    return door && door.untilMs > this.#clock.monotonicMs() ? door.subject : undefined;
  }
}
