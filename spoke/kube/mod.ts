// The API server of the spoke's own cluster, behind one port: a client for a real one, an in-memory one for tests and simulation.
export * from './port.ts';
export { KubeError, isKubeError, isTransient, type KubeCause } from './errors.ts';
export { apiVersionOf } from './paths.ts';
export { fromKubeconfig, inCluster, HttpKubeClient, type KubeClientOptions } from './client.ts';
export { follow, type Followed, type FollowParts } from './follow.ts';
export type { KubeLimits } from './limits.ts';
export { MemoryKube, type MemoryKubeOptions, type MemoryRequest } from './memory.ts';
export type { Fault, MemoryVerb } from './memory/faults.ts';
