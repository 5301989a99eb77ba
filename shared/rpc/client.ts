import {
  credentials,
  Metadata,
  type ChannelCredentials,
  type Client,
  type ClientDuplexStream,
  type ClientOptions,
  type ServiceError,
} from '@grpc/grpc-js';
import { RpcError, rpcErrorFrom } from './errors.ts';
import { RpcStream } from './stream.ts';

export interface RpcClientOptions {
  /** host:port */
  readonly address: string;
  /** PEM. Authorities that the server must chain to; key and certificate for mTLS. */
  readonly tls: { readonly ca: string; readonly key?: string; readonly certificateChain?: string };
}

/**
 * The name in every hub certificate, whatever address it is reached at: the fleet has an authority of its own, so what matters is that it signed, and an
 * address may change without a new certificate.
 */
export const hubServerName = 'hub.wheelhouse.internal';

type ClientClass<C extends Client> = new (address: string, credentials: ChannelCredentials, options?: ClientOptions) => C;

/** A client on a connection of its own. Connects when first used; the caller closes it. */
export function rpcClient<C extends Client>(constructor: ClientClass<C>, { address, tls }: RpcClientOptions): C {
  const secure = credentials.createSsl(
    Buffer.from(tls.ca),
    tls.key === undefined ? null : Buffer.from(tls.key),
    tls.certificateChain === undefined ? null : Buffer.from(tls.certificateChain),
  );
  return new constructor(address, secure, {
    'grpc.ssl_target_name_override': hubServerName,
    'grpc.keepalive_time_ms': 30_000,
    'grpc.keepalive_timeout_ms': 10_000,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_retries': 0,
    'grpc.max_receive_message_length': 4 * 1024 * 1024,
    'grpc.initial_reconnect_backoff_ms': 500,
    'grpc.max_reconnect_backoff_ms': 10_000,
  });
}

type UnaryMethod<Request, Reply> = (
  request: Request,
  metadata: Metadata,
  options: { deadline: number },
  callback: (error: ServiceError | null, reply: Reply) => void,
) => { cancel(): void };

/** One request. `deadline` is epoch milliseconds, because that is what gRPC sends. Rejects with RpcError. */
export function callUnary<Request, Reply>(
  doing: string,
  method: UnaryMethod<Request, Reply>,
  request: Request,
  { deadline, signal }: { deadline: number; signal?: AbortSignal },
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error);
    const call = method(request, new Metadata(), { deadline }, (error, reply) => {
      signal?.removeEventListener('abort', cancel);
      if (error) reject(signal?.aborted ? (signal.reason as Error) : rpcErrorFrom(error, doing));
      else resolve(reply);
    });
    const cancel = (): void => call.cancel();
    signal?.addEventListener('abort', cancel, { once: true });
  });
}

/** Opens a bidirectional stream that ends with the signal. */
export function openStream<In, Out>(open: () => ClientDuplexStream<Out, In>, signal: AbortSignal): RpcStream<In, Out> {
  const call = open();
  const stream = new RpcStream<In, Out>(call);
  const cancel = (): void => {
    call.cancel();
    stream.abort(new RpcError('CANCELLED', 'the spoke stops'));
  };
  if (signal.aborted) cancel();
  signal.addEventListener('abort', cancel, { once: true });
  stream.onEnd(() => signal.removeEventListener('abort', cancel));
  return stream;
}
