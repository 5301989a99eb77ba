// Rollouts: move a target to a release or to new inputs, cluster by cluster, on evidence only.
export { decide } from './decide.ts';
export { recount, type Counters, type Situation, type Step, type Subject, type Wait } from './model.ts';
export { plan, type Member, type Plan, type PlanFacts } from './plan.ts';
export { RolloutService, type RolloutOptions } from './service.ts';
export { listed } from './waits.ts';
