// What a spoke keeps, in Secrets of its own namespace, written by one process at a time.
export { SpokeState, type StateParts } from './state.ts';
export { AssignmentSecrets } from './assignments.ts';
export { StateError, type StateCode } from './errors.ts';
export { managedBy, systemNamespace, tenantsNamespace } from './kinds.ts';
export type { DesiredRecord, IdentityRecord } from './records.ts';
