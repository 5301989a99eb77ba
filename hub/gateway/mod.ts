// The gRPC end of the spoke stream.
export { serveGateway, type GatewayOptions } from './gateway.ts';
