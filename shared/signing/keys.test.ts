import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { seededRandom } from '../clock/mod.ts';
import { digestOf } from '../kernel/mod.ts';
import { generateKey, keyFromPem, keyFromSeed, verifies } from './keys.ts';

const key = keyFromSeed(Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex'));

test('golden: the first key of RFC 8032 has its public key and signs the empty message as it does there', () => {
  assert.equal(key.spki.subarray(12).toString('hex'), 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a');
  const signature =
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b';
  assert.equal(key.sign(new Uint8Array()).toString('hex'), signature);
  assert.equal(key.keyid, digestOf(key.spki));
});

test('out to PEM and back it is the same key', () => {
  assert.match(key.exportPem(), /^-----BEGIN PRIVATE KEY-----/);
  assert.equal(keyFromPem(key.exportPem()).keyid, key.keyid);
});

test('the same randomness gives the same key, another another', () => {
  assert.equal(generateKey(seededRandom(1)).keyid, generateKey(seededRandom(1)).keyid);
  assert.notEqual(generateKey(seededRandom(1)).keyid, generateKey(seededRandom(2)).keyid);
});

test('what is no Ed25519 key is refused, and nothing of it is quoted', () => {
  const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  for (const pem of [p256, 'SECRET', '-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY-----']) {
    assert.throws(
      () => keyFromPem(pem),
      (e: Error) => 'code' in e && e.code === 'BAD_KEY' && !inspect(e).includes('SECRET'),
    );
  }
  assert.throws(() => keyFromSeed(new Uint8Array(31)), { code: 'BAD_KEY' });
});

test('a key shows nothing of its secret', () => {
  const secret = key.exportPem().split('\n')[1] ?? assert.fail();
  for (const shown of [inspect(key, { depth: 9, showHidden: true }), JSON.stringify(key)]) assert.ok(!shown.includes(secret));
});

test('a public key that is none verifies nothing', () => {
  const bytes = Buffer.from('x');
  assert.equal(verifies(key.spki, bytes, key.sign(bytes)), true);
  assert.equal(verifies(key.spki, Buffer.from('y'), key.sign(bytes)), false);
  assert.equal(verifies(new Uint8Array(44), bytes, key.sign(bytes)), false);
  assert.equal(verifies(key.spki, bytes, new Uint8Array(0)), false);
});
