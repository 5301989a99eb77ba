import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { decodeKeyset, DecodeError, decodeTrustPolicies, Keyset, KeyRole, trustDocumentBytesMax, TrustMode } from './mod.ts';

const keyOf = (seed: number): { keyid: string; spki: Buffer } => {
  const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), Buffer.alloc(32, seed)]);
  return { keyid: `sha256:${createHash('sha256').update(spki).digest('hex')}`, spki };
};
const pem = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
const sample: Keyset = {
  fleetId: 'f1',
  version: 1,
  roles: [{ role: KeyRole.KEY_ROLE_DESIRED, threshold: 1, keys: [keyOf(1), keyOf(2)] }],
  caCertificates: [pem],
};
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const paths = (run: () => unknown): string[] => {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof DecodeError, String(error));
    return error.problems.map((p) => p.path);
  }
  return assert.fail('was accepted');
};
type Change = (keyset: Keyset) => void;
const changed = (change: Change): Buffer => {
  const copy = structuredClone(sample);
  for (const role of copy.roles) for (const key of role.keys) key.spki = Buffer.from(key.spki);
  change(copy);
  return json(Keyset.toJSON(copy));
};
const role = (keyset: Keyset): Keyset['roles'][number] => keyset.roles[0] ?? assert.fail();

test('a keyset is read as it was written', () => {
  assert.deepEqual(decodeKeyset(json(Keyset.toJSON(sample))), sample);
});

const rows: readonly [name: string, path: string, change: Change][] = [
  ['no fleet', '$.fleetId', (k) => (k.fleetId = '')],
  ['version 0', '$.version', (k) => (k.version = 0)],
  ['role unspecified', '$.roles[0].role', (k) => (role(k).role = KeyRole.KEY_ROLE_UNSPECIFIED)],
  ['role unknown', '$.roles[0].role', (k) => (role(k).role = KeyRole.UNRECOGNIZED)],
  ['a role twice', '$.roles[1]', (k) => k.roles.push(role(k))],
  ['threshold 0', '$.roles[0].threshold', (k) => (role(k).threshold = 0)],
  ['more signatures asked for than there are keys', '$.roles[0].threshold', (k) => (role(k).threshold = 3)],
  ['a key twice', '$.roles[0].keys[1]', (k) => (role(k).keys = [keyOf(1), keyOf(1)])],
  ['a keyid of another key', '$.roles[0].keys[0].keyid', (k) => (role(k).keys[0] = { ...keyOf(1), keyid: keyOf(3).keyid })],
  ['a key that is not Ed25519', '$.roles[0].keys[0].spki', (k) => role(k).keys[0]?.spki.fill(0, 0, 12)],
  ['a short key', '$.roles[0].keys[0].spki', (k) => (role(k).keys[0] = { ...keyOf(1), spki: keyOf(1).spki.subarray(0, 40) })],
  ['a certificate that is none', '$.caCertificates[0]', (k) => (k.caCertificates = ['hello'])],
  ['two certificates in one', '$.caCertificates[0]', (k) => (k.caCertificates = [pem + pem])],
];
for (const [name, path, change] of rows) {
  test(`keyset refused: ${name}`, () =>
    assert.deepEqual(
      paths(() => decodeKeyset(changed(change))),
      [path],
    ));
}

test('trust policies: read, and refused when a mode or a tenant is not what it should be', () => {
  const policies = { fleetId: 'f1', version: 1, policies: [{ tenant: '*', mode: TrustMode.TRUST_MODE_DIGEST_ONLY }] };
  assert.deepEqual(decodeTrustPolicies(json(policies)), policies);
  const one = (policy: unknown): string[] => paths(() => decodeTrustPolicies(json({ ...policies, policies: [policy] })));
  assert.deepEqual(one({ tenant: '*' }), ['$.policies[0].mode']);
  assert.deepEqual(one({ tenant: '*', mode: 'TRUST_MODE_ANYTHING_GOES' }), ['$.policies[0].mode']);
  assert.deepEqual(one({ tenant: '**', mode: 'TRUST_MODE_DIGEST_ONLY' }), ['$.policies[0].tenant']);
  const twice = [policies.policies[0], policies.policies[0]];
  assert.deepEqual(
    paths(() => decodeTrustPolicies(json({ ...policies, policies: twice }))),
    ['$.policies[1]'],
  );
});

test('too large a document is not parsed', () => {
  const padded = Buffer.concat([json(sample), Buffer.alloc(trustDocumentBytesMax, 0x20)]);
  assert.throws(() => decodeKeyset(padded), { code: 'TOO_LARGE' });
});
