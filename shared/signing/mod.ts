// Signing: who said it. Envelopes, the keyset and trust policies that spokes believe, join tokens and certificates. Pure: no clock, no randomness, no file.
export { envelopeBytesMax, openEnvelope, sealEnvelope, type Opened, type OpenFailure, type Trusted } from './envelopes.ts';
export { SigningError, type SigningCode } from './errors.ts';
export { createJoinToken, JoinToken, parseJoinToken, type JoinTokenParts } from './join-token.ts';
export { generateKey, keyFromPem, keyFromSeed, keyidOf, SigningKey } from './keys.ts';
export {
  acceptKeyset,
  acceptTrustPolicies,
  digestOnlyPolicies,
  sealKeyset,
  sealTrustPolicies,
  trustedFor,
  trustModeOf,
  type Acceptance,
  type Accepted,
  type AcceptFailure,
  type RootPin,
} from './trust.ts';
export {
  certificateFacts,
  createAuthority,
  createRequest,
  fingerprintOf,
  generateTlsKey,
  identityOf,
  isIssuedBy,
  issueServer,
  issueSpoke,
  readRequest,
  spiffeId,
  tlsKeyFromPem,
  tlsKeyPem,
  type CertificateAuthority,
  type SpokeIdentity,
  type Validity,
} from './x509.ts';
