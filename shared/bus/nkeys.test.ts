import assert from 'node:assert/strict';
import { verify, createPublicKey } from 'node:crypto';
import { test } from 'node:test';
import { inspect } from 'node:util';
import * as fc from 'fast-check';
import { seededRandom } from '../clock/mod.ts';
import { createNkey, isUserNkey, mintJwt, Nkey, nkeyFromSeed } from './nkeys.ts';

// Made with the nkeys library of NATS.
const golden = [
  ['operator', 'SOAAOBYHA4DQOBYHA4DQOBYHA4DQOBYHA4DQOBYHA4DQOBYHA4DQOB4CS4', 'ODVEU3DD4KOFECV66VIHWEZOYX4ZKR3WV27L464SIIPOU2IUI3JCZAW4'],
  ['account', 'SAAAOBYHA4DQOBYHA4DQOBYHA4DQOBYHA4DQOBYHA4DQOBYHA4DQOB6O4U', 'ADVEU3DD4KOFECV66VIHWEZOYX4ZKR3WV27L464SIIPOU2IUI3JCZW22'],
  ['user', 'SUAAOBYHA4DQOBYHA4DQOBYHA4DQOBYHA4DQOBYHA4DQOBYHA4DQOBZ5FE', 'UDVEU3DD4KOFECV66VIHWEZOYX4ZKR3WV27L464SIIPOU2IUI3JCYSJF'],
] as const;

for (const [kind, seed, id] of golden) {
  test(`golden: ${kind}`, () => {
    const key = new Nkey(kind, new Uint8Array(32).fill(7));
    assert.equal(key.id, id);
    assert.equal(key.exportSeed(), seed);
    assert.equal(nkeyFromSeed(kind, seed).id, id);
  });
}

test('a seed is read back as the same key, whatever it is', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.constantFrom('operator', 'account', 'user'), (seed, kind) => {
      const key = new Nkey(kind, seed);
      assert.equal(nkeyFromSeed(kind, key.exportSeed()).id, key.id);
    }),
  );
});

const user = createNkey('user', seededRandom(1));
const bad: readonly [name: string, seed: string][] = [
  ['nothing', ''],
  ['of another kind', createNkey('account', seededRandom(1)).exportSeed()],
  ['a public key', user.id],
  ['one letter changed', user.exportSeed().replace(/.$/, (c) => (c === 'A' ? 'B' : 'A'))],
  ['cut short', user.exportSeed().slice(0, -1)],
  ['in small letters', user.exportSeed().toLowerCase()],
  ['far too long', 'A'.repeat(10_000)],
];
for (const [name, seed] of bad) {
  test(`no seed: ${name}`, () =>
    assert.throws(
      () => nkeyFromSeed('user', seed),
      (e: Error) => 'code' in e && e.code === 'BAD_KEYS' && (seed === '' || !inspect(e).includes(seed)),
    ));
}

test('the public key of a user is told from anything else', () => {
  assert.equal(isUserNkey(user.id), true);
  for (const other of ['', '*', user.id.slice(0, -1), `${user.id}A`, user.exportSeed(), createNkey('account', seededRandom(1)).id]) {
    assert.equal(isUserNkey(other), false);
  }
});

test('a token is three parts, signed over the first two, with whole seconds', () => {
  const account = createNkey('account', seededRandom(2));
  const claims = { name: 'c1', subject: user.id, nats: { type: 'user' }, issuedAtMs: 1_700_000_000_999, expiresAtMs: 1_700_000_100_999 };
  const token = mintJwt(account, claims);
  const [header = '', body = '', signature = ''] = token.split('.');
  const json = (part: string): Record<string, unknown> => JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>;
  assert.deepEqual(json(header), { typ: 'JWT', alg: 'ed25519-nkey' });
  const { jti, ...rest } = json(body);
  assert.match(String(jti), /^[A-Z2-7]{52}$/);
  const nats = { type: 'user', version: 2 };
  assert.deepEqual(rest, { iat: 1_700_000_000, exp: 1_700_000_100, iss: account.id, name: 'c1', sub: user.id, nats });
  const raw = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), rawOf(account)]);
  const key = createPublicKey({ key: raw, format: 'der', type: 'spki' });
  assert.equal(verify(null, Buffer.from(`${header}.${body}`), key, Buffer.from(signature, 'base64url')), true);
  assert.equal(mintJwt(account, claims), token);
});

/** The 32 bytes behind an id: base 32 of prefix, key and check sum. */
function rawOf(key: Nkey): Buffer {
  const bits = key.id
    .split('')
    .map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0'))
    .join('');
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((b) => parseInt(b, 2))).subarray(1, 33);
}

test('a key shows nothing of its seed', () => {
  const shown = inspect(user, { depth: 9, showHidden: true }) + JSON.stringify(user);
  assert.ok(!shown.includes(user.exportSeed()));
  assert.deepEqual(Object.keys(user), ['kind', 'id']);
});
