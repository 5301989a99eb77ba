// A cluster in this process behind the port of the real one, for tests and simulation. Its rules are those of shared/kubernetes.
export { MemoryKube, type MemoryKubeOptions, type MemoryRequest } from './client.ts';
export type { Fault, MemoryVerb } from './faults.ts';
