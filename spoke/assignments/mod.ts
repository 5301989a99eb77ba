// Brings every assignment of the cluster to what is wanted of it, keeps it there, and says how it is.
export { startAssignments, type Assignments, type DesiredMeta, type Synced } from './assignments.ts';
export type { AssignmentsParts } from './parts.ts';
export type { AssignmentRecord, AssignmentStore, ContentRecord } from './port.ts';
export type { Observing } from './observing.ts';
