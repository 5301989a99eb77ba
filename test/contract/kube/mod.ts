// The contract of a Kubernetes API server, as a spoke and a person with kubectl rely on it: cases recorded on the real control plane.
export { notCoveredBySandbox, loadCases } from './cases.ts';
export type { CaseFile } from './cases.ts';
export { runContract } from './contract.ts';
export type { ContractOptions } from './contract.ts';
export { failuresOf, tableOf } from './tables.ts';
export { kubeconfigTarget } from './targets.ts';
export type { CaseResult, Target } from './types.ts';
