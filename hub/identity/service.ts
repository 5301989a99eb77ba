import type { EnrolReply, EnrolRequest, Endpoints, Facts, RenewRequest } from '#proto/mod.ts';
import { Envelope } from '#proto/mod.ts';
import type { Clock } from '#shared/clock/mod.ts';
import { canonicalJson, digestBytes, sha256, type Random } from '#shared/kernel/mod.ts';
import {
  certificateFacts,
  createJoinToken,
  fingerprintOf,
  identityOf,
  isIssuedBy,
  issueSpoke,
  parseJoinToken,
  readRequest,
  type JoinToken,
} from '#shared/signing/mod.ts';
import { put, remove, type CertificateRow, type ClusterRow, type Store, type Trx } from '#hub/store/mod.ts';
import { decideEnrolment, decideRenewal, spentCertificates } from './decide.ts';
import { IdentityError } from './errors.ts';
import type { FleetTrust } from './fleet.ts';

export interface IdentityOptions {
  readonly store: Store;
  readonly trust: FleetTrust;
  readonly clock: Clock;
  readonly random: Random;
  /** How long client certificates and NATS credentials live. */
  readonly certificateTtlMs: number;
  readonly endpoints: () => Endpoints;
  /** Mints the NATS user JWT of a cluster for the spoke's own nkey; `expiresAt` in epoch seconds. */
  readonly natsJwt: (clusterUid: string, userPublicKey: string, expiresAt: number) => string;
}

/** Who may be a spoke: join tokens, enrolment, renewal, and whether a certificate still speaks for a cluster. */
export class Identities {
  readonly #options: IdentityOptions;

  constructor(options: IdentityOptions) {
    this.#options = options;
  }

  /**
   * A token that lets one agent become the declared cluster `clusterName`. `accepted`: whoever makes it vouches for the agent; else an admin accepts it
   * later. Throws NO_SUCH_CLUSTER.
   */
  async createJoinToken(
    clusterName: string,
    options: { ttlMs: number; accepted: boolean; actor: string; reason?: string },
  ): Promise<JoinToken> {
    const { store, random, trust, endpoints } = this.#options;
    const { authority, root } = trust.keys;
    return store.decide(
      (trx) => trx.selectFrom('clusters').select('id').where('name', '=', clusterName).executeTakeFirst(),
      (cluster, { now, newId, newUid }) => {
        if (!cluster)
          throw new IdentityError('NO_SUCH_CLUSTER', `cluster ${clusterName} is not declared: apply a Cluster of that name first`);
        const token = createJoinToken(
          {
            id: newUid('t'),
            clusterName,
            enrolment: endpoints().enrolment,
            rootSpki: root.spki,
            caPin: fingerprintOf(authority.certificatePem),
          },
          random,
        );
        const row = {
          id: newId(),
          kind: 'Join' as const,
          hash: digestBytes(token.secretHash),
          subject: clusterName,
          scope: options.accepted ? 'accepted' : '',
          bound_key: null,
          expires_at: now + options.ttlMs,
          created_at: now,
        };
        const audit = {
          actor: options.actor,
          action: 'create.join-token',
          subject: `Cluster/${clusterName}`,
          reason: options.reason ?? '',
          detail: { token: token.id, accepted: options.accepted },
        };
        return { result: token, writes: [put('tokens', row)], audit };
      },
    );
  }

