import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Envelope } from '#proto/mod.ts';
import { envelopeBytesMax, openEnvelope, preAuthenticationEncoding, sealEnvelope } from './envelopes.ts';
import { keyFromSeed, type SigningKey } from './keys.ts';

const type = 'application/vnd.example.v1';
const [a, b, stranger] = [1, 2, 3].map((seed) => keyFromSeed(new Uint8Array(32).fill(seed))) as [SigningKey, SigningKey, SigningKey];
const trusted = (threshold: number, ...keys: SigningKey[]): Parameters<typeof openEnvelope>[2] => ({
  threshold,
  keys: keys.map((k) => k.publicKey),
});
const payload = Buffer.from('the payload');
const codeOf = (...args: Parameters<typeof openEnvelope>): string => {
  const opened = openEnvelope(...args);
  return opened.ok ? 'ok' : opened.code;
};

test('the encoding that is signed is the one of the DSSE specification', () => {
  const text = preAuthenticationEncoding('http://example.com/HelloWorld', Buffer.from('hello world')).toString();
  assert.equal(text, 'DSSEv1 29 http://example.com/HelloWorld 11 hello world');
  assert.equal(preAuthenticationEncoding('é', Buffer.from('ü')).toString(), 'DSSEv1 2 é 2 ü');
});

test('sealed and opened: the payload, as bytes or as a decoded message', () => {
  const sealed = sealEnvelope(payload, type, [a]);
  assert.deepEqual(openEnvelope(sealed, type, trusted(1, a)), { ok: true, payload });
  assert.deepEqual(openEnvelope(Envelope.decode(sealed), type, trusted(1, a)), { ok: true, payload });
  assert.deepEqual(sealEnvelope(payload, type, [a]), sealed);
});

test('one flipped bit anywhere is refused, or changes nothing that was signed', () => {
  const sealed = sealEnvelope(payload, type, [a]);
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const flipped = Buffer.from(sealed);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const opened = openEnvelope(flipped, type, trusted(1, a));
    // A keyid is a hint and not signed; everything else is.
    if (opened.ok) assert.deepEqual(opened.payload, payload);
  }
  const inPayload = Buffer.from(sealed);
  inPayload.write('X', sealed.indexOf(payload) + 3);
  assert.equal(codeOf(inPayload, type, trusted(1, a)), 'BAD_SIGNATURE');
});

const rows: readonly [name: string, expected: string, run: () => string][] = [
  ['an empty message', 'EMPTY', () => codeOf(new Uint8Array(), type, trusted(1, a))],
  ['more than 1 MiB', 'TOO_LARGE', () => codeOf(sealEnvelope(Buffer.alloc(envelopeBytesMax), type, [a]), type, trusted(1, a))],
  [
    'more than 1 MiB, decoded',
    'TOO_LARGE',
    () => codeOf({ payload: Buffer.alloc(envelopeBytesMax + 1), payloadType: type, signatures: [] }, type, trusted(1, a)),
  ],
  ['bytes that are no envelope', 'NOT_AN_ENVELOPE', () => codeOf(Buffer.from('{"payload":"aGk="}'), type, trusted(1, a))],
  ['no signature', 'NOT_AN_ENVELOPE', () => codeOf(sealEnvelope(payload, type, []), type, trusted(1, a))],
  ['an empty payload', 'NOT_AN_ENVELOPE', () => codeOf(sealEnvelope(Buffer.alloc(0), type, [a]), type, trusted(1, a))],
  [
    '17 signatures',
    'NOT_AN_ENVELOPE',
    () =>
      codeOf(
        sealEnvelope(
          payload,
          type,
          Array.from({ length: 17 }, () => a),
        ),
        type,
        trusted(1, a),
      ),
  ],
  ['a stranger signed', 'BAD_SIGNATURE', () => codeOf(sealEnvelope(payload, type, [stranger]), type, trusted(1, a))],
  ['nobody is trusted', 'BAD_SIGNATURE', () => codeOf(sealEnvelope(payload, type, [a]), type, trusted(1))],
  ['nobody is trusted and a threshold of 0', 'BAD_SIGNATURE', () => codeOf(sealEnvelope(payload, type, [a]), type, trusted(0))],
  ['a threshold that is no number', 'BAD_SIGNATURE', () => codeOf(sealEnvelope(payload, type, [a]), type, trusted(NaN, a))],
  ['another type, rightly signed', 'WRONG_PAYLOAD_TYPE', () => codeOf(sealEnvelope(payload, `${type}x`, [a]), type, trusted(1, a))],
  ['two asked, one signed', 'BAD_SIGNATURE', () => codeOf(sealEnvelope(payload, type, [a, stranger]), type, trusted(2, a, b))],
  ['two asked, one signed twice', 'BAD_SIGNATURE', () => codeOf(sealEnvelope(payload, type, [a, a]), type, trusted(2, a, b))],
  ['two asked, one listed twice', 'BAD_SIGNATURE', () => codeOf(sealEnvelope(payload, type, [a, a]), type, trusted(2, a, a))],
  ['two asked, two signed', 'ok', () => codeOf(sealEnvelope(payload, type, [b, stranger, a]), type, trusted(2, a, b))],
];
for (const [name, expected, run] of rows) test(`${name}: ${expected}`, () => assert.equal(run(), expected));

test('a type that is relabelled after signing breaks the signature', () => {
  const envelope = Envelope.decode(sealEnvelope(payload, `${type}x`, [a]));
  assert.equal(codeOf({ ...envelope, payloadType: type }, type, trusted(1, a)), 'BAD_SIGNATURE');
});

test('a keyid is a hint: wrong, missing or claimed by another signature, the right signature is found', () => {
  const envelope = Envelope.decode(sealEnvelope(payload, type, [a]));
  const [signature] = envelope.signatures;
  assert.ok(signature);
  for (const keyid of ['', b.keyid, 'sha256:nonsense']) {
    assert.equal(codeOf({ ...envelope, signatures: [{ ...signature, keyid }] }, type, trusted(1, a, b)), 'ok');
  }
  const impostor = { keyid: a.keyid, sig: Buffer.alloc(64) };
  assert.equal(codeOf({ ...envelope, signatures: [impostor, signature] }, type, trusted(1, a)), 'ok');
  assert.equal(codeOf({ ...envelope, signatures: [impostor] }, type, trusted(1, a)), 'BAD_SIGNATURE');
});

test('arbitrary bytes never throw and are never opened', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => assert.notEqual(codeOf(bytes, type, trusted(1, a)), 'ok')));
});
