// The hub's HTTP API.
export { problemOf, type Problem } from './problems.ts';
export { ApiError, serveApi, type ApiOptions, type Applied } from './server.ts';
export { adminToken, subjectOf } from './tokens.ts';
export type { ClusterView, Page, PlacementView, ReleaseView, TargetView } from './views.ts';
