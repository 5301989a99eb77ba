import { createHash } from 'node:crypto';
import {
  bytes,
  DecodeError,
  digest,
  integer,
  list,
  name,
  oneOf,
  parseJson,
  type Read,
  readDocument,
  shape,
  text,
  uint32Max,
} from './decode.ts';
import {
  KeyRole,
  type Keyset,
  type PublicKey,
  type RoleKeys,
  TrustMode,
  type TrustPolicies,
  type TrustPolicy,
} from './gen/wheelhouse/v1/keyset.ts';

export const keysetPayloadType = 'application/vnd.wheelhouse.keyset.v1+json';
export const trustPoliciesPayloadType = 'application/vnd.wheelhouse.trust-policies.v1+json';

/** Keysets and trust policies: a document is a few keys and certificates, or a line per tenant. */
export const trustDocumentBytesMax = 512 * 1024;

/** SubjectPublicKeyInfo of Ed25519: these 12 bytes, then the 32 of the key. */
const ed25519Prefix = Buffer.from('302a300506032b6570032100', 'hex');
const spkiBytes = ed25519Prefix.length + 32;

const publicKey: Read<PublicKey> = (value, path, problems) => {
  const key = shape<PublicKey>({ keyid: digest, spki: bytes(spkiBytes, spkiBytes) })(value, path, problems);
  if (key.spki.length !== spkiBytes || key.keyid === '') return key;
  if (!key.spki.subarray(0, ed25519Prefix.length).equals(ed25519Prefix)) problems.add(`${path}.spki`, 'not an Ed25519 public key');
  else if (key.keyid !== `sha256:${createHash('sha256').update(key.spki).digest('hex')}`)
    problems.add(`${path}.keyid`, 'not the hash of spki');
  return key;
};

const roleKeys: Read<RoleKeys> = (value, path, problems) => {
  const role = shape<RoleKeys>({ role: oneOf(KeyRole), threshold: integer(1, 16), keys: list(publicKey, 16, (k) => k.keyid) })(
    value,
    path,
    problems,
  );
  if (role.threshold > role.keys.length)
    problems.add(`${path}.threshold`, `${role.threshold} of ${role.keys.length} keys can never be met`);
  return role;
};

const keyset = shape<Keyset>({
  fleetId: name,
  version: integer(1, uint32Max),
  roles: list(roleKeys, 8, (r) => r.role),
  caCertificates: list(
    text(16 * 1024, /^-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\n*$/, 'one PEM certificate'),
    8,
  ),
});

const trustPolicy = shape<TrustPolicy>({
  tenant: text(63, /^(\*|[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)$/, 'a tenant or "*"'),
  mode: oneOf(TrustMode),
});

const trustPolicies = shape<TrustPolicies>({
  fleetId: name,
  version: integer(1, uint32Max),
  policies: list(trustPolicy, 4_096, (p) => p.tenant),
});

/** Payload bytes (ProtoJSON) of an opened keyset envelope. Throws DecodeError. */
export const decodeKeyset = (payload: Uint8Array): Keyset => decode(payload, keyset);

/** Payload bytes (ProtoJSON) of an opened trust policy envelope. Throws DecodeError. */
export const decodeTrustPolicies = (payload: Uint8Array): TrustPolicies => decode(payload, trustPolicies);

function decode<T>(payload: Uint8Array, read: Read<T>): T {
  if (payload.byteLength <= trustDocumentBytesMax) return readDocument(parseJson(payload), read);
  throw new DecodeError('TOO_LARGE', [{ path: '$', message: `${payload.byteLength} bytes, at most ${trustDocumentBytesMax}` }]);
}
