const windowMs = 60_000;
const failuresMax = 20;
const addressesMax = 1_000;

/** Counts wrong tokens by address, so that guessing is slow. Bounded: the address that failed longest ago is forgotten first. Is given the moment. */
export class Failures {
  readonly #byAddress = new Map<string, { count: number; since: number }>();

  /** How long this address has to wait, milliseconds; 0: it may try. */
  waitMs(address: string, nowMs: number): number {
    const entry = this.#byAddress.get(address);
    if (!entry || nowMs - entry.since >= windowMs || entry.count < failuresMax) return 0;
    return windowMs - (nowMs - entry.since);
  }

  failed(address: string, nowMs: number): void {
    const entry = this.#byAddress.get(address);
    const next = entry && nowMs - entry.since < windowMs ? { ...entry, count: entry.count + 1 } : { count: 1, since: nowMs };
    this.#byAddress.delete(address);
    this.#byAddress.set(address, next);
    const [oldest] = this.#byAddress.keys();
    if (this.#byAddress.size > addressesMax && oldest !== undefined) this.#byAddress.delete(oldest);
  }
}
