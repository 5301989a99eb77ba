import { EnrolmentClient, type EnrolReply, type Facts, type Identity } from '#proto/mod.ts';
import type { Clock } from '#shared/clock/mod.ts';
import { backoffMs, digestBytes, explain, type Random } from '#shared/kernel/mod.ts';
import { callUnary, pinnedAuthority, RpcError, rpcClient } from '#shared/rpc/mod.ts';
import { createRequest, tlsKeyFromPem, type JoinToken } from '#shared/signing/mod.ts';
import type { Log } from '#shared/telemetry/mod.ts';
import { IdentityError, type Verified } from './verify.ts';

export interface Asking {
  /** PKCS#8 PEM of the client certificate's key. */
  readonly keyPem: string;
  readonly natsPublicKey: string;
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
 * Becomes a spoke with nothing but a join token: finds the hub by the pin, asks, waits to be accepted. Retries what may pass; rejects with IdentityError
 * REFUSED when the hub says no.
 */
export async function enrol(token: JoinToken, asking: Asking, signal: AbortSignal): Promise<Identity> {
  const { clock, random, log, natsPublicKey, kubeSystemUid, version: spokeVersion, facts } = asking;
  const csr = await createRequest(tlsKeyFromPem(asking.keyPem));
  const request = { token: token.reveal(), csr, natsPublicKey, kubeSystemUid, spokeVersion, facts };
  for (let attempt = 1; ; attempt++) {
    let delayMs: number;
    try {
      const ca = await pinnedAuthority(token.enrolment, digestBytes(token.caPin), signal);
      const reply = await ask(token.enrolment, ca, clock, (client, deadline) =>
        callUnary(`enrol at ${token.enrolment}`, client.enrol.bind(client), request, { deadline, signal }),
      );
      if (reply.outcome?.$case === 'accepted') return reply.outcome.value;
      log.info('waiting to be accepted', { reason: reply.outcome?.value.reason ?? '' });
      delayMs = Math.min(Math.max(reply.outcome?.value.retryAfterMs ?? 5_000, 100), 60_000);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (!mayPass(error)) throw new IdentityError('REFUSED', explain(error), { cause: error });
      delayMs = backoffMs(retry, attempt, random);
      log.warn('could not enrol yet', { reason: explain(error), attempt, retryMs: delayMs });
    }
    await clock.sleep(delayMs, signal);
  }
}

/** A new certificate for the same key, also when the old one has expired. One try; rejects with RpcError or IdentityError. */
export async function renew(current: Verified, asking: Asking, signal: AbortSignal): Promise<Identity> {
  const csr = await createRequest(tlsKeyFromPem(asking.keyPem));
  const certificate = Buffer.from(current.certificate.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  const { enrolment } = current.endpoints;
  const request = { certificate, csr, natsPublicKey: asking.natsPublicKey, kubeSystemUid: asking.kubeSystemUid };
  const reply = await ask(enrolment, current.authorities, asking.clock, (client, deadline) =>
    callUnary(`renew at ${enrolment}`, client.renew.bind(client), request, { deadline, signal }),
  );
  if (reply.outcome?.$case !== 'accepted') throw new IdentityError('BAD_REPLY', 'the hub answered a renewal with neither yes nor no');
  return reply.outcome.value;
}

/** A refusal that names its reason is final for this token; everything about reaching the hub may pass. */
export const mayPass = (error: unknown): boolean =>
  error instanceof RpcError && ['UNAVAILABLE', 'DEADLINE', 'INTERNAL', 'CANCELLED', 'TOO_LARGE'].includes(error.code);

type Call = (client: EnrolmentClient, deadline: number) => Promise<EnrolReply>;

async function ask(address: string, ca: string, clock: Clock, call: Call): Promise<EnrolReply> {
  const client = rpcClient(EnrolmentClient, { address, tls: { ca } });
  try {
    return await call(client, clock.now() + callMs);
  } finally {
    client.close();
  }
}
