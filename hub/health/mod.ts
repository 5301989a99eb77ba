// Health: what spokes say, turned into evidence that the hub may decide on. Silence is Unknown, never good news and never bad.
export { CommandError, type CommandCode, type Order } from './commands.ts';
export { connectionAt, evidenceOf, reportedOf, silenceOf, silenceText, type Wanted } from './evidence.ts';
export { dispatchesOf } from './record.ts';
export {
  beatsMax,
  type Connection,
  type Contact,
  type Dispatched,
  type Evidence,
  type Reported,
  type Silence,
  type Timing,
} from './model.ts';
export type { Channel, Peer, SpokeHandler, SpokeStream } from './port.ts';
export type { RecordBehind } from './registry.ts';
export { HealthService, type HealthOptions, type Watch } from './service.ts';
export type { Settling } from './settling.ts';
