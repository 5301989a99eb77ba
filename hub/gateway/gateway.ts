import { SpokeService, type HubMessage, type SpokeMessage, type SpokeServer } from '#proto/mod.ts';
import { bidirectional, RpcError, serveRpc, type RpcPeer, type RpcServer, type RpcStream } from '#shared/rpc/mod.ts';
import type { Channel, Peer, SpokeHandler } from '#hub/health/mod.ts';
import { IdentityError, serverTls, type ListenOptions } from '#hub/identity/mod.ts';

export interface GatewayOptions extends ListenOptions {
  /** Whose stream a certificate opens; rejects with IdentityError. */
  readonly authorize: (certificate: Uint8Array) => Promise<Peer>;
  readonly handler: SpokeHandler;
}

/** Serves the spoke stream over mTLS: who speaks is read from the certificate, what is said goes to the handler. */
export async function serveGateway(options: GatewayOptions): Promise<RpcServer> {
  const handlers: SpokeServer = {
    connect: bidirectional<SpokeMessage, HubMessage>(options.onError, (stream, peer) => converse(stream, peer, options)),
  };
  return serveRpc({
    host: options.host,
    port: options.port,
    tls: { ...(await serverTls(options)), clientCa: options.keys.authority.certificatePem },
    service: SpokeService,
    handlers: { ...handlers },
    onError: options.onError,
    messageBytesMax: 1024 * 1024,
  });
}

async function converse(stream: RpcStream<SpokeMessage, HubMessage>, { certificate }: RpcPeer, options: GatewayOptions): Promise<void> {
  const peer = await authorized(certificate, options);
  const channel: Channel = {
    send: (message) => stream.send(message),
    close: (reason, message) => {
      stream.send({ message: { $case: 'goodbye', value: { reason, message, retryAfterMs: 0 } } });
      stream.end();
    },
  };
  const spoke = options.handler.open(peer, channel);
  let ended = false;
  const end = (reason: string): void => {
    if (!ended) spoke.ended(reason);
    ended = true;
  };
  stream.onEnd(end);
  try {
    for await (const message of stream) await spoke.receive(message);
  } finally {
    end('the stream has ended');
  }
}

async function authorized(certificate: Uint8Array | undefined, { authorize }: GatewayOptions): Promise<Peer> {
  if (!certificate) throw new RpcError('UNAUTHENTICATED', 'a client certificate is needed');
  try {
    return await authorize(certificate);
  } catch (error) {
    if (error instanceof IdentityError) throw new RpcError('UNAUTHENTICATED', `${error.code}: ${error.message}`, { cause: error });
    throw error;
  }
}
