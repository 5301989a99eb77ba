// Drift: what others did to the objects that were applied, who it was, and when it is corrected again. Pure.
export { nothingTaken, takenOf, makerOf, type Taken } from './comparisons.ts';
export { fieldsHashOf, found, isMadeAnew, type DriftKind, type Found } from './detect.ts';
export type { Manager } from './fields.ts';
export { contestedReason, contestedVerdict, driftReport, driftText } from './reports.ts';
export {
  compared,
  corrected,
  dismissed,
  dueOf,
  forgiven,
  looked,
  nextLookMs,
  noStories,
  urged,
  type Drift,
  type Now,
  type Outcome,
  type Stories,
  type Story,
} from './stories.ts';
