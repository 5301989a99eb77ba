// The pure words of Wheelhouse: no I/O, no clock, no randomness of its own. Everything else may stand on it; it stands on nothing.
export { humanAge } from './ages.ts';
export { backoffMs, jitteredMs, longestBackoffMs, reconnectBackoff, type Backoff } from './backoff.ts';
export { canonicalJson, type Json } from './canonical-json.ts';
export { digestBytes, digestOf, isDigest, sha256, shortDigest, type Digest } from './digest.ts';
export { durationMs } from './durations.ts';
export { CodedError, codeOf, explain } from './errors.ts';
export { isName, namePattern, uidFrom, type Random, type UidKind } from './ids.ts';
export { KeyedQueue } from './keyed-queue.ts';
export { compareFence, fenceText, type Fence } from './fence.ts';
export { inputsMaxBytes, revisionOf } from './revision.ts';
export { apiVersion, bareHealth, labels, type HealthState } from './words.ts';
export { inputsBytes, parseInputs, type Inputs } from './inputs.ts';
export { version } from './version.ts';
