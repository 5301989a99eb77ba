// A real Kubernetes without containers, for tests and for trying Wheelhouse out: upstream's own control plane in one binary,
// with nodes and pods played by KWOK.
export type { BuildOptions } from './builds.ts';
export { buildKube } from './builds.ts';
export type { KubeCode } from './errors.ts';
export { KubeError } from './errors.ts';
export type { FleetOptions, KubeFleet } from './fleets.ts';
export { startFleet } from './fleets.ts';
export type { PartName } from './layouts.ts';
export type { ControlPlane } from './planes.ts';
export type { CommandResult } from './tools.ts';
