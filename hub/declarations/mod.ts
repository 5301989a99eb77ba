// Declarations: take a set of resources into the record, all or nothing.
export { applyResources } from './apply.ts';
export type { Action, Applied, ApplyOptions, Change } from './plan.ts';
export { deleteResource, type Deletion } from './delete.ts';
export { DeclarationError, type DeclarationCode } from './errors.ts';
export { versionOf } from './rows.ts';
