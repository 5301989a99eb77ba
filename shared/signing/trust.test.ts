import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Keyset, KeyRole, keysetPayloadType, TrustMode, type TrustPolicies, trustPoliciesPayloadType } from '#proto/mod.ts';
import { sealEnvelope } from './envelopes.ts';
import { keyFromSeed, type SigningKey } from './keys.ts';
import {
  type Acceptance,
  type Accepted,
  acceptKeyset,
  acceptTrustPolicies,
  digestOnlyPolicies,
  sealKeyset,
  sealTrustPolicies,
  trustedFor,
  trustModeOf,
} from './trust.ts';

const [root, desired, trust, other] = [1, 2, 3, 4].map((s) => keyFromSeed(new Uint8Array(32).fill(s))) as [
  SigningKey,
  SigningKey,
  SigningKey,
  SigningKey,
];
const pin = { fleetId: 'f1', rootSpki: root.spki };
const keyset = (version: number, fleetId = 'f1'): Keyset => ({
  fleetId,
  version,
  roles: [
    { role: KeyRole.KEY_ROLE_DESIRED, threshold: 1, keys: [desired.publicKey] },
    { role: KeyRole.KEY_ROLE_TRUST, threshold: 1, keys: [trust.publicKey] },
  ],
  caCertificates: [],
});
const got = <T>(acceptance: Acceptance<T>): Accepted<T> => (acceptance.ok ? acceptance.accepted : assert.fail(acceptance.message));
const outcome = (acceptance: Acceptance<unknown>): string =>
  acceptance.ok ? `ok ${acceptance.changed ? 'changed' : 'same'}` : acceptance.code;
const have = got(acceptKeyset(undefined, sealKeyset(keyset(2), root), pin));

test('a keyset that the pinned root signed is accepted as it was written', () => {
  assert.deepEqual(have.document, keyset(2));
});

const rows: readonly [name: string, expected: string, current: Accepted<Keyset> | undefined, envelope: () => Uint8Array][] = [
  ['first', 'ok changed', undefined, () => sealKeyset(keyset(1), root)],
  ['higher', 'ok changed', have, () => sealKeyset(keyset(3), root)],
  ['the same bytes', 'ok same', have, () => sealKeyset(keyset(2), root)],
  ['the same version, other bytes', 'FORKED', have, () => sealKeyset({ ...keyset(2), roles: [] }, root)],
  ['lower', 'OLDER', have, () => sealKeyset(keyset(1), root)],
  ['signed by another root', 'BAD_SIGNATURE', have, () => sealKeyset(keyset(3), other)],
  ['signed by a key that the keyset itself names', 'BAD_SIGNATURE', have, () => sealKeyset(keyset(3), desired)],
  ['of another fleet', 'WRONG_FLEET', have, () => sealKeyset(keyset(3, 'f2'), root)],
  ['of another fleet, at first', 'WRONG_FLEET', undefined, () => sealKeyset(keyset(1, 'f2'), root)],
  ['not a keyset', 'MALFORMED', have, () => sealEnvelope(Buffer.from('{}'), keysetPayloadType, [root])],
  ['another kind of document', 'WRONG_PAYLOAD_TYPE', have, () => sealEnvelope(Buffer.from('{}'), trustPoliciesPayloadType, [root])],
  ['nothing', 'EMPTY', have, () => new Uint8Array()],
];
for (const [name, expected, current, envelope] of rows) {
  test(`keyset, ${name}: ${expected}`, () => assert.equal(outcome(acceptKeyset(current, envelope(), pin)), expected));
}

test('trust policies: only the trust role signs them', () => {
  const policies = digestOnlyPolicies('f1');
  const by = (...keys: SigningKey[]): string => outcome(acceptTrustPolicies(undefined, sealTrustPolicies(policies, keys), have.document));
  assert.equal(by(trust), 'ok changed');
  assert.equal(by(desired), 'BAD_SIGNATURE');
  assert.equal(by(root), 'BAD_SIGNATURE');
  const keysetWithoutTrust = { ...have.document, roles: have.document.roles.slice(0, 1) };
  assert.equal(outcome(acceptTrustPolicies(undefined, sealTrustPolicies(policies, [trust]), keysetWithoutTrust)), 'BAD_SIGNATURE');
});

test('trust policies never go back, nor to another fleet', () => {
  const seal = (version: number, fleetId = 'f1'): Buffer => sealTrustPolicies({ ...digestOnlyPolicies(fleetId), version }, [trust]);
  const current = got(acceptTrustPolicies(undefined, seal(2), have.document));
  assert.equal(outcome(acceptTrustPolicies(current, seal(1), have.document)), 'OLDER');
  assert.equal(outcome(acceptTrustPolicies(current, seal(2), have.document)), 'ok same');
  assert.equal(outcome(acceptTrustPolicies(current, seal(3), have.document)), 'ok changed');
  assert.equal(outcome(acceptTrustPolicies(current, seal(3, 'f2'), have.document)), 'WRONG_FLEET');
});

test('a role that the keyset does not name has no keys', () => {
  assert.deepEqual(trustedFor(have.document, KeyRole.KEY_ROLE_RELEASE), { keys: [], threshold: 1 });
  assert.deepEqual(trustedFor(have.document, KeyRole.KEY_ROLE_DESIRED).keys, [desired.publicKey]);
});

test('a missing policy refuses; a tenant without its own falls to the default', () => {
  const digestOnly = TrustMode.TRUST_MODE_DIGEST_ONLY;
  const policies: TrustPolicies = { fleetId: 'f1', version: 1, policies: [{ tenant: 'payments', mode: digestOnly }] };
  assert.equal(trustModeOf(undefined, 'payments'), undefined);
  assert.equal(trustModeOf(policies, 'payments'), digestOnly);
  assert.equal(trustModeOf(policies, 'search'), undefined);
  assert.equal(trustModeOf(digestOnlyPolicies('f1'), 'search'), digestOnly);
});

test('what no spoke would read is not signed', () => {
  assert.throws(() => sealKeyset({ ...keyset(1), version: 0 }, root), { code: 'INVALID' });
  assert.throws(() => sealTrustPolicies({ ...digestOnlyPolicies('f1'), fleetId: '' }, [trust]), { code: 'INVALID' });
});
