// The whole fleet in one process, in virtual time, from one seed.
export { runSeed, type Figures, type Outcome, type RunOptions } from './run.ts';
export { runSeeds } from './seeds.ts';
export { failureText, figuresText, sumOf } from './texts.ts';
