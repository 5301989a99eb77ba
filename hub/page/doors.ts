import type { Clock } from '#shared/clock/mod.ts';
import { digestOf, type Random } from '#shared/kernel/mod.ts';
import type { Inviter } from '#hub/api/mod.ts';

const goodForMs = 10 * 60_000;
const codesMax = 100;

/** Codes that were given out and not used: each lets one browser in, once and soon. Only their hashes are kept, in this process. */
export class Doors {
  readonly #clock: Pick<Clock, 'now' | 'monotonicMs'>;
  readonly #random: Random;
  readonly #open = new Map<string, { readonly inviterId: number; readonly untilMs: number }>();

  constructor(clock: Pick<Clock, 'now' | 'monotonicMs'>, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** For ten minutes, if the token that invites is good for so long. */
  invite(by: Inviter): { readonly code: string; readonly expiresAt: number } {
    const code = Buffer.from(this.#random.bytes(24)).toString('base64url');
    const [now, nowMs] = [this.#clock.now(), this.#clock.monotonicMs()];
    const forMs = Math.min(goodForMs, by.expiresAt - now);
    for (const [hash, { untilMs }] of this.#open) if (untilMs <= nowMs || this.#open.size >= codesMax) this.#open.delete(hash);
    this.#open.set(digestOf(code), { inviterId: by.id, untilMs: nowMs + forMs });
    return { code, expiresAt: Math.round(now + forMs) };
  }

  /** The id of the token that invited with this code; undefined: none, or not any more. It is good for nothing afterwards. */
  enter(code: string): number | undefined {
    const hash = digestOf(code);
    const door = this.#open.get(hash);
    this.#open.delete(hash);
    return door && door.untilMs > this.#clock.monotonicMs() ? door.inviterId : undefined;
  }
}
