import { seededRandom } from '#shared/clock/mod.ts';
import type { Random } from '#shared/kernel/mod.ts';

/** Everything that is drawn comes from one seed; each part of the fleet has a stream of its own, so that one more draw in one place moves no other. */
export class Chance {
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
  }

  random(name: string): Random {
    let hash = this.#seed >>> 0;
    for (const byte of Buffer.from(name)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
    return seededRandom(hash);
  }

  dice(name: string): Dice {
    return new Dice(this.random(name));
  }
}

export class Dice {
  readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  /** True in `share` (0-1) of all cases. */
  is(share: number): boolean {
    return this.random.next() < share;
  }

  /** A whole number, both ends in. */
  between(min: number, max: number): number {
    return min + Math.floor(this.random.next() * (max - min + 1));
  }

  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new Error('nothing to pick from');
    return items[Math.floor(this.random.next() * items.length)] as T;
  }

  /** One of the words, each as often as its weight says. */
  weighted<T extends string>(weights: Readonly<Record<T, number>>): T {
    const entries = Object.entries(weights) as [T, number][];
    let left = this.random.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [word, weight] of entries) if ((left -= weight) < 0) return word;
    return this.pick(entries.map(([word]) => word));
  }
}
