import { EnrolmentService, type EnrolmentServer } from '#proto/mod.ts';
import { certificateFacts, issueServer, tlsKeyPem, SigningError } from '#shared/signing/mod.ts';
import type { Clock } from '#shared/clock/mod.ts';
import { hubServerName, RpcError, serveRpc, unary, type RpcCode, type RpcServer } from '#shared/rpc/mod.ts';
import type { Random } from '#shared/kernel/mod.ts';
import { IdentityError, type IdentityCode } from './errors.ts';
import type { HubKeys } from './keys.ts';
import type { Identities } from './service.ts';

const codes: Partial<Record<IdentityCode, RpcCode>> = {
  TOKEN_INVALID: 'UNAUTHENTICATED',
  TOKEN_EXPIRED: 'UNAUTHENTICATED',
  REQUEST_INVALID: 'INVALID',
};

/** Refusals cross the wire with their code and sentence; everything else stays inside. */
async function translated<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof IdentityError)
      throw new RpcError(codes[error.code] ?? 'DENIED', `${error.code}: ${error.message}`, { cause: error });
    if (error instanceof SigningError) throw new RpcError('INVALID', `${error.code}: ${error.message}`, { cause: error });
    throw error;
  }
}

export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  readonly keys: HubKeys;
  readonly clock: Clock;
  readonly random: Random;
  readonly onError: (error: unknown) => void;
}

/**
 * A fresh server certificate of the fleet's authority, with the authority behind it so that a join token's pin is found in the chain. Its key is nowhere but
 * in this process, so it may live as long as the authority: were it shorter, a hub that runs longer could be reached by no spoke.
 */
export async function serverTls({ keys, clock, random }: ListenOptions): Promise<{ key: string; certificateChain: string }> {
  const now = clock.now();
  const validity = { notBefore: new Date(now - 3_600_000), notAfter: certificateFacts(keys.authority.certificatePem).notAfter };
  const { certificatePem, key } = await issueServer(keys.authority, { ...validity, names: [hubServerName], addresses: [] }, random);
  return { key: tlsKeyPem(key), certificateChain: certificatePem + keys.authority.certificatePem };
}

/** Serves enrolment and renewal: server-authenticated TLS, because who asks has no certificate yet, or an expired one. */
export async function serveEnrolment(identities: Identities, options: ListenOptions): Promise<RpcServer> {
  const handlers: EnrolmentServer = {
    enrol: unary(options.onError, (request) => translated(identities.enrol(request))),
    renew: unary(options.onError, (request) => translated(identities.renew(request))),
  };
  return serveRpc({
    host: options.host,
    port: options.port,
    tls: await serverTls(options),
    service: EnrolmentService,
    handlers: { ...handlers },
    onError: options.onError,
    messageBytesMax: 64 * 1024,
  });
}
