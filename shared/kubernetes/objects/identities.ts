import type { Random } from '../../kernel/mod.ts';

/** A version 4 UUID. */
export function uuidFrom(random: Random): string {
  const hex = Buffer.from(random.bytes(16)).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`, hex.slice(20)].join('-');
}

/** What `generateName` ends with: no vowels, nothing that looks like something else. */
export const suffixFrom = (random: Random): string => [...random.bytes(5)].map((byte) => 'bcdfghjklmnpqrstvwxz2456789'[byte % 27]).join('');
