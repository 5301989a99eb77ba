import type { Cluster, Placement, Release, Target } from '#hub/api/mod.ts';

// The fleet as the starter looks at it: each cluster with its placements.

export interface PlacementView extends Pick<
  Placement['status'],
  'release' | 'wanted' | 'observed' | 'reason' | 'message' | 'objects' | 'hops' | 'unhealthy'
> {
  readonly uid: string;
  readonly tenant: string;
  readonly app: string;
  readonly environment: string;
  readonly namespace: string;
  readonly state: string;
  readonly health: Placement['status']['health'];
  /** Since the evidence was vouched for, milliseconds. */
  readonly ageMs: number | null;
}

export interface ClusterView extends Pick<Cluster['status'], 'uid' | 'state' | 'connection' | 'fence' | 'refusals'> {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly ageMs: number | null;
  readonly placements: readonly PlacementView[];
}

export interface TargetView extends Pick<Target['status'], 'current' | 'waiting' | 'rollout' | 'commit'> {
  readonly tenant: string;
  readonly app: string;
  readonly environment: string;
  readonly placements: number;
}

export interface ReleaseView extends Pick<Release['spec'], 'app' | 'alias' | 'digest' | 'commit' | 'author'> {
  readonly tenant: string;
  readonly createdAt: string;
}

/** What the hub knows at one moment, through its own API. */
export interface Snapshot {
  readonly clusters: readonly ClusterView[];
  readonly targets: readonly TargetView[];
  readonly releases: readonly ReleaseView[];
}

interface Lists {
  readonly clusters: readonly Cluster[];
  readonly placements: readonly Placement[];
  readonly targets: readonly Target[];
  readonly releases: readonly Release[];
}

export function snapshotOf({ clusters, placements, targets, releases }: Lists): Snapshot {
  const byCluster = Map.groupBy(placements, ({ spec }) => spec.cluster);
  return {
    clusters: clusters.map((cluster) => clusterView(cluster, byCluster.get(cluster.metadata.name) ?? [])),
    targets: targets.map(({ metadata: { tenant }, spec, status }) => {
      const { current, waiting, rollout, commit } = status;
      return { tenant, ...spec, current, waiting, rollout, commit, placements: status.placements.total };
    }),
    releases: releases.map(({ metadata: { tenant, creationTimestamp }, spec: { app, alias, digest, commit, author } }) => {
      return { tenant, app, alias, digest, commit, author, createdAt: creationTimestamp };
    }),
  };
}

function clusterView({ metadata, status }: Cluster, placements: readonly Placement[]): ClusterView {
  const { uid, state, connection, fence, refusals } = status;
  const known = { name: metadata.name, labels: metadata.labels, ageMs: status.connectionAgeMs };
  return { ...known, uid, state, connection, fence, refusals, placements: placements.map(placementView) };
}

function placementView({ metadata, spec, status }: Placement): PlacementView {
  const { state, release, wanted, observed, health, reason, message, objects, hops, unhealthy } = status;
  const { app, environment, namespace } = spec;
  const named = { uid: metadata.uid, tenant: metadata.tenant, app, environment, namespace };
  return { ...named, state, release, wanted, observed, health, reason, message, ageMs: status.healthAgeMs, objects, hops, unhealthy };
}
