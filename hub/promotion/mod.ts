// Promotion: which release a target may take, on evidence of the environments before it; and what its clusters lack.
export { decide, type Choice, type Offer, type Predecessor, type Wait } from './decide.ts';
export { PromotionService, type Asked, type PlannedRollout, type Promoted, type PromotionOptions } from './service.ts';
export { keysAffectedBy, keysWaiting } from './wakes.ts';
