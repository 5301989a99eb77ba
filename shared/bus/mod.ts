// The bus: one key per cluster, written by the hub, followed by one spoke. Never the record, and never the judge of what it carries.
export {
  createNatsKeys,
  exportNatsKeys,
  hubJwt,
  importNatsKeys,
  spokeJwt,
  systemJwt,
  type NatsKeys,
  type UserLifetime,
} from './accounts.ts';
export { BusError, type BusCode } from './errors.ts';
export { createNkey, isUserNkey, Nkey, nkeyFromSeed } from './nkeys.ts';
export {
  valueBytesMax,
  type BusConnection,
  type BusEvent,
  type DesiredHolder,
  type DesiredMessage,
  type DesiredReader,
  type DesiredWatch,
  type DesiredWriter,
  type Held,
  type HubBus,
  type SpokeBus,
  type SpokeRevoker,
} from './ports.ts';
export { serverConfig, type ServerOptions } from './server-config.ts';
export { MemoryBus, type MemoryBusOptions } from './memory.ts';
export { connectHub, connectRevoker, type HubNatsOptions } from './nats-hub.ts';
export type { NatsOptions } from './nats-link.ts';
export { connectSpoke, type SpokeNatsOptions } from './nats-spoke.ts';
