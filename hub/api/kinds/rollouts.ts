import { sql, type Reader, type RolloutClusterRow, type RolloutRow } from '#hub/store/mod.ts';
import type { Rollout } from '../schemas/moving.ts';
import { startsOf } from './changes.ts';
import { holdsShown } from './holds.ts';
import { time, timeOrNull, versioned } from './parts.ts';
import { within, type Row, type View } from './view.ts';

interface RolloutViewRow extends Row, Omit<RolloutRow, 'id' | 'uid' | 'kind'> {
  readonly type: RolloutRow['kind'];
  readonly app: string;
  readonly environment: string;
  readonly alias: string;
  readonly digest: string;
  readonly commit: string;
  readonly author: string;
  readonly ended: number;
}

const stored = sql`
    SELECT o.id, o.uid, o.uid AS name, t.name AS tenant, o.kind AS type, o.state, o.reason, o.message, o.max_concurrent, o.wave, o.waves, o.created_at,
      o.finished_at, o.target_id, a.name AS app, e.name AS environment, r.alias, r.digest, c."commit", c.author, o.finished_at IS NOT NULL AS ended
    FROM rollouts o
    JOIN targets g ON g.id = o.target_id
    JOIN apps a ON a.id = g.app_id
    JOIN tenants t ON t.id = a.tenant_id
    JOIN environments e ON e.id = g.environment_id
    JOIN releases r ON r.id = o.release_id
    JOIN commits c ON c.id = r.commit_id`;

export const rollouts: View<RolloutViewRow> = {
  kind: 'Rollout',
  plural: 'rollouts',
  tenanted: true,
  select: (_, ids) => sql`SELECT * FROM (${stored}) WHERE ${within(sql`id`, ids)}`,
  stored: { select: stored, columns: ['id', 'uid', 'tenant', 'name', 'app', 'environment', 'type', 'state', 'reason', 'ended'] },
  fields: {
    'metadata.name': { column: 'name' },
    'spec.app': { column: 'app' },
    'spec.environment': { column: 'environment' },
    'spec.type': { column: 'type' },
    'status.state': { column: 'state' },
    'status.reason': { column: 'reason' },
  },
  sorts: {
    running: [
      ['ended', 'asc'],
      ['id', 'desc'],
    ],
    created: [['id', 'desc']],
  },
  counts: ['status.state'],
  resources: async ({ read }, rows) => {
    const ids = rows.map(({ id }) => id);
    const clusters = await clustersOf(read, ids);
    const holds = await holdsShown(read, 'Rollout', ids);
    const starts = await startsOf(
      read,
      rows.map(({ uid }) => uid ?? ''),
    );
    return rows
      .map((row) => ({
        clusters: clusters.get(row.id) ?? none,
        suspended: holds.get(row.id) ?? null,
        startedBy: starts.get(row.uid ?? ''),
        row,
      }))
      .map(rolloutOf);
  },
};

type Clusters = Rollout['status']['clusters'];
const none: Clusters = { total: 0, waiting: 0, started: 0, degraded: 0, unreachable: 0, succeeded: 0, unchanged: 0, skipped: 0 };

interface Shown {
  readonly row: RolloutViewRow;
  readonly clusters: Clusters;
  readonly suspended: Rollout['status']['suspended'];
  readonly startedBy: Rollout['spec']['startedBy'] | undefined;
}

function rolloutOf({ row, clusters, suspended, startedBy }: Shown): Rollout {
  return versioned({
    apiVersion: 'wheelhouse.dev/v1alpha1' as const,
    kind: 'Rollout' as const,
    metadata: { tenant: row.tenant ?? '', name: row.name, uid: row.uid ?? '', creationTimestamp: time(row.created_at), labels: {} },
    spec: {
      app: row.app,
      environment: row.environment,
      type: row.type,
      release: row.alias,
      digest: row.digest,
      commit: row.commit,
      author: row.author,
      maxConcurrent: row.max_concurrent,
      startedBy: startedBy ?? { actor: 'system:promotion', reason: '' },
    },
    status: {
      state: row.state,
      reason: row.reason,
      message: row.message,
      suspended,
      wave: row.wave,
      waves: row.waves,
      clusters,
      finishedAt: timeOrNull(row.finished_at),
    },
  });
}

const words: Readonly<Record<RolloutClusterRow['state'], Exclude<keyof Clusters, 'total'>>> = {
  Waiting: 'waiting',
  Started: 'started',
  Degraded: 'degraded',
  Unreachable: 'unreachable',
  Succeeded: 'succeeded',
  Unchanged: 'unchanged',
  Skipped: 'skipped',
};

async function clustersOf(read: Reader, ids: readonly number[]): Promise<ReadonlyMap<number, Clusters>> {
  if (ids.length === 0) return new Map();
  const rows = await read
    .selectFrom('rollout_clusters')
    .select(['rollout_id', 'state'])
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('rollout_id', 'in', ids)
    .groupBy(['rollout_id', 'state'])
    .execute();
  const found = new Map<number, Clusters>();
  for (const { rollout_id, state, count } of rows) {
    const known = found.get(rollout_id) ?? none;
    found.set(rollout_id, { ...known, [words[state]]: count, total: known.total + count });
  }
  return found;
}
