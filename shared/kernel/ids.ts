/** Source of randomness, handed in: the simulator's is seeded. */
export interface Random {
  /** A number in [0, 1). */
  next(): number;
  /** `count` bytes. Unpredictable in production: keys and uids are made of them. */
  bytes(count: number): Uint8Array;
}

/** Names that go into subjects, paths and labels: RFC 1123 labels. */
export const namePattern = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
export const isName = (text: string): boolean => namePattern.test(text);

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

/** What a uid names: cluster, placement, rollout (or release), app, tenant (or fleet, or token), environment. */
export type UidKind = 'c' | 'p' | 'r' | 'a' | 't' | 'e';

/**
 * A uid: 20 characters of Crockford's base 32 (100 random bits) behind one letter that says what it names. Also a valid RFC 1123 label, so it can stand
 * in NATS subjects, Kubernetes labels and object names.
 */
export function uidFrom(kind: UidKind, random: Random): string {
  let text: string = kind;
  for (const byte of random.bytes(20)) text += alphabet[byte & 31] ?? '0';
  return text;
}
