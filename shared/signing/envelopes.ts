import { Envelope, type PublicKey, type Signature } from '#proto/mod.ts';
import { keyidOf, type SigningKey, verifies } from './keys.ts';

/** Larger than any document that travels in one: checked before anything is decoded. */
export const envelopeBytesMax = 1024 * 1024;
const signaturesMax = 16;

export type OpenFailure = 'EMPTY' | 'TOO_LARGE' | 'NOT_AN_ENVELOPE' | 'BAD_SIGNATURE' | 'WRONG_PAYLOAD_TYPE';
export type Opened =
  | { readonly ok: true; readonly payload: Buffer }
  | { readonly ok: false; readonly code: OpenFailure; readonly message: string };

export interface Trusted {
  readonly keys: readonly PublicKey[];
  /** How many different keys must have signed; at least 1, whatever is asked for. */
  readonly threshold: number;
}

/** DSSE's pre-authentication encoding: what is signed. The payload's type is part of it, lengths are in bytes. */
export function preAuthenticationEncoding(payloadType: string, payload: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payload.byteLength} `), payload]);
}

/** The protobuf bytes of an envelope signed by each of the keys. */
export function sealEnvelope(payload: Uint8Array, payloadType: string, keys: readonly SigningKey[]): Buffer {
  const signed = preAuthenticationEncoding(payloadType, payload);
  const signatures = keys.map((key) => ({ sig: key.sign(signed), keyid: key.keyid }));
  return Buffer.from(Envelope.encode({ payload: Buffer.from(payload), payloadType, signatures }).finish());
}

/**
 * Gives out the payload only if it has exactly the wanted type and enough trusted keys signed these very bytes; nothing inside the payload is read before.
 * Takes the bytes as they travel over NATS, or the message as gRPC has decoded it.
 */
export function openEnvelope(received: Uint8Array | Envelope, payloadType: string, trusted: Trusted): Opened {
  const envelope = received instanceof Uint8Array ? decode(received) : received;
  if ('ok' in envelope) return envelope;
  const { payload, signatures } = envelope;
  if (payload.byteLength > envelopeBytesMax) return tooLarge(payload.byteLength);
  if (payload.byteLength === 0 || signatures.length === 0) return failed('NOT_AN_ENVELOPE', 'no payload or no signature');
  if (signatures.length > signaturesMax || envelope.payloadType.length > 256)
    return failed('NOT_AN_ENVELOPE', 'too many signatures or too long a type');
  const signed = preAuthenticationEncoding(envelope.payloadType, payload);
  const signers = signersOf(signed, signatures, trusted.keys);
  const needed = Math.max(1, trusted.threshold);
  if (!(signers >= needed)) return failed('BAD_SIGNATURE', `${signers} of ${needed} needed signatures by trusted keys`);
  // After the signature, so that a flipped byte is told from a document of another kind.
  if (envelope.payloadType !== payloadType) return failed('WRONG_PAYLOAD_TYPE', `is ${envelope.payloadType}, not ${payloadType}`);
  return { ok: true, payload };
}

function decode(received: Uint8Array): Envelope | Opened {
  if (received.byteLength === 0) return failed('EMPTY', 'an empty message is never a document');
  if (received.byteLength > envelopeBytesMax) return tooLarge(received.byteLength);
  try {
    return Envelope.decode(received);
  } catch {
    return failed('NOT_AN_ENVELOPE', 'not a protobuf envelope');
  }
}

/** How many different trusted keys signed. Counted by key, so that one key cannot sign twice; a keyid only says which signature to try first. */
function signersOf(signed: Uint8Array, signatures: readonly Signature[], keys: readonly PublicKey[]): number {
  const byKeyid = new Map(keys.map((key) => [keyidOf(key.spki), key.spki]));
  let signers = 0;
  for (const [keyid, spki] of byKeyid) {
    const hinted = [...signatures.filter((s) => s.keyid === keyid), ...signatures.filter((s) => s.keyid !== keyid)];
    if (hinted.some((s) => verifies(spki, signed, s.sig))) signers++;
  }
  return signers;
}

const failed = (code: OpenFailure, message: string): Opened => ({ ok: false, code, message });
const tooLarge = (bytes: number): Opened => failed('TOO_LARGE', `${bytes} bytes, at most ${envelopeBytesMax}`);
