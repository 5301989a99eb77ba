import type { CertificateRow, ClusterRow, TokenRow } from '#hub/store/mod.ts';
import { IdentityError } from './errors.ts';

const day = 24 * 3600 * 1000;
/** A certificate that expired while its spoke was away still proves who it was, for this long. */
export const renewalGraceMs = 30 * day;

/** Who asks, after the request's own signature has been verified. */
export interface Asking {
  /** sha256 of the public key (SPKI). */
  readonly keyHash: Uint8Array;
  readonly kubeSystemUid: string;
}

export interface Known {
  readonly token: TokenRow | undefined;
  /** The cluster that the token is bound to. */
  readonly cluster: ClusterRow | undefined;
  /** A cluster, perhaps of another name, that has this kube-system UID already. */
  readonly sameKube: ClusterRow | undefined;
  /** Of the token's cluster: those on record. */
  readonly certificates: readonly Pick<CertificateRow, 'not_after' | 'revoked_at'>[];
}

/** Whether a certificate still opens a stream, or could be renewed to one that does. */
export const isLive = ({ not_after, revoked_at }: Pick<CertificateRow, 'not_after' | 'revoked_at'>, now: number): boolean =>
  revoked_at === null && not_after + renewalGraceMs >= now;

const kubeSystemUidCharsMax = 128;
/** On record of one cluster. A spoke uses its newest; each second one more would otherwise fill the record where they live for seconds. */
const certificatesMax = 32;

/** Ids of the certificates that have no more use once another is issued: who shows one is refused either way. `rows` newest first. Pure. */
export const spentCertificates = (rows: readonly CertificateRow[], now: number): number[] =>
  rows.filter((row, i) => i >= certificatesMax - 1 || row.not_after + renewalGraceMs < now).map(({ id }) => id);

export type Enrolment =
  | { readonly outcome: 'accepted'; readonly cluster: ClusterRow; readonly token: TokenRow; readonly changed: boolean }
  | { readonly outcome: 'waiting'; readonly cluster: ClusterRow; readonly token: TokenRow; readonly changed: boolean };

const same = (a: Uint8Array | null, b: Uint8Array): boolean => a !== null && Buffer.compare(a, b) === 0;

/**
 * What a token buys. It binds to the first key that uses it and may then be used by that key again until it expires: a spoke that crashes between asking and
 * keeping the answer loses nothing, and nobody else can use it. Pure; throws IdentityError.
 */
export function decideEnrolment(known: Known, asking: Asking, now: number, newUid: () => string): Enrolment {
  const { token, cluster, sameKube, certificates } = known;
  if (!token || token.kind !== 'Join') throw new IdentityError('TOKEN_INVALID', 'the hub does not know this join token: make a new one');
  if (token.expires_at <= now) throw new IdentityError('TOKEN_EXPIRED', 'the join token has expired: make a new one');
  if (token.bound_key && !same(token.bound_key, asking.keyHash))
    throw new IdentityError('TOKEN_USED', 'the join token has been used by another agent: make a new one, and find out who used it');
  if (!cluster) throw new IdentityError('NO_SUCH_CLUSTER', `cluster ${token.subject} is not declared any more`);
  if (cluster.state === 'Revoked') throw new IdentityError('REVOKED', `cluster ${cluster.name} has been revoked`);
  if (asking.kubeSystemUid === '' || asking.kubeSystemUid.length > kubeSystemUidCharsMax)
    throw new IdentityError('REQUEST_INVALID', `the request has no kube-system UID of at most ${kubeSystemUidCharsMax} characters`);
  if (sameKube && sameKube.id !== cluster.id)
    throw new IdentityError('ENROLLED_ELSEWHERE', `this Kubernetes cluster is enrolled already, as ${sameKube.name}`);
  if (cluster.kube_system_uid && cluster.kube_system_uid !== asking.kubeSystemUid)
    throw new IdentityError(
      'CLONE_REFUSED',
      `${cluster.name} is another Kubernetes cluster (kube-system UID differs): a re-created one has to replace it`,
    );
  // One whose answer never arrived, or whose certificate nobody can use any more, has lost its identity: a new token gives it back.
  if (cluster.uid && !token.bound_key && certificates.some((one) => isLive(one, now)))
    throw new IdentityError(
      'CLUSTER_EXISTS',
      `cluster ${cluster.name} is enrolled already: its agent keeps its identity in Secret wheelhouse-identity; a new token counts when its certificates are revoked or expired for 30 days`,
    );
  const bound: TokenRow = { ...token, bound_key: asking.keyHash };
  const accepted = cluster.state === 'Accepted' || token.scope === 'accepted';
  const next: ClusterRow = {
    ...cluster,
    kube_system_uid: asking.kubeSystemUid,
    state: accepted ? 'Accepted' : 'Pending',
    uid: cluster.uid ?? (accepted ? newUid() : null),
  };
  const changed =
    !token.bound_key || next.state !== cluster.state || next.uid !== cluster.uid || next.kube_system_uid !== cluster.kube_system_uid;
  return { outcome: accepted ? 'accepted' : 'waiting', cluster: next, token: bound, changed };
}

export interface Renewing {
  readonly certificate: CertificateRow | undefined;
  readonly cluster: ClusterRow | undefined;
  /** The uid that the certificate names. */
  readonly clusterUid: string;
  readonly notAfter: number;
}

/** Whether a certificate may be renewed by the holder of its key. Pure; throws IdentityError. */
export function decideRenewal({ certificate, cluster, clusterUid, notAfter }: Renewing, asking: Asking, now: number): ClusterRow {
  if (!certificate || !cluster || certificate.cluster_id !== cluster.id)
    throw new IdentityError('CERTIFICATE_UNKNOWN', 'the hub has no record of this certificate: enrol again');
  if (certificate.revoked_at !== null || cluster.state !== 'Accepted' || cluster.uid !== clusterUid)
    throw new IdentityError('REVOKED', `the identity of cluster ${cluster.name} has been revoked or replaced`);
  if (notAfter + renewalGraceMs < now)
    throw new IdentityError('CERTIFICATE_TOO_OLD', 'the certificate expired more than 30 days ago: enrol again with a new join token');
  if (!same(certificate.key_hash, asking.keyHash))
    throw new IdentityError('KEY_MISMATCH', 'the request is not of the key that the certificate is for');
  if (cluster.kube_system_uid !== asking.kubeSystemUid)
    throw new IdentityError('CLONE_REFUSED', `${cluster.name} is another Kubernetes cluster (kube-system UID differs)`);
  return cluster;
}
