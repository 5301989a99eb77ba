// What people write: tenants, environments, apps and clusters as YAML, read strictly, with every mistake at its line. Pure.
export { nearest } from './hints.ts';
export {
  subjectOf,
  type AppResource,
  type ClusterResource,
  type EnvironmentResource,
  type Kind,
  type Origin,
  type Reference,
  type Resource,
  type TenantResource,
} from './model.ts';
export { parseReferences, parseResources, resourceLimits, type Parsed, type ParsedReferences, type ResourceFile } from './parse.ts';
export { fieldText, problemText, ResourceError, type Path, type Position, type Problem, type ProblemCode } from './problems.ts';
export { compareVersions, inRange, parseRange, parseVersion, type Range, type Version } from './ranges.ts';
export { appSpec, clusterSpec, environmentSpec, tenantSpec } from './schema.ts';
export type { AppSpec, ClusterSpec, EnvironmentSpec, GitRef, GitSource, TargetSpec, TenantSpec } from './schema.ts';
export { selects, type LabelRequirement, type Labels, type LabelSelector } from './selectors.ts';
export { isLoopback, matchesSource } from './urls.ts';
