import type { App, Cluster, Environment, Event, Placement, Rollout, Target } from '#hub/api/mod.ts';
import type { List, Look } from '../questions.ts';

// What the API could have answered, by hand: for situations that have a name.

export const now = '2026-11-21T12:00:00.000Z';
/** That long before `now`. */
export const ago = (seconds: number): string => new Date(Date.parse(now) - seconds * 1_000).toISOString();

const apiVersion = 'wheelhouse.dev/v1alpha1' as const;
const metadata = { resourceVersion: '1', creationTimestamp: ago(3_600) };
const counts = { Degraded: 0, Unknown: 0, Progressing: 0, Suspended: 0, Healthy: 0 };

export const tally = (given: Partial<typeof counts> = {}) => {
  const {
    Degraded: degraded,
    Unknown: unknown,
    Progressing: progressing,
    Suspended: suspended,
    Healthy: healthy,
  } = { ...counts, ...given };
  return { total: degraded + unknown + progressing + suspended + healthy, degraded, unknown, progressing, suspended, healthy };
};

export const changedBy: NonNullable<Placement['status']['changedBy']> = {
  rollout: 'r1',
  release: '20261121T110000Z-0123456-89abcdef',
  commit: '0123456789abcdef0123456789abcdef01234567',
  author: 'Ada Lovelace <ada@example.org>',
  message: 'Serve faster',
  actor: 'system:promotion',
  reason: 'Release',
  at: ago(600),
};

export const cluster = (
  name: string,
  { labels = {}, ...status }: Partial<Cluster['status']> & { labels?: Record<string, string> } = {},
): Cluster => ({
  apiVersion,
  kind: 'Cluster',
  metadata: { name, uid: `uid-${name}`, generation: 1, labels, ...metadata },
  spec: { labels, parameters: {} },
  status: {
    uid: `uid-${name}`,
    state: 'Accepted',
    connection: 'Connected',
    connectionAgeMs: 500,
    convergence: 'Converged',
    convergenceAgeMs: 500,
    health: 'Healthy',
    healthAgeMs: 500,
    reason: 'Healthy',
    message: '',
    since: null,
    placements: tally({ Healthy: 2 }),
    changedBy: null,
    fence: { epoch: 1, generation: 7 },
    facts: { kubernetesVersion: 'v1.36.3', nodes: 3, spokeVersion: '0.1.0', labels: {} },
    refusals: [],
    conditions: [],
    frozen: null,
    manager: 'api',
    ...status,
  },
});

export const environment = (
  tenant: string,
  name: string,
  {
    after = [],
    labels = { env: name },
    ...status
  }: Partial<Environment['status']> & { after?: string[]; labels?: Record<string, string> } = {},
): Environment => ({
  apiVersion,
  kind: 'Environment',
  metadata: { tenant, name, uid: `${tenant}-${name}`, generation: 1, labels: {}, ...metadata },
  spec: { after, clusterSelector: { matchLabels: labels, matchExpressions: [] }, parameters: {} } as unknown as Environment['spec'],
  status: {
    health: 'Healthy',
    convergence: 'Converged',
    placements: tally({ Healthy: 1 }),
    apps: 1,
    frozen: null,
    manager: 'api',
    ...status,
  },
});

export const target = (tenant: string, app: string, stage: string, status: Partial<Target['status']> = {}): Target => ({
  apiVersion,
  kind: 'Target',
  metadata: { tenant, name: `${app}.${stage}`, uid: `${tenant}-${app}-${stage}`, labels: {}, ...metadata },
  spec: { app, environment: stage },
  status: {
    health: 'Healthy',
    convergence: 'Converged',
    placements: tally({ Healthy: 1 }),
    current: `sha256:${'0'.repeat(64)}`,
    currentAlias: changedBy.release,
    leftOut: 0,
    waiting: null,
    rollout: { uid: 'r1', state: 'Succeeded', reason: 'AllHealthy', message: '' },
    commit: null,
    ...status,
  },
});

export const placement = (cluster: string, app: string, stage: string, status: Partial<Placement['status']> = {}): Placement => ({
  apiVersion,
  kind: 'Placement',
  metadata: { tenant: 'storefront', name: `${cluster}.${app}.shop`, uid: `${cluster}-${app}`, labels: {}, ...metadata },
  spec: { cluster, app, environment: stage, namespace: 'shop', mode: 'Enforce' },
  status: {
    state: 'Active',
    holdReason: '',
    holds: [],
    connection: 'Connected',
    connectionAgeMs: 500,
    convergence: 'Converged',
    convergenceAgeMs: 500,
    wanted: 'sha256:aa',
    observed: 'sha256:aa',
    release: 'sha256:bb',
    releaseAlias: changedBy.release,
    health: 'Healthy',
    healthAgeMs: 500,
    reason: 'Healthy',
    message: '3 of 3 objects are healthy',
    since: ago(600),
    changedBy,
    objects: 3,
    unhealthy: [],
    drift: [],
    hops: {},
    conditions: [],
    ...status,
  },
});

