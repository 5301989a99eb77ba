import {
  decodeKeyset,
  DecodeError,
  decodeTrustPolicies,
  type Envelope,
  Keyset,
  KeyRole,
  keysetPayloadType,
  TrustMode,
  TrustPolicies,
  trustPoliciesPayloadType,
} from '#proto/mod.ts';
import { openEnvelope, type OpenFailure, sealEnvelope, type Trusted } from './envelopes.ts';
import { keyidOf, type SigningKey } from './keys.ts';

/** A document together with the bytes that were signed: by them two documents of one version are told apart. */
export interface Accepted<T> {
  readonly document: T;
  readonly payload: Buffer;
}

export type AcceptFailure = OpenFailure | 'MALFORMED' | 'WRONG_FLEET' | 'OLDER' | 'FORKED';
export type Acceptance<T> =
  | { readonly ok: true; readonly accepted: Accepted<T>; readonly changed: boolean }
  | { readonly ok: false; readonly code: AcceptFailure; readonly message: string };

/** The root, as the join token pins it: the public key itself, which is as short as a hash of it would be and needs nothing else to verify with. */
export interface RootPin {
  readonly fleetId: string;
  /** SubjectPublicKeyInfo, DER. */
  readonly rootSpki: Uint8Array;
}

/** Envelope bytes of a keyset, signed by the root. Throws DecodeError if no spoke would read it. */
export function sealKeyset(keyset: Keyset, root: SigningKey): Buffer {
  const payload = Buffer.from(JSON.stringify(Keyset.toJSON(keyset)));
  decodeKeyset(payload);
  return sealEnvelope(payload, keysetPayloadType, [root]);
}

/** Envelope bytes of trust policies, signed by keys of the `trust` role. Throws DecodeError if no spoke would read them. */
export function sealTrustPolicies(policies: TrustPolicies, keys: readonly SigningKey[]): Buffer {
  const payload = Buffer.from(JSON.stringify(TrustPolicies.toJSON(policies)));
  decodeTrustPolicies(payload);
  return sealEnvelope(payload, trustPoliciesPayloadType, keys);
}

/** The first trust policies of a fleet: the digest in signed desired state is the only proof asked for, and that is written down. */
export const digestOnlyPolicies = (fleetId: string): TrustPolicies => ({
  fleetId,
  version: 1,
  policies: [{ tenant: '*', mode: TrustMode.TRUST_MODE_DIGEST_ONLY }],
});

/** Accepts what the pinned root signed for this fleet, if its version is higher than the current one's, or if it is the current one. */
export function acceptKeyset(current: Accepted<Keyset> | undefined, received: Uint8Array | Envelope, pin: RootPin): Acceptance<Keyset> {
  const root = { keys: [{ keyid: keyidOf(pin.rootSpki), spki: Buffer.from(pin.rootSpki) }], threshold: 1 };
  return accept(current, received, { type: keysetPayloadType, trusted: root, fleetId: pin.fleetId, decode: decodeKeyset });
}

/** Accepts what the keyset's `trust` role signed for this fleet: never the desired-state key, so that a taken-over hub cannot loosen a policy. */
export function acceptTrustPolicies(
  current: Accepted<TrustPolicies> | undefined,
  received: Uint8Array | Envelope,
  keyset: Keyset,
): Acceptance<TrustPolicies> {
  const trusted = trustedFor(keyset, KeyRole.KEY_ROLE_TRUST);
  return accept(current, received, { type: trustPoliciesPayloadType, trusted, fleetId: keyset.fleetId, decode: decodeTrustPolicies });
}

/** The keys of a role; a role that the keyset does not name has no keys, and nothing is accepted from it. */
export function trustedFor(keyset: Keyset, role: KeyRole): Trusted {
  const found = keyset.roles.find((r) => r.role === role);
  return { keys: found?.keys ?? [], threshold: found?.threshold ?? 1 };
}

/** What a tenant's releases must prove: its own policy, else the fleet's default "*"; undefined refuses. */
export function trustModeOf(policies: TrustPolicies | undefined, tenant: string): TrustMode | undefined {
  const policy = policies?.policies.find((p) => p.tenant === tenant) ?? policies?.policies.find((p) => p.tenant === '*');
  return policy?.mode;
}

interface Wanted<T> {
  readonly type: string;
  readonly trusted: Trusted;
  readonly fleetId: string;
  readonly decode: (payload: Uint8Array) => T;
}

function accept<T extends { fleetId: string; version: number }>(
  current: Accepted<T> | undefined,
  received: Uint8Array | Envelope,
  wanted: Wanted<T>,
): Acceptance<T> {
  const opened = openEnvelope(received, wanted.type, wanted.trusted);
  if (!opened.ok) return opened;
  const { payload } = opened;
  if (current?.payload.equals(payload)) return { ok: true, accepted: current, changed: false };
  let document: T;
  try {
    document = wanted.decode(payload);
  } catch (error) {
    if (error instanceof DecodeError) return refused('MALFORMED', error.message);
    throw error;
  }
  if (document.fleetId !== wanted.fleetId) return refused('WRONG_FLEET', `of fleet ${document.fleetId}, not ${wanted.fleetId}`);
  const version = current?.document.version ?? 0;
  if (document.version < version) return refused('OLDER', `version ${document.version}, have ${version}`);
  if (document.version === version) return refused('FORKED', `another document of version ${version}`);
  return { ok: true, accepted: { document, payload }, changed: true };
}

const refused = (code: AcceptFailure, message: string): { ok: false; code: AcceptFailure; message: string } => ({
  ok: false,
  code,
  message,
});
