// How applied objects are. Pure: rules in a table, general before particular, a stated default last.
export { healthOf } from './rules.ts';
export { brokenContainer } from './kinds.ts';
export { conditionOf, type Verdict } from './verdict.ts';
export { podSelectorOf, podTroubleOf, type PodTrouble } from './causes.ts';
export { nameOf, summarise, worsened, worstFirst, type HealthSummary, type ObjectHealth, type Seen } from './summary.ts';
