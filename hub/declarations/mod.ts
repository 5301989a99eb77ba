// Declarations: take a set of resources into the record, all or nothing.
export { applyResources } from './apply.ts';
export type { Action, Applied, ApplyOptions, Change } from './plan.ts';
export { deleteResource, deleteResources, type Deleted, type Deletion, type SetDeletion } from './delete.ts';
export { checkVersion, DeclarationError, type DeclarationCode, type Hindrance } from './errors.ts';
export { versionOf } from './rows.ts';
