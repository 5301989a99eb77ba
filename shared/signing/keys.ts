import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import type { PublicKey } from '#proto/mod.ts';
import { type Digest, digestOf, type Random } from '../kernel/mod.ts';
import { SigningError } from './errors.ts';

/** PKCS#8 of an Ed25519 private key: these bytes, then the 32 of the seed. */
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex');

/** An Ed25519 private key. Deterministic: the same key signs the same bytes the same way. Shows nothing of itself when printed. */
export class SigningKey {
  readonly keyid: Digest;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Buffer;
  readonly #key: KeyObject;

  constructor(key: KeyObject) {
    if (key.type !== 'private' || key.asymmetricKeyType !== 'ed25519') throw new SigningError('BAD_KEY', 'not an Ed25519 private key');
    this.#key = key;
    this.spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
    this.keyid = keyidOf(this.spki);
  }

  sign(bytes: Uint8Array): Buffer {
    return sign(null, bytes, this.#key);
  }

  /** As a keyset lists it. */
  get publicKey(): PublicKey {
    return { keyid: this.keyid, spki: this.spki };
  }

  /** PKCS#8 PEM: the secret itself, for a file that only its owner reads. */
  exportPem(): string {
    return this.#key.export({ type: 'pkcs8', format: 'pem' }).toString();
  }
}

export const keyidOf = (spki: Uint8Array): Digest => digestOf(spki);

/** `random` must be unpredictable. */
export const generateKey = (random: Random): SigningKey => keyFromSeed(random.bytes(32));

export function keyFromSeed(seed: Uint8Array): SigningKey {
  if (seed.byteLength !== 32) throw new SigningError('BAD_KEY', `a seed has 32 bytes, not ${seed.byteLength}`);
  return new SigningKey(createPrivateKey({ key: Buffer.concat([pkcs8Prefix, seed]), format: 'der', type: 'pkcs8' }));
}

export function keyFromPem(pem: string): SigningKey {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    // No cause: OpenSSL's message may quote what it read.
    throw new SigningError('BAD_KEY', 'not a PKCS#8 private key in PEM');
  }
  return new SigningKey(key);
}

/** The public key of a SubjectPublicKeyInfo; undefined if it is none, or not of Ed25519. */
export function keyFromSpki(spki: Uint8Array): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
    return key.asymmetricKeyType === 'ed25519' ? key : undefined;
  } catch {
    return undefined;
  }
}

/** A key that is no key verifies nothing. */
export function verifies(spki: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean {
  const key = keyFromSpki(spki);
  return key !== undefined && verify(null, bytes, key, signature);
}
