// NATS's keys and tokens with node:crypto: the library's own signing is pure JavaScript and 600 times slower.
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import type { Random } from '../kernel/mod.ts';
import { BusError } from './errors.ts';

export type NkeyKind = 'operator' | 'account' | 'user';
const prefixes: Readonly<Record<NkeyKind, number>> = { operator: 14 << 3, account: 0, user: 20 << 3 };
const seedPrefix = 18 << 3;
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex');

/** An nkey: Ed25519 under NATS's own spelling. Shows nothing of its secret when printed. */
export class Nkey {
  readonly kind: NkeyKind;
  /** The public key: "O…", "A…" or "U…". */
  readonly id: string;
  readonly #seed: Uint8Array;
  readonly #key: KeyObject;

  constructor(kind: NkeyKind, seed: Uint8Array) {
    if (seed.byteLength !== 32) throw new BusError('BAD_KEYS', `a seed has 32 bytes, not ${seed.byteLength}`);
    this.kind = kind;
    this.#seed = Uint8Array.from(seed);
    this.#key = createPrivateKey({ key: Buffer.concat([pkcs8Prefix, seed]), format: 'der', type: 'pkcs8' });
    const spki = createPublicKey(this.#key).export({ type: 'spki', format: 'der' });
    this.id = spell(Buffer.concat([Buffer.of(prefixes[kind]), spki.subarray(-32)]));
  }

  sign(bytes: Uint8Array): Buffer {
    return sign(null, bytes, this.#key);
  }

  /** "S…": the secret itself, as nsc and creds files write it. */
  exportSeed(): string {
    const prefix = prefixes[this.kind];
    return spell(Buffer.concat([Buffer.of(seedPrefix | (prefix >> 5), (prefix & 31) << 3), this.#seed]));
  }
}

export const createNkey = (kind: NkeyKind, random: Random): Nkey => new Nkey(kind, random.bytes(32));

/** Reads a seed of the wanted kind. Throws BusError BAD_KEYS, which never quotes it. */
export function nkeyFromSeed(kind: NkeyKind, seed: string): Nkey {
  const body = unspell(seed);
  const prefix = prefixes[kind];
  if (body?.length !== 34 || body[0] !== (seedPrefix | (prefix >> 5)) || body[1] !== (prefix & 31) << 3) {
    throw new BusError('BAD_KEYS', `not the seed of ${kind} nkey`);
  }
  return new Nkey(kind, body.subarray(2));
}

/** Whether the text is the public nkey of a user: right prefix, right check sum. */
export function isUserNkey(text: string): boolean {
  const body = unspell(text);
  return body?.length === 33 && body[0] === prefixes.user;
}

export interface Claims {
  readonly name: string;
  readonly subject: string;
  readonly nats: Readonly<Record<string, unknown>>;
  readonly issuedAtMs: number;
  readonly expiresAtMs?: number;
}

/** A NATS JWT (version 2). Times are whole seconds there: issued rounds down, expiry too. */
export function mintJwt(issuer: Nkey, claims: Claims): string {
  const body: Record<string, unknown> = {
    iat: Math.floor(claims.issuedAtMs / 1000),
    iss: issuer.id,
    name: claims.name,
    sub: claims.subject,
    nats: { ...claims.nats, version: 2 },
    ...(claims.expiresAtMs === undefined ? {} : { exp: Math.floor(claims.expiresAtMs / 1000) }),
  };
  body['jti'] = base32(createHash('sha256').update(JSON.stringify(body)).digest());
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${encode({ typ: 'JWT', alg: 'ed25519-nkey' })}.${encode(body)}`;
  return `${text}.${issuer.sign(Buffer.from(text)).toString('base64url')}`;
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** Body and check sum in base 32, without padding. */
function spell(body: Uint8Array): string {
  const sum = crc16(body);
  return base32(Buffer.concat([body, Buffer.of(sum & 0xff, sum >> 8)]));
}

function unspell(text: string): Buffer | undefined {
  const bytes = unbase32(text);
  if (bytes === undefined || bytes.length < 3) return undefined;
  const body = bytes.subarray(0, -2);
  return crc16(body) === bytes.readUInt16LE(body.length) && spell(body) === text ? body : undefined;
}

function base32(bytes: Uint8Array): string {
  let bits = 0;
  let value = 0;
  let out = '';
  for (const byte of bytes) {
    value = (value << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5) out += alphabet.charAt((value >>> (bits - 5)) & 31);
    value &= (1 << bits) - 1;
  }
  return bits > 0 ? out + alphabet.charAt((value << (5 - bits)) & 31) : out;
}

function unbase32(text: string): Buffer | undefined {
  if (text.length > 128 || !/^[A-Z2-7]*$/.test(text)) return undefined;
  let bits = 0;
  let value = 0;
  const out: number[] = [];
  for (const char of text) {
    value = (value << 5) | alphabet.indexOf(char);
    bits += 5;
    if (bits >= 8) out.push((value >>> (bits -= 8)) & 0xff);
    value &= (1 << bits) - 1;
  }
  return Buffer.from(out);
}

/** CRC-16/XMODEM. */
function crc16(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let i = 0; i < 8; i++) crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
  }
  return crc;
}
