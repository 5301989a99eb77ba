// The hub's HTTP API.
export type { Ask, Asking } from './ask.ts';
export { sessionsIn, type Sessions } from './auth/sessions.ts';
export { adminToken } from './auth/tokens.ts';
export type { Inviter, Page, PageAnswer, PageRequest } from './page.ts';
export { problemOf, type Problem } from './problems/problem.ts';
export type { App, Cluster, Environment, Tenant } from './schemas/declared.ts';
export type { FleetStatus } from './schemas/answers.ts';
export type { Placement, Release, Rollout, Target } from './schemas/moving.ts';
export type { AuditRecord, Event } from './schemas/records.ts';
export type { ResourceList } from './lists/list.ts';
export { Feed } from './watch/feed.ts';
export { serveApi, type ApiOptions } from './server.ts';
