// The API server of the spoke's own cluster, behind one port. The one in memory, for tests and simulation, is in `memory/mod.ts`: no spoke needs it.
export * from './port.ts';
export { KubeError, isKubeError, isTransient, type KubeCause } from './errors.ts';
export { apiVersionOf } from './paths.ts';
export { fromKubeconfig, inCluster, HttpKubeClient, type KubeClientOptions } from './client.ts';
export { follow, type Followed, type FollowParts } from './follow.ts';
export type { KubeLimits } from './limits.ts';