  /** Accepts a cluster whose agent has asked and waits. */
  async accept(clusterName: string, actor: string, reason = ''): Promise<void> {
    await this.#options.store.decide(
      (trx) => trx.selectFrom('clusters').selectAll().where('name', '=', clusterName).executeTakeFirst(),
      (cluster, { newUid }) => {
        if (!cluster) throw new IdentityError('NO_SUCH_CLUSTER', `cluster ${clusterName} is not declared`);
        if (cluster.state !== 'Pending') return { result: undefined };
        const row: ClusterRow = { ...cluster, state: 'Accepted', uid: cluster.uid ?? newUid('c') };
        return {
          result: undefined,
          writes: [put('clusters', row)],
          audit: { actor, action: 'accept.cluster', subject: `Cluster/${clusterName}`, reason },
        };
      },
    );
  }

  async enrol(request: EnrolRequest): Promise<EnrolReply> {
    const spki = await readRequest(request.csr);
    const asking = { keyHash: sha256(spki), kubeSystemUid: request.kubeSystemUid };
    const tokenHash = hashOfToken(request.token);
    const enrolment = await this.#options.store.decide(
      async (trx) => {
        const token = await trx.selectFrom('tokens').selectAll().where('hash', '=', tokenHash).executeTakeFirst();
        const clusters = trx.selectFrom('clusters').selectAll();
        const cluster = token && (await clusters.where('name', '=', token.subject).executeTakeFirst());
        const sameKube = await clusters
          .where('kube_system_uid', '=', request.kubeSystemUid)
          .where('state', '!=', 'Revoked')
          .executeTakeFirst();
        const certificates = cluster ? await certificatesOf(trx, cluster.id) : [];
        return { token, cluster, sameKube, certificates };
      },
      (known, { now, newUid }) => {
        const decided = decideEnrolment(known, asking, now, () => newUid('c'));
        if (!decided.changed) return { result: decided };
        const cluster: ClusterRow = { ...decided.cluster, facts: factsJson(request.facts), updated_at: now };
        return {
          result: { ...decided, cluster },
          writes: [put('clusters', cluster), put('tokens', decided.token)],
          audit: {
            actor: `agent:${cluster.name}`,
            action: decided.outcome === 'accepted' ? 'enrol.cluster' : 'ask.cluster',
            subject: `Cluster/${cluster.name}`,
            detail: { uid: cluster.uid, kubeSystemUid: asking.kubeSystemUid, spokeVersion: request.spokeVersion.slice(0, 64) },
          },
        };
      },
    );
    if (enrolment.outcome === 'waiting') {
      const reason = `cluster ${enrolment.cluster.name} waits to be accepted by an admin`;
      return { outcome: { $case: 'waiting', value: { reason, retryAfterMs: 5_000 } } };
    }
    return this.#issue(enrolment.cluster, request.csr, request.natsPublicKey, asking.keyHash);
  }

  async renew(request: RenewRequest): Promise<EnrolReply> {
    const { store, trust, clock } = this.#options;
    if (!isIssuedBy(request.certificate, trust.keys.authority.certificatePem))
      throw new IdentityError('CERTIFICATE_UNKNOWN', 'this certificate was not issued by this hub: enrol with a join token');
    const asking = { keyHash: sha256(await readRequest(request.csr)), kubeSystemUid: request.kubeSystemUid };
    const { clusterUid } = identityOf(request.certificate);
    const { serial, notAfter } = certificateFacts(request.certificate);
    const certificate = await store.read.selectFrom('certificates').selectAll().where('serial', '=', serial).executeTakeFirst();
    const cluster =
      certificate && (await store.read.selectFrom('clusters').selectAll().where('id', '=', certificate.cluster_id).executeTakeFirst());
    const renewed = decideRenewal({ certificate, cluster, clusterUid, notAfter: notAfter.getTime() }, asking, clock.now());
    return this.#issue(renewed, request.csr, request.natsPublicKey, asking.keyHash);
  }

  /** Whose stream this is. Throws IdentityError when the certificate, verified by TLS already, does not speak for a cluster any more. */
  async authorize(certificate: Uint8Array): Promise<{ clusterUid: string; certificateSerial: string }> {
    const { store, trust } = this.#options;
    const { fleetId, clusterUid } = identityOf(certificate);
    const { serial } = certificateFacts(certificate);
    if (fleetId !== trust.keys.fleetId) throw new IdentityError('CERTIFICATE_UNKNOWN', 'the certificate is of another fleet');
    const row = await store.read
      .selectFrom('certificates')
      .innerJoin('clusters', 'clusters.id', 'certificates.cluster_id')
      .select(['clusters.uid', 'clusters.state', 'certificates.revoked_at'])
      .where('certificates.serial', '=', serial)
      .executeTakeFirst();
    if (!row) throw new IdentityError('CERTIFICATE_UNKNOWN', 'the hub has no record of this certificate');
    if (row.revoked_at !== null || row.state !== 'Accepted' || row.uid !== clusterUid)
      throw new IdentityError('REVOKED', 'the identity of this cluster has been revoked or replaced');
    return { clusterUid, certificateSerial: serial };
  }

  async #issue(cluster: ClusterRow, csr: Uint8Array, natsPublicKey: string, keyHash: Uint8Array): Promise<EnrolReply> {
    const { store, trust, clock, random, certificateTtlMs, endpoints, natsJwt } = this.#options;
    const { keys } = trust;
    const clusterUid = cluster.uid;
    if (!clusterUid) throw new IdentityError('CERTIFICATE_UNKNOWN', `cluster ${cluster.name} has no identity yet`);
    const now = clock.now();
    // Whole seconds, as certificates hold them; a minute back, because the spoke's clock may be behind.
    const notAfter = new Date(Math.floor((now + certificateTtlMs) / 1000) * 1000);
    const validity = { notBefore: new Date(now - 60_000), notAfter };
    const certificate = await issueSpoke(keys.authority, csr, { ...validity, fleetId: keys.fleetId, clusterUid }, random);
    const { serial } = certificateFacts(certificate);
    await store.decide(
      async (trx) => ({
        now: await trx.selectFrom('clusters').select(['uid', 'state']).where('id', '=', cluster.id).executeTakeFirst(),
        earlier: await certificatesOf(trx, cluster.id),
      }),
      ({ now, earlier }, context) => {
        // It was accepted when it asked; whether it still is counts at this moment.
        if (now?.state !== 'Accepted' || now.uid !== clusterUid)
          throw new IdentityError('REVOKED', `the identity of cluster ${cluster.name} has been revoked or replaced`);
        const row: CertificateRow = {
          id: context.newId(),
          cluster_id: cluster.id,
          serial,
          fingerprint: fingerprintOf(certificate),
          key_hash: keyHash,
          not_after: notAfter.getTime(),
          revoked_at: null,
          created_at: context.now,
        };
        const audit = {
          actor: `agent:${cluster.name}`,
          action: 'issue.certificate',
          subject: `Cluster/${cluster.name}`,
          detail: { serial },
        };
        const spent = spentCertificates(earlier, context.now).map((id) => remove('certificates', { id }));
        return { result: undefined, writes: [put('certificates', row), ...spent], audit };
      },
    );
    const desired = await store.read
      .selectFrom('desired')
      .select(['epoch', 'generation', 'hash'])
      .where('cluster_id', '=', cluster.id)
      .executeTakeFirst();
    const fleet = await store.read.selectFrom('fleet').select('epoch').executeTakeFirstOrThrow();
    const identity = {
      fleetId: keys.fleetId,
      clusterUid,
      clusterName: cluster.name,
      certificate,
      natsJwt: natsJwt(clusterUid, natsPublicKey, Math.floor(notAfter.getTime() / 1000)),
      endpoints: endpoints(),
      keyset: Envelope.decode(trust.keyset),
      trustPolicies: Envelope.decode(trust.trustPolicies),
      floor: desired
        ? { epoch: desired.epoch, generation: desired.generation, hash: Buffer.from(desired.hash) }
        : { epoch: fleet.epoch, generation: 0, hash: Buffer.alloc(0) },
    };
    return { outcome: { $case: 'accepted', value: identity } };
  }
}

/** Newest first. */
const certificatesOf = (trx: Trx, clusterId: number): Promise<CertificateRow[]> =>
  trx.selectFrom('certificates').selectAll().where('cluster_id', '=', clusterId).orderBy('id', 'desc').execute();

function hashOfToken(text: string): Uint8Array {
  try {
    return digestBytes(parseJoinToken(text).secretHash);
  } catch (cause) {
    throw new IdentityError('TOKEN_INVALID', 'this is not a join token', { cause });
  }
}

/** What a spoke says of itself is kept, bounded, and shown; nothing is decided on it. */
function factsJson(facts: Facts | undefined): string {
  const labels = Object.fromEntries(
    Object.entries(facts?.labels ?? {})
      .slice(0, 32)
      .map(([key, value]) => [key.slice(0, 253), value.slice(0, 253)]),
  );
  return canonicalJson({ kubernetesVersion: (facts?.kubernetesVersion ?? '').slice(0, 64), nodes: facts?.nodes ?? 0, labels });
}
