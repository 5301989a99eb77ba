import { dispatchesOf } from '#hub/health/mod.ts';
import { sql, type Reader } from '#hub/store/mod.ts';
import type { ChangedBy } from '../schemas/words.ts';
import { changesOf } from './changes.ts';
import { judged } from './judged.ts';
import type { Moment } from './moments.ts';
import { timeOrNull } from './parts.ts';
import { evidenceAt, reportsOf, sinceOf } from './placements.ts';

export interface Worst {
  /** tenant/app */
  readonly app: string;
  readonly reason: string;
  readonly message: string;
  readonly since: string | null;
  readonly changedBy: ChangedBy | null;
}

/** By cluster: the placement that is worst off, and why. */
export async function worstPlacements(read: Reader, moment: Moment, clusterIds: readonly number[]): Promise<ReadonlyMap<number, Worst>> {
  if (clusterIds.length === 0) return new Map();
  const there = sql`p.cluster_id IN (${sql.join(clusterIds)})`;
  const { rows } = await sql<WorstRow>`
    SELECT * FROM (
      SELECT p.id, p.cluster_id, p.mode, p.rollout_id, p.updated_at, j.rank, v.revision AS wanted, t.name || '/' || a.name AS app,
        row_number() OVER (PARTITION BY p.cluster_id ORDER BY j.rank, j.step, p.id) AS place
      FROM (${judged(moment, there)}) j
      JOIN placements p ON p.id = j.id
      JOIN apps a ON a.id = p.app_id
      JOIN tenants t ON t.id = a.tenant_id
      LEFT JOIN revisions v ON v.id = p.wanted_revision_id
    ) WHERE place = 1`.execute(read);
  const ids = rows.map(({ id }) => id);
  const reports = await reportsOf(read, ids);
  const dispatches = await dispatchesOf(read, ids);
  const changes = await changesOf(
    read,
    rows.map(({ rollout_id }) => rollout_id),
  );
  return new Map(
    rows.map((row) => {
      const stored = reports.get(row.id);
      const evidence = evidenceAt(row, stored, dispatches.get(row.id), moment);
      const { reason, message } = evidence;
      const since = timeOrNull(sinceOf(row, stored, evidence, moment));
      const changedBy = row.rollout_id === null ? null : (changes.get(row.rollout_id) ?? null);
      return [row.cluster_id, { app: row.app, reason, message, since, changedBy }];
    }),
  );
}

interface WorstRow {
  readonly id: number;
  readonly cluster_id: number;
  readonly rank: number;
  readonly mode: 'Enforce' | 'Observe' | 'Suspended';
  readonly rollout_id: number | null;
  readonly updated_at: number;
  readonly wanted: string | null;
  readonly app: string;
}
