// Holds: what people freeze and suspend, why, and for how long.
export type { Changed } from './decide.ts';
export { HoldError, type HoldCode } from './errors.ts';
export { holdText, waitOf, type Scope, type Subject } from './model.ts';
export { holdOf, holdsOf } from './record.ts';
export { Holds, type HoldsOptions } from './service.ts';
