// Lanes: which checks and tests run together, what they need, and how what ran is counted.
export { testFiles } from './files.ts';
export { lanes, parseRequest } from './plan.ts';
export { runSteps } from './run.ts';
export { sumOf, totalsLine } from './totals.ts';
