import type { ClusterView, PlacementView, ReleaseView, Snapshot } from './views.ts';

/** What `--json` prints. Everything in it comes from what the hub knows through reports, never from what the starter did. */
export interface StartDocument {
  readonly ok: boolean;
  readonly reason: string | null;
  /** Seconds. */
  readonly took: number;
  readonly kubernetes: string;
  readonly releases: readonly Pick<ReleaseView, 'tenant' | 'app' | 'alias' | 'digest' | 'commit'>[];
  readonly clusters: readonly unknown[];
  /** When it was done; the other parts of a fleet are not counted. */
  readonly memory: Memory;
}

/** Resident, summed over processes; null where there is none of that kind, or nobody tells. */
export interface Memory {
  readonly hubMiB: number | null;
  readonly spokesMiB: number | null;
  readonly sandboxMiB: number | null;
}

export interface Outcome {
  readonly ok: boolean;
  readonly reason: string | null;
  readonly tookMs: number;
  readonly kubernetes: string;
  readonly memory: Memory;
}

const seconds = (value: number | undefined): number | undefined => (value === undefined ? undefined : Math.round(value * 10_000) / 10_000);

export function documentOf({ ok, reason, tookMs, kubernetes, memory }: Outcome, { releases, clusters }: Snapshot): StartDocument {
  return {
    ok,
    reason,
    took: Math.round(tookMs / 100) / 10,
    kubernetes,
    releases: releases.map(({ tenant, app, alias, digest, commit }) => ({ tenant, app, alias, digest, commit })),
    clusters: clusters.map(clusterOf),
    memory,
  };
}

const clusterOf = ({ name, uid, connection, fence, placements }: ClusterView) => ({
  name,
  uid,
  environment: [...new Set(placements.map(({ environment }) => environment))].join(','),
  connection,
  fence,
  placements: placements.map(placementOf),
});

const placementOf = ({ tenant, app, release, wanted, observed, health, reason, message, objects, hops, unhealthy }: PlacementView) => ({
  tenant,
  app,
  release,
  wanted,
  observed,
  health,
  reason: health === 'Healthy' ? reason : `${reason}: ${message}`,
  objects,
  hops: {
    fetched: seconds(hops.fetched),
    verified: seconds(hops.verified),
    applied: seconds(hops.applied),
    healthy: seconds(hops.healthy),
  },
  ...(unhealthy.length > 0 ? { unhealthy } : {}),
});
