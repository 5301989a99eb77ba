// The heart of a spoke: which objects a revision is, what may be written, what may be deleted. Pure.
export { objectsOf, objectsOfInSteps } from './objects.ts';
export { kindOfCrd, planApply, type ApplyRequest } from './apply.ts';
export { isClosedNamespace } from './boundaries.ts';
export { isFoundation, isProtected, rankOf } from './order.ts';
export { claimOf, isOurs, ownerOf, type Claim } from './ownership.ts';
export {
  nothingToPrune,
  planPrune,
  planRemoval,
  type Approval,
  type Deletion,
  type Forgotten,
  type Held,
  type PrunePlan,
  type PruneRequest,
  type RemovalPlan,
  type RemovalRequest,
} from './prune.ts';
export { PlanError, type ApplyPlan, type InventoryEntry, type Live, type Owner, type PlanCode, type Planned, type Stage } from './model.ts';
