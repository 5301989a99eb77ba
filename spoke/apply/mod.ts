// The only place that writes tenants' objects: under their account, in stages, saying what it did.
export { accountOf } from './account.ts';
export { applyStages, changesText, dryRun, type Action, type Applier, type ApplyResult, type Change, type Write } from './apply.ts';
export { failureOf, type Failure, type FailureReason } from './failures.ts';
export { inParallel } from './parallel.ts';
export { deleteAll, releaseAll, unmarked, type Remover } from './remove.ts';
