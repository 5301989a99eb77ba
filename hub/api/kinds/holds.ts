import { holdsOf, type Scope } from '#hub/holds/mod.ts';
import { sql, type HoldRow, type Reader } from '#hub/store/mod.ts';
import type { Hold, HoldCounts } from '../schemas/holds.ts';
import { time, timeOrNull } from './parts.ts';

export const holdShown = ({ scope, actor, reason, since, until }: HoldRow): Hold => ({
  scope,
  by: actor,
  reason,
  since: time(since),
  until: timeOrNull(until),
});

/** What people have stopped, by the id of what it is. */
export async function holdsShown(read: Reader, scope: Scope, ids: readonly number[]): Promise<ReadonlyMap<number, Hold>> {
  return new Map([...(await holdsOf(read, scope, ids))].map(([id, row]) => [id, holdShown(row)]));
}

/** By placement: every hold that keeps something from it, the nearest first. */
export async function holdsOfPlacements(read: Reader, ids: readonly number[]): Promise<ReadonlyMap<number, readonly HoldRow[]>> {
  if (ids.length === 0) return new Map();
  const { rows } = await sql<HoldRow & { placement_id: number }>`
    SELECT p.id AS placement_id, h.* FROM placements p JOIN targets g ON g.id = p.target_id
    JOIN holds h ON (h.scope = 'Placement' AND h.subject_id = p.id) OR (h.scope = 'App' AND h.subject_id = p.app_id)
      OR (h.scope = 'Cluster' AND h.subject_id = p.cluster_id) OR (h.scope = 'Environment' AND h.subject_id = g.environment_id) OR h.scope = 'Fleet'
    WHERE p.id IN (${sql.join([...ids])})`.execute(read);
  const nearest: readonly Scope[] = ['Placement', 'App', 'Cluster', 'Environment', 'Fleet'];
  const ordered = rows.toSorted((a, b) => nearest.indexOf(a.scope) - nearest.indexOf(b.scope));
  return Map.groupBy(ordered, ({ placement_id: id }) => id);
}

/** How much stands still in the fleet. */
export async function holdCountsOf(read: Reader): Promise<HoldCounts> {
  const rows = await read
    .selectFrom('holds')
    .select('scope')
    .select(({ fn }) => fn.countAll<number>().as('n'))
    .groupBy('scope')
    .execute();
  const of = (scope: Scope): number => rows.find((row) => row.scope === scope)?.n ?? 0;
  const fleet = (await holdsShown(read, 'Fleet', [0])).get(0) ?? null;
  return {
    fleet,
    environments: of('Environment'),
    clusters: of('Cluster'),
    rollouts: of('Rollout'),
    apps: of('App'),
    placements: of('Placement'),
  };
}
