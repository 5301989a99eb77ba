import { sql, type Reader } from '#hub/store/mod.ts';
import type { Target } from '../schemas/moving.ts';
import { lastCommits, healthFields, healthSorts, noTallies, tallied } from './declared.ts';
import { convergenceAt, healthAt, tallyOf, type TallyRow } from './judged.ts';
import { contentVersion, time } from './parts.ts';
import { within, type Row, type View } from './view.ts';

interface TargetViewRow extends Row, TallyRow {
  readonly app_id: number;
  readonly app: string;
  readonly environment: string;
  readonly waiting_reason: string;
  readonly waiting_message: string;
  readonly current: string | null;
  readonly alias: string | null;
  readonly created_at: number;
}

const stored = sql`
  SELECT g.id, a.uid || '.' || e.uid AS uid, t.name AS tenant, t.name AS tenant_order, a.name || '.' || e.name AS name, g.app_id, a.name AS app,
    e.name AS environment, g.environment_id, g.current_release_id, g.waiting_reason, g.waiting_message, max(a.created_at, e.created_at) AS created_at
  FROM targets g
  JOIN apps a ON a.id = g.app_id
  JOIN environments e ON e.id = g.environment_id
  JOIN tenants t ON t.id = a.tenant_id`;

/** Targets have no uid of their own in the record: app and environment never change, so theirs together are one. */
export const targets: View<TargetViewRow> = {
  kind: 'Target',
  plural: 'targets',
  tenanted: true,
  select: (moment, ids) => sql`
    SELECT b.*, r.digest AS current, r.alias, ${noTallies}
    FROM (${stored}) b
    LEFT JOIN releases r ON r.id = b.current_release_id
    LEFT JOIN (${tallied(moment, sql`j.target_id`, within(sql`p.target_id`, ids))}) s ON s.owner = b.id
    WHERE ${within(sql`b.id`, ids)}`,
  stored: {
    select: stored,
    columns: ['id', 'uid', 'tenant', 'tenant_order', 'name', 'app', 'environment', 'waiting_reason', 'created_at'],
  },
  fields: {
    ...healthFields,
    'spec.app': { column: 'app' },
    'spec.environment': { column: 'environment' },
    'status.waiting.reason': { column: 'waiting_reason' },
  },
  sorts: healthSorts,
  counts: ['status.health', 'status.waiting.reason'],
  resources: async ({ read }, rows) => {
    const rollouts = await lastRollouts(
      read,
      rows.map(({ id }) => id),
    );
    const commits = await lastCommits(
      read,
      rows.map(({ app_id }) => app_id),
    );
    const leftOut = await leftOutOf(
      read,
      rows.map(({ id }) => id),
    );
    return rows.map((row) =>
      targetOf(row, { rollout: rollouts.get(row.id) ?? null, commit: commits.get(row.app_id), leftOut: leftOut.get(row.id) ?? 0 }),
    );
  },
};

interface Details {
  readonly rollout: Target['status']['rollout'];
  readonly commit: { readonly commit: string; readonly outcome: string; readonly outcomeMessage: string } | undefined;
  readonly leftOut: number;
}

function targetOf(row: TargetViewRow, { rollout, commit, leftOut }: Details): Target {
  // Changes with what was decided about it, not with what is observed: a promotion is not refused because a pod restarted.
  const decided = [row.uid, row.current, row.waiting_reason, rollout && [rollout.uid, rollout.state]];
  return {
    apiVersion: 'wheelhouse.dev/v1alpha1' as const,
    kind: 'Target' as const,
    metadata: {
      tenant: row.tenant ?? '',
      name: row.name,
      uid: row.uid ?? '',
      resourceVersion: contentVersion(decided),
      creationTimestamp: time(row.created_at),
      labels: {},
    },
    spec: { app: row.app, environment: row.environment },
    status: {
      health: healthAt(row.rank),
      convergence: convergenceAt(row.step),
      placements: tallyOf(row),
      current: row.current,
      currentAlias: row.alias,
      leftOut,
      waiting: row.waiting_reason === '' ? null : { reason: row.waiting_reason, message: row.waiting_message },
      rollout,
      commit:
        commit && commit.outcome !== 'Released' ? { commit: commit.commit, outcome: commit.outcome, message: commit.outcomeMessage } : null,
    },
  };
}

async function lastRollouts(
  read: Reader,
  targetIds: readonly number[],
): Promise<ReadonlyMap<number, NonNullable<Target['status']['rollout']>>> {
  if (targetIds.length === 0) return new Map();
  const rows = await read
    .selectFrom('rollouts')
    .select(['target_id', 'uid', 'state', 'reason', 'message'])
    .where('id', 'in', (eb) =>
      eb
        .selectFrom('rollouts')
        .select(({ fn }) => fn.max('id').as('id'))
        .where('target_id', 'in', targetIds)
        .groupBy('target_id'),
    )
    .execute();
  return new Map(rows.map(({ target_id, ...rollout }) => [target_id, rollout]));
}

/** A rollout leaves out what a person has stopped, and succeeds: what it brought is not what runs there. Looks from the holds, which are few. */
async function leftOutOf(read: Reader, targetIds: readonly number[]): Promise<ReadonlyMap<number, number>> {
  if (targetIds.length === 0) return new Map();
  const { rows } = await sql<{ target_id: number; n: number }>`
    SELECT p.target_id, count(*) AS n FROM (
      SELECT p.id FROM holds h JOIN placements p ON p.cluster_id = h.subject_id WHERE h.scope = 'Cluster'
      UNION SELECT p.id FROM holds h JOIN placements p ON p.app_id = h.subject_id WHERE h.scope = 'App'
      UNION SELECT subject_id FROM holds WHERE scope = 'Placement'
    ) k
    JOIN placements p ON p.id = k.id
    JOIN targets g ON g.id = p.target_id
    JOIN environments e ON e.id = g.environment_id
    JOIN variants w ON w.release_id = g.current_release_id AND w.environment = e.name
    LEFT JOIN revisions v ON v.id = p.wanted_revision_id
    WHERE p.target_id IN (${sql.join([...targetIds])}) AND p.state = 'Active' AND v.layer_hash IS NOT w.layer_hash
    GROUP BY p.target_id`.execute(read);
  return new Map(rows.map(({ target_id, n }) => [target_id, n]));
}
