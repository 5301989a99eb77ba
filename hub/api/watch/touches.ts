import type { Commit, TableName, Tables } from '#hub/store/mod.ts';

/** What a commit touched: rows that are shown, by collection; and placements and clusters that more follows from. */
export interface Touched {
  readonly shown: readonly (readonly [plural: string, id: number])[];
  readonly placementIds: readonly number[];
  readonly clusterIds: readonly number[];
}

type Shown = readonly (readonly [string, number])[];
type Rule<T extends TableName> = (
  row: Tables[T],
) => Partial<{ shown: Shown; placementIds: readonly number[]; clusterIds: readonly number[] }>;

const shows =
  (plural: string) =>
  ({ id }: { readonly id: number }) => ({ shown: [[plural, id]] as Shown });

/** Where each table is seen. What has no rule is shown nowhere. */
const rules: { readonly [T in TableName]?: Rule<T> } = {
  tenants: shows('tenants'),
  environments: shows('environments'),
  apps: shows('apps'),
  targets: shows('targets'),
  clusters: ({ id }) => ({ clusterIds: [id] }),
  commits: ({ app_id }) => ({ shown: [['apps', app_id]] }),
  releases: ({ id, app_id }) => ({
    shown: [
      ['releases', id],
      ['apps', app_id],
    ],
  }),
  placements: ({ id }) => ({ placementIds: [id] }),
  reports: ({ placement_id }) => ({ placementIds: [placement_id] }),
  rollouts: ({ id, target_id }) => ({
    shown: [
      ['rollouts', id],
      ['targets', target_id],
    ],
  }),
  rollout_clusters: ({ rollout_id }) => ({ shown: [['rollouts', rollout_id]] }),
  rollout_events: ({ id, rollout_id }) => ({
    shown: [
      ['events', id],
      ['rollouts', rollout_id],
    ],
  }),
  events: shows('events'),
  // A hold changes what it is of; the rest follows in rows of its own.
  holds: ({ scope, subject_id: id }) => {
    if (scope === 'Cluster') return { clusterIds: [id] };
    if (scope === 'Placement') return { placementIds: [id] };
    const plural = { Environment: 'environments', App: 'apps', Rollout: 'rollouts', Fleet: '' }[scope];
    return plural === '' ? {} : { shown: [[plural, id]] };
  },
  refusals: ({ id, cluster_id }) => ({
    shown: [
      ['events', id],
      ['clusters', cluster_id],
    ],
  }),
  desired: ({ cluster_id }) => ({ shown: [['clusters', cluster_id]] }),
};

/** Pure. A removed row is given by its key alone; that is enough to say that it is gone. */
export function touchedBy({ writes, auditId }: Commit): Touched {
  const shown: (readonly [string, number])[] =
    auditId === undefined
      ? []
      : [
          ['audit', auditId],
          ['events', auditId],
        ];
  const placementIds: number[] = [];
  const clusterIds: number[] = [];
  for (const write of writes) {
    const rule = rules[write.table] as Rule<TableName> | undefined;
    const touched = rule?.((write.op === 'put' ? write.row : write.key) as Tables[TableName]);
    shown.push(...(touched?.shown ?? []).filter(([, id]) => id !== undefined));
    placementIds.push(...(touched?.placementIds ?? []));
    clusterIds.push(...(touched?.clusterIds ?? []));
  }
  return { shown, placementIds, clusterIds };
}
