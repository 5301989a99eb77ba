import { sql, type RawBuilder } from '#hub/store/mod.ts';
import { convergences, healths, type Convergence, type Health } from '../schemas/words.ts';
import type { Moment } from './moments.ts';

// Health and convergence of placements in SQL, by the rules of hub/health (evidenceOf): ranks, worst first, so that a fleet can be filtered, sorted and
// counted without reading it into memory. A test holds the two together.

const rank = (health: Health): RawBuilder<number> => sql.lit(healths.indexOf(health));
const step = (state: Convergence): RawBuilder<number> => sql.lit(convergences.indexOf(state));

export const healthAt = (index: number): Health => healths[index] ?? 'Unknown';
export const convergenceAt = (index: number): Convergence => convergences[index] ?? 'Unknown';

/** Rows (cluster_id, live, silence): what this moment knows of contact; clusters that were not heard of have no row. */
export const contacts = ({ contactsJson }: Moment): RawBuilder<unknown> =>
  sql`SELECT CAST(key AS INTEGER) AS cluster_id, substr(value, 1, 1) = 'C' AS live, substr(value, 2) AS silence FROM json_each(${contactsJson})`;

/** '' when a beat vouches for the cluster that `k` is the contact of. */
export const silence = ({ unheard }: Moment): RawBuilder<string> => sql`coalesce(k.silence, ${unheard})`;

const empty = sql.lit('');

/** Rows (id, cluster_id, app_id, target_id, rank, step) of placements; `where` narrows them by `p`. */
export const judged = (moment: Moment, where: RawBuilder<unknown> = sql`1 = 1`): RawBuilder<unknown> => sql`
  SELECT p.id, p.cluster_id, p.app_id, p.target_id,
    CASE
      WHEN ${silence(moment)} <> ${empty} OR v.revision IS NULL OR r.placement_id IS NULL THEN ${rank('Unknown')}
      WHEN p.mode <> 'Enforce' THEN ${rank('Suspended')}
      WHEN r.revision_applied <> v.revision AND (r.revision_wanted <> v.revision OR r.health <> 'Degraded') THEN ${rank('Progressing')}
      WHEN r.revision_applied = v.revision AND r.revision_wanted <> v.revision THEN ${rank('Progressing')}
      ELSE CASE r.health WHEN 'Degraded' THEN ${rank('Degraded')} WHEN 'Progressing' THEN ${rank('Progressing')}
        WHEN 'Suspended' THEN ${rank('Suspended')} WHEN 'Healthy' THEN ${rank('Healthy')} ELSE ${rank('Unknown')} END
    END AS rank,
    CASE
      WHEN ${silence(moment)} <> ${empty} THEN ${step('Unknown')}
      WHEN v.revision IS NULL THEN ${step('NothingWanted')}
      WHEN r.revision_wanted = v.revision THEN CASE WHEN r.revision_applied = v.revision THEN ${step('Converged')} ELSE ${step('Converging')} END
      ELSE ${step('NotReceived')}
    END AS step
  FROM placements p
  LEFT JOIN (${contacts(moment)}) k ON k.cluster_id = p.cluster_id
  LEFT JOIN reports r ON r.placement_id = p.id
  LEFT JOIN revisions v ON v.id = p.wanted_revision_id
  WHERE ${where}`;

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
