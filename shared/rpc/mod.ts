// gRPC as Wheelhouse uses it: mTLS, an own listener, streams that end once, foreign errors translated in one place.
export { callUnary, hubServerName, openStream, rpcClient, type RpcClientOptions } from './client.ts';
export { RpcError, rpcErrorFrom, type RpcCode } from './errors.ts';
export { pinnedAuthority } from './pin.ts';
export { bidirectional, serveRpc, unary, type RpcPeer, type RpcServer, type RpcServerOptions } from './server.ts';
export { RpcStream } from './stream.ts';
