import { EnrolmentClient, type EnrolReply, type Facts, type Identity } from '#proto/mod.ts';
import type { Clock } from '#shared/clock/mod.ts';
import { backoffMs, CodedError, digestBytes, explain, type Random } from '#shared/kernel/mod.ts';
import { callUnary, pinnedAuthority, RpcError, rpcClient } from '#shared/rpc/mod.ts';
import { acceptKeyset, acceptTrustPolicies, createRequest, identityOf, tlsKeyFromPem, type JoinToken } from '#shared/signing/mod.ts';
import type { Log } from '#shared/telemetry/mod.ts';
import type { Accepted, Own } from './model.ts';

export class EnrolmentError extends CodedError<'REFUSED' | 'BAD_REPLY' | 'NO_TOKEN'> {
  override readonly name = 'EnrolmentError';
}

export interface Asking {
  readonly own: Own;
  readonly kubeSystemUid: string;
  readonly version: string;
  readonly facts: Facts;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

const retry = { firstMs: 1_000, maxMs: 30_000 };
const callMs = 15_000;

/**
 * Becomes a spoke with nothing but a join token: finds the hub by the pin, asks, waits to be accepted, checks the answer against the pinned root. Retries
 * what may pass; rejects with EnrolmentError REFUSED when the hub says no.
 */
export async function enrol(token: JoinToken, asking: Asking, signal: AbortSignal): Promise<Accepted> {
  const { own, clock, random, log } = asking;
  const csr = await createRequest(tlsKeyFromPem(own.keyPem));
  for (let attempt = 1; ; attempt++) {
    let delayMs: number;
    try {
      const ca = await pinnedAuthority(token.enrolment, digestBytes(token.caPin), signal);
      const reply = await ask(token.enrolment, ca, signal, asking, (client, options) =>
        callUnary(
          `enrol at ${token.enrolment}`,
          client.enrol.bind(client),
          {
            token: token.reveal(),
            csr,
            natsPublicKey: own.natsPublicKey,
            kubeSystemUid: asking.kubeSystemUid,
            spokeVersion: asking.version,
            facts: asking.facts,
          },
          options,
        ),
      );
      if (reply.outcome?.$case === 'accepted') return accepted(reply.outcome.value, token.rootSpki, asking);
      const waiting = reply.outcome?.value;
      log.info('waiting to be accepted', { reason: waiting?.reason ?? '' });
      delayMs = Math.min(Math.max(waiting?.retryAfterMs ?? 5_000, 100), 60_000);
    } catch (error) {
      delayMs = mayPass(error, signal) ? backoffMs(retry, attempt, random) : refuse(error);
      log.warn('could not enrol yet', { reason: explain(error), attempt, retryMs: delayMs });
    }
    await clock.sleep(delayMs, signal);
  }
}

/** A new certificate for the same key, also when the old one has expired. One try; the caller comes back. */
export async function renew(current: Accepted, asking: Asking, signal: AbortSignal): Promise<Accepted> {
  const { own } = asking;
  const csr = await createRequest(tlsKeyFromPem(own.keyPem));
  const address = current.endpoints.enrolment;
  const certificate = Buffer.from(current.certificate.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  const reply = await ask(address, current.authorities, signal, asking, (client, options) =>
    callUnary(
      `renew at ${address}`,
      client.renew.bind(client),
      { certificate, csr, natsPublicKey: own.natsPublicKey, kubeSystemUid: asking.kubeSystemUid },
      options,
    ),
  );
  if (reply.outcome?.$case !== 'accepted') throw new EnrolmentError('BAD_REPLY', 'the hub answered a renewal with neither yes nor no');
  return accepted(reply.outcome.value, own.rootSpki, asking);
}

type Call = (client: EnrolmentClient, options: { deadline: number; signal: AbortSignal }) => Promise<EnrolReply>;

async function ask(address: string, ca: string, signal: AbortSignal, { clock }: Asking, call: Call): Promise<EnrolReply> {
  const client = rpcClient(EnrolmentClient, { address, tls: { ca } });
  try {
    return await call(client, { deadline: clock.now() + callMs, signal });
  } finally {
    client.close();
  }
}

/** A refusal that names its reason is final for this token; everything about reaching the hub may pass. */
const mayPass = (error: unknown, signal: AbortSignal): boolean => {
  if (signal.aborted) throw signal.reason;
  return error instanceof RpcError && ['UNAVAILABLE', 'DEADLINE', 'INTERNAL', 'CANCELLED', 'TOO_LARGE'].includes(error.code);
};
const refuse = (error: unknown): never => {
  throw error instanceof EnrolmentError ? error : new EnrolmentError('REFUSED', explain(error), { cause: error });
};

/** Nothing of the answer is believed that the pinned root has not signed, directly or through its keyset. */
function accepted(identity: Identity, rootSpki: Uint8Array, { own }: Asking): Accepted {
  const bad = (what: string): never => {
    throw new EnrolmentError('BAD_REPLY', `the hub's answer ${what}`);
  };
  const keyset = identity.keyset
    ? acceptKeyset(own.keyset, identity.keyset, { fleetId: identity.fleetId, rootSpki })
    : bad('holds no keyset');
  if (!keyset.ok) return bad(`holds a keyset that is refused: ${keyset.message}`);
  const { document } = keyset.accepted;
  const policies = identity.trustPolicies
    ? acceptTrustPolicies(own.trustPolicies, identity.trustPolicies, document)
    : bad('holds no trust policies');
  if (!policies.ok) return bad(`holds trust policies that are refused: ${policies.message}`);
  const named = identityOf(identity.certificate);
  if (named.fleetId !== identity.fleetId || named.clusterUid !== identity.clusterUid) bad('holds a certificate of somebody else');
  if (!identity.endpoints?.gateway || identity.endpoints.nats.length === 0) bad('does not say where the hub is');
  const endpoints = identity.endpoints ?? bad('does not say where the hub is');
  return {
    fleetId: identity.fleetId,
    clusterUid: identity.clusterUid,
    clusterName: identity.clusterName,
    certificate: identity.certificate,
    natsJwt: identity.natsJwt,
    endpoints,
    authorities: document.caCertificates.join('\n'),
    keyset: keyset.accepted,
    keysetEnvelope: identity.keyset ?? bad('holds no keyset'),
    trustPolicies: policies.accepted,
    trustPoliciesEnvelope: identity.trustPolicies ?? bad('holds no trust policies'),
    floor: identity.floor,
  };
}