export const rollout = (uid: string, app: string, stage: string, status: Partial<Rollout['status']> = {}): Rollout => ({
  apiVersion,
  kind: 'Rollout',
  metadata: { tenant: 'storefront', name: uid, uid, labels: {}, ...metadata, creationTimestamp: ago(90) },
  spec: {
    app,
    environment: stage,
    type: 'Release',
    release: '20261121T115500Z-fedcba9-76543210',
    digest: 'sha256:cc',
    commit: 'fedcba9',
    author: 'Grace Hopper <grace@example.org>',
    maxConcurrent: 2,
    startedBy: { actor: 'user:grace', reason: 'hotfix' },
  },
  status: {
    state: 'Progressing',
    reason: 'InFlight',
    message: '1 of 4 clusters done; in flight: prod-2',
    wave: 1,
    waves: 2,
    clusters: { total: 4, waiting: 2, started: 1, degraded: 0, unreachable: 0, succeeded: 1, unchanged: 0 },
    suspended: null,
    finishedAt: null,
    ...status,
  } as Rollout['status'],
});

export const app = (tenant: string, name: string, status: Partial<App['status']> = {}): App => ({
  apiVersion,
  kind: 'App',
  metadata: { tenant, name, uid: `${tenant}-${name}`, generation: 1, labels: {}, ...metadata },
  spec: {} as App['spec'],
  status: {
    health: 'Healthy',
    convergence: 'Converged',
    placements: tally({ Healthy: 1 }),
    targets: 1,
    commit: null,
    source: null,
    suspended: null,
    manager: 'api',
    ...status,
  },
});

export const event = (name: string, spec: Partial<Event['spec']>): Event => ({
  apiVersion,
  kind: 'Event',
  metadata: { tenant: 'storefront', name, uid: name, labels: {}, ...metadata },
  spec: {
    at: ago(60),
    firstAt: ago(60),
    count: 1,
    type: 'Normal',
    reason: 'AllHealthy',
    message: '3 clusters healthy, 0 unchanged',
    regarding: { kind: 'Rollout', tenant: 'storefront', name: 'r1' },
    related: { cluster: null, app: null, environment: null },
    actor: '',
    changedBy: null,
    ...spec,
  },
  status: {},
});

export const list = <T>(items: readonly T[], more = ''): List<T> => ({ metadata: { continue: more }, items });

/** A fleet of these clusters and placements, counted as the API counts. */
export function look(given: Partial<Look> = {}): Look {
  const clusters = given.clusters?.items ?? [];
  const health = Object.groupBy(clusters, ({ status }) => status.health);
  const connection = Object.groupBy(clusters, ({ status }) => status.connection);
  const placements = clusters.reduce((sum, { status }) => added(sum, status.placements), tally());
  const numbers = <W extends string>(words: readonly W[], groups: Partial<Record<W, unknown[]>>) =>
    Object.fromEntries(words.map((word) => [word, groups[word]?.length ?? 0])) as Record<W, number>;
  const words = ['Degraded', 'Unknown', 'Progressing', 'Suspended', 'Healthy', 'Empty'] as const;
  return {
    view: { cluster: '' },
    atMs: 5_000_000,
    clusters: list([]),
    silent: list(clusters.filter(({ status }) => status.health === 'Unknown' && status.connection !== 'NeverConnected')),
    absent: list(clusters.filter(({ status }) => status.health === 'Unknown' && status.connection === 'NeverConnected')),
    troubled: list([]),
    targets: list([]),
    rollouts: list([]),
    environments: list([]),
    apps: list([]),
    events: list([]),
    groupCounts: new Map(),
    closer: undefined,
    ...given,
    status: {
      apiVersion,
      kind: 'FleetStatus',
      observedAt: now,
      settling: false,
      recordBehind: null,
      health: words.find((word) => health[word]) ?? 'Empty',
      clusters: {
        total: clusters.length,
        health: numbers(words, health),
        connection: numbers(['NeverConnected', 'Disconnected', 'Connected'], connection),
        state: { Accepted: clusters.length },
      },
      placements,
      holds: { fleet: null, environments: 0, clusters: 0, rollouts: 0, apps: 0, placements: 0 },
      targets: { total: given.targets?.items.length ?? 0, waiting: {} },
      environments: [],
      worst: [],
      rollouts: [...(given.rollouts?.items ?? [])].filter(({ status }) => status.finishedAt === null),
      ...given.status,
    },
  };
}

const added = (a: ReturnType<typeof tally>, b: ReturnType<typeof tally>): ReturnType<typeof tally> =>
  Object.fromEntries(Object.entries(a).map(([key, n]) => [key, n + b[key as keyof typeof b]])) as ReturnType<typeof tally>;
