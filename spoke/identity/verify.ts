import type { Endpoints, Identity, Keyset, TrustPolicies } from '#proto/mod.ts';
import { CodedError } from '#shared/kernel/mod.ts';
import { acceptKeyset, acceptTrustPolicies, certificateFacts, identityOf, type Accepted } from '#shared/signing/mod.ts';

export class IdentityError extends CodedError<'REFUSED' | 'BAD_REPLY' | 'NO_TOKEN' | 'CLONE'> {
  override readonly name = 'IdentityError';
}

/** Who this spoke is, each part checked against the root that the join token pinned. */
export interface Verified {
  readonly fleetId: string;
  readonly clusterUid: string;
  readonly clusterName: string;
  /** PEM chain, leaf first. */
  readonly certificate: string;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly natsJwt: string;
  readonly endpoints: Endpoints;
  /** PEM: what the hub's own certificates chain to. */
  readonly authorities: string;
  readonly keyset: Accepted<Keyset>;
  readonly trustPolicies: Accepted<TrustPolicies>;
}

/**
 * Believes nothing of an answer that the pinned root has not signed, directly or through its keyset; also used on what was kept, so that a changed Secret is
 * noticed. `before`: what was believed until now; keyset and policies only ever get newer. Pure; throws IdentityError BAD_REPLY.
 */
export function verified(identity: Identity, rootSpki: Uint8Array, before?: Verified): Verified {
  const bad = (what: string): never => {
    throw new IdentityError('BAD_REPLY', `the hub's answer ${what}`);
  };
  const { fleetId, clusterUid, clusterName, certificate, natsJwt, endpoints } = identity;
  if (!identity.keyset) return bad('holds no keyset');
  const keyset = acceptKeyset(before?.keyset, identity.keyset, { fleetId, rootSpki });
  if (!keyset.ok) return bad(`holds a keyset that is refused: ${keyset.message}`);
  if (!identity.trustPolicies) return bad('holds no trust policies');
  const policies = acceptTrustPolicies(before?.trustPolicies, identity.trustPolicies, keyset.accepted.document);
  if (!policies.ok) return bad(`holds trust policies that are refused: ${policies.message}`);
  const named = identityOf(certificate);
  if (named.fleetId !== fleetId || named.clusterUid !== clusterUid) return bad('holds a certificate of somebody else');
  if (!endpoints?.gateway || !endpoints.enrolment || endpoints.nats.length === 0) return bad('does not say where the hub is');
  const { notBefore, notAfter } = certificateFacts(certificate);
  return {
    fleetId,
    clusterUid,
    clusterName,
    certificate,
    notBefore: notBefore.getTime(),
    notAfter: notAfter.getTime(),
    natsJwt,
    endpoints,
    authorities: keyset.accepted.document.caCertificates.join('\n'),
    keyset: keyset.accepted,
    trustPolicies: policies.accepted,
  };
}
