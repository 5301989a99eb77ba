import { sql, type RawBuilder } from '#hub/store/mod.ts';
import { convergences, healths, type Convergence, type Health } from '../schemas/words.ts';
import { generationsMax, type Moment } from './moments.ts';

// Health and convergence of placements in SQL, by the rules of hub/health (evidenceOf): ranks, worst first, so that a fleet can be filtered, sorted and
// counted without reading it into memory. A test holds the two together.

const rank = (health: Health): RawBuilder<number> => sql.lit(healths.indexOf(health));
const step = (state: Convergence): RawBuilder<number> => sql.lit(convergences.indexOf(state));

export const healthAt = (index: number): Health => healths[index] ?? 'Unknown';
export const convergenceAt = (index: number): Convergence => convergences[index] ?? 'Unknown';

/** Rows (cluster_id, live, fence, silence): what this moment knows of contact; clusters that were not heard of have no row. */
const told = ({ contactsJson }: Moment): RawBuilder<unknown> =>
  sql`SELECT CAST(key AS INTEGER) AS cluster_id, substr(value, 1, 1) = 'C' AS live,
    CAST(substr(value, 2, 16) AS INTEGER) AS fence, substr(value, 18) AS silence FROM json_each(${contactsJson})`;

/** The same for joining clusters with: grouped, or SQLite would walk all of it for each of them. */
export const contacts = (moment: Moment): RawBuilder<unknown> =>
  sql`SELECT cluster_id, max(live) AS live, max(silence) AS silence FROM (${told(moment)}) GROUP BY cluster_id`;

/** '' when a beat vouches for the cluster that `k` is the contact of. */
export const silence = ({ unheard }: Moment): RawBuilder<string> => sql`coalesce(k.silence, ${unheard})`;

/**
 * Rows (id, cluster_id, app_id, target_id, rank, step) of placements; `where` narrows them by `p`. In steps that are each done once: the long digests are
 * compared once per placement, the rest is about small numbers. `where` is about these four ids alone.
 */
export const judged = (moment: Moment, where: RawBuilder<unknown> = sql`1 = 1`): RawBuilder<unknown> =>
  moment.kept === undefined
    ? judgedNow(moment, where)
    : sql`SELECT id, cluster_id, app_id, target_id, rank, step FROM temp.judged_kept p WHERE p.moment = ${moment.kept} AND ${where}`;

const judgedNow = (moment: Moment, where: RawBuilder<unknown>): RawBuilder<unknown> => sql`
  WITH k AS MATERIALIZED (${told(moment)}),
  s AS MATERIALIZED (
    SELECT p.id, p.cluster_id, p.app_id, p.target_id, ${silence(moment)} <> '' AS silent, v.id IS NULL AS unwanted, r.placement_id IS NULL AS unreported,
      p.mode <> 'Enforce' AS passive, p.mode = 'Suspended' AND r.health <> 'Suspended' AS untold, coalesce(d.epoch * ${sql.lit(generationsMax)} + d.generation <= k.fence, 0) AS heard, r.revision_wanted = v.revision AS received, r.revision_applied = v.revision AS applied,
      CASE r.health WHEN 'Degraded' THEN ${rank('Degraded')} WHEN 'Progressing' THEN ${rank('Progressing')} WHEN 'Suspended' THEN ${rank('Suspended')}
        WHEN 'Healthy' THEN ${rank('Healthy')} ELSE ${rank('Unknown')} END AS said
    FROM placements p
    LEFT JOIN k ON k.cluster_id = p.cluster_id
    LEFT JOIN reports r ON r.placement_id = p.id
    LEFT JOIN dispatched d ON d.placement_id = p.id AND d.revision_id = p.wanted_revision_id
    LEFT JOIN revisions v ON v.id = p.wanted_revision_id
    WHERE ${where}),
  j AS MATERIALIZED (
    SELECT id, cluster_id, app_id, target_id,
      CASE
        WHEN silent OR unwanted OR unreported THEN ${rank('Unknown')}
        WHEN untold THEN ${rank('Progressing')}
        WHEN passive THEN ${rank('Suspended')}
        WHEN NOT heard THEN ${rank('Progressing')}
        WHEN applied AND received THEN said
        WHEN received AND said = ${rank('Degraded')} THEN ${rank('Degraded')}
        ELSE ${rank('Progressing')}
      END AS rank,
      CASE
        WHEN silent THEN ${step('Unknown')}
        WHEN unwanted THEN ${step('NothingWanted')}
        WHEN heard AND received THEN CASE WHEN applied THEN ${step('Converged')} ELSE ${step('Converging')} END
        ELSE ${step('NotReceived')}
      END AS step
    FROM s)
  SELECT * FROM j`;

/** The columns of a tally and of the worst, over judged rows `j`. */
export const tallies: RawBuilder<unknown> = sql`count(j.id) AS total,
  coalesce(sum(j.rank = ${rank('Degraded')}), 0) AS degraded, coalesce(sum(j.rank = ${rank('Unknown')}), 0) AS unknown,
  coalesce(sum(j.rank = ${rank('Progressing')}), 0) AS progressing, coalesce(sum(j.rank = ${rank('Suspended')}), 0) AS suspended,
  coalesce(sum(j.rank = ${rank('Healthy')}), 0) AS healthy,
  coalesce(min(j.rank), ${rank('Empty')}) AS rank, coalesce(min(j.step), ${step('Empty')}) AS step`;

export interface TallyRow {
  readonly total: number;
  readonly degraded: number;
  readonly unknown: number;
  readonly progressing: number;
  readonly suspended: number;
  readonly healthy: number;
  readonly rank: number;
  readonly step: number;
}

export const tallyOf = ({ total, degraded, unknown, progressing, suspended, healthy }: TallyRow) => ({
  total,
  degraded,
  unknown,
  progressing,
  suspended,
  healthy,
});
