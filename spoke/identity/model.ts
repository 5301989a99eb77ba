import type { Endpoints, Envelope, Fence, Keyset, TrustPolicies } from '#proto/mod.ts';
import type { Accepted as Verified } from '#shared/signing/mod.ts';

/** What the spoke made itself, before it asked for anything. */
export interface Own {
  /** PKCS#8 PEM, P-256: of the client certificate. */
  readonly keyPem: string;
  readonly natsSeed: string;
  readonly natsPublicKey: string;
  /** The root's public key, from the join token. */
  readonly rootSpki: Uint8Array;
  /** What has been believed so far: only a higher version replaces it. */
  readonly keyset: Verified<Keyset> | undefined;
  readonly trustPolicies: Verified<TrustPolicies> | undefined;
}

/** What the hub gave, verified against the pinned root. */
export interface Accepted {
  readonly fleetId: string;
  readonly clusterUid: string;
  readonly clusterName: string;
  /** PEM chain. */
  readonly certificate: string;
  readonly natsJwt: string;
  readonly endpoints: Endpoints;
  /** PEM: what the hub's own certificates chain to. */
  readonly authorities: string;
  readonly keyset: Verified<Keyset>;
  readonly keysetEnvelope: Envelope;
  readonly trustPolicies: Verified<TrustPolicies>;
  readonly trustPoliciesEnvelope: Envelope;
  /** The cluster's fence when the hub answered. */
  readonly floor: Fence | undefined;
}
