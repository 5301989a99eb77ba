import type { TableName } from '#hub/store/mod.ts';

/** What is observed or computed: written without an audit record. Named here again on purpose: a table that is moved there unseen would hide mutations. */
export const derivedTables: ReadonlySet<TableName> = new Set<TableName>([
  'taken_commits',
  'desired',
  'desired_history',
  'dispatched',
  'reports',
  'refusals',
  'rollout_events',
  'events',
  'event_states',
  'outbox',
]);
