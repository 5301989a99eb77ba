import { inspect } from 'node:util';
import { type Digest, digestOf, isDigest, isName, type Random } from '../kernel/mod.ts';
import { SigningError } from './errors.ts';
import { keyFromSpki } from './keys.ts';

const prefix = 'wh1.';
const charsMax = 2_048;
const secretBytes = 32;

export interface JoinTokenParts {
  /** Names the token in the record, in logs and in audit; no secret. */
  readonly id: string;
  /** The cluster that it may become. */
  readonly clusterName: string;
  /** host:port of the enrolment listener. */
  readonly enrolment: string;
  /** The root's public key, SubjectPublicKeyInfo: pins the keyset. */
  readonly rootSpki: Uint8Array;
  /** sha256 of the CA certificate, DER: pins the enrolment listener. */
  readonly caPin: Digest;
}

/** What a new cluster is given, and all that it is given. Shows everything but its secret when printed or put into JSON. */
export class JoinToken implements JoinTokenParts {
  readonly id: string;
  readonly clusterName: string;
  readonly enrolment: string;
  readonly rootSpki: Uint8Array;
  readonly caPin: Digest;
  readonly #secret: Buffer;

  constructor(parts: JoinTokenParts, secret: Uint8Array) {
    this.id = parts.id;
    this.clusterName = parts.clusterName;
    this.enrolment = parts.enrolment;
    this.rootSpki = parts.rootSpki;
    this.caPin = parts.caPin;
    this.#secret = Buffer.from(secret);
  }

  /** What the record keeps of the secret. A plain hash: 32 random bytes are not guessed. */
  get secretHash(): Digest {
    return digestOf(this.#secret);
  }

  /** The whole token as text, secret included: for the one who is to join, nobody else. */
  reveal(): string {
    const { id, clusterName, enrolment, rootSpki, caPin } = this;
    const body = {
      id,
      secret: this.#secret.toString('base64url'),
      clusterName,
      enrolment,
      root: Buffer.from(rootSpki).toString('base64url'),
      caPin,
    };
    return prefix + Buffer.from(JSON.stringify(body)).toString('base64url');
  }

  toString(): string {
    return `join token ${this.id} of cluster ${this.clusterName}`;
  }
  toJSON(): string {
    return this.toString();
  }
  [inspect.custom](): string {
    return this.toString();
  }
}

export const createJoinToken = (parts: JoinTokenParts, random: Random): JoinToken => new JoinToken(parts, random.bytes(secretBytes));

/** Reads what `reveal` wrote. Throws SigningError BAD_TOKEN that names what is wrong, never what was given. */
export function parseJoinToken(given: string): JoinToken {
  const text = given.trim();
  if (text.length > charsMax) throw bad(`longer than ${charsMax} characters`);
  if (!text.startsWith(prefix)) throw bad(`does not begin with "${prefix}": copy all of it`);
  const body = parseBody(text.slice(prefix.length));
  const field = (key: string): string => {
    const value = Object.hasOwn(body, key) ? body[key] : undefined;
    if (typeof value !== 'string') throw bad(`has no ${key}`);
    return value;
  };
  const secret = Buffer.from(field('secret'), 'base64url');
  if (secret.byteLength !== secretBytes) throw bad('its secret is incomplete');
  if (!isName(field('id'))) throw bad('its id is not a name');
  if (!isName(field('clusterName'))) throw bad('its cluster name is not a lower-case RFC 1123 label');
  if (!/^(\[[0-9a-f:]+\]|[a-zA-Z0-9.-]{1,253}):[0-9]{1,5}$/.test(field('enrolment'))) throw bad('its enrolment address is not host:port');
  const caPin = field('caPin');
  if (!isDigest(caPin)) throw bad('its pin of the CA is not a sha256 digest');
  const rootSpki = Buffer.from(field('root'), 'base64url');
  if (!keyFromSpki(rootSpki)) throw bad('its root key is not an Ed25519 public key');
  return new JoinToken({ id: field('id'), clusterName: field('clusterName'), enrolment: field('enrolment'), rootSpki, caPin }, secret);
}

function parseBody(encoded: string): Record<string, unknown> {
  if (!/^[A-Za-z0-9_-]+$/.test(encoded)) throw bad('holds characters that do not belong to it');
  try {
    const body: unknown = JSON.parse(Buffer.from(encoded, 'base64url').toString('utf8'));
    if (typeof body === 'object' && body !== null) return body as Record<string, unknown>;
  } catch {
    // No cause: the parser quotes what it read, and that holds the secret.
  }
  throw bad('is cut short or damaged: copy all of it');
}

const bad = (what: string): SigningError => new SigningError('BAD_TOKEN', `this join token ${what}`);
