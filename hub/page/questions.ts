import type { App, Ask, Cluster, Environment, Event, FleetStatus, Placement, Rollout, Target } from '#hub/api/mod.ts';
import { letOthersRun, type Clock } from '#shared/clock/mod.ts';
import type { Group } from './groups.ts';
import { groupsOf, selectorText } from './groups.ts';

/** A page of a list, as the API answers it. */
export interface List<T> {
  readonly metadata: { readonly continue: string; readonly counts?: Readonly<Record<string, Readonly<Record<string, number>>>> };
  readonly items: readonly T[];
}

/** What of the fleet one browser wants to see. */
export interface View {
  /** Closer, beside everything else; '': none. */
  readonly cluster: string;
}

/** Everything that a page is made of: the moment, and what the API answered to the questions below. */
export interface Look {
  readonly view: View;
  /** The hub's monotonic clock just before it was asked, milliseconds: what ages count from. */
  readonly atMs: number;
  readonly status: FleetStatus;
  /** The worst first. */
  readonly clusters: List<Cluster>;
  /** Of which nothing is known: those that were there once, and those that never were. */
  readonly silent: List<Cluster>;
  readonly absent: List<Cluster>;
  readonly troubled: List<Placement>;
  readonly targets: List<Target>;
  readonly rollouts: List<Rollout>;
  readonly environments: List<Environment>;
  readonly apps: List<App>;
  readonly events: List<Event>;
  /** Of groups whose clusters are not all among `clusters`: how many it has, by health. */
  readonly groupCounts: ReadonlyMap<string, Readonly<Record<string, number>>>;
  readonly closer: Closer | undefined;
}

export interface Closer {
  readonly name: string;
  /** Undefined: there is none of that name. */
  readonly cluster: Cluster | undefined;
  readonly placements: readonly Placement[];
}

/** As many clusters are drawn one by one; of more only the worst. */
export const cellsMax = 500;
const cellsOfMany = 150;
const groupsCountedMax = 12;

const list = (kind: string, query: Readonly<Record<string, string | number>>): string => {
  const text = new URLSearchParams(Object.entries(query).map(([key, value]): [string, string] => [key, String(value)])).toString();
  return `/v1alpha1/${kind}?${text}`;
};

/** Always the same, whatever the view; each bounded. */
export const questions = {
  status: '/v1alpha1/status',
  silent: list('clusters', { fieldSelector: 'status.health=Unknown,status.connection!=NeverConnected', limit: 100 }),
  absent: list('clusters', { fieldSelector: 'status.health=Unknown,status.connection=NeverConnected', limit: 100 }),
  troubled: list('placements', { fieldSelector: 'status.health in (Degraded,Progressing)', sort: 'health', limit: 200 }),
  targets: list('targets', { sort: 'health', limit: 200 }),
  rollouts: list('rollouts', { sort: 'running', limit: 50 }),
  environments: list('environments', { sort: 'name', limit: 200 }),
  apps: list('apps', { sort: 'health', limit: 100 }),
  events: list('events', { limit: 16 }),
} as const;

const clustersOf = (total: number): string => list('clusters', { sort: 'health', limit: total <= cellsMax ? cellsMax : cellsOfMany });
const countOf = ({ selector }: Group): string =>
  list('clusters', { labelSelector: selectorText(selector), limit: 1, counts: 'true', fields: 'metadata.name' });

/** One question after the other, and others are answered between. */
const politely =
  (api: Ask): Ask =>
  async (target) => {
    await letOthersRun();
    return api(target);
  };

/** A cluster beside what is known of the fleet, which is not asked again. */
export async function closerAt(cluster: string, api: Ask, clock: Clock, fleet: Look): Promise<Look> {
  const lateMs = clock.monotonicMs() - fleet.atMs;
  return { ...fleet, view: { cluster }, closer: await closerOf(cluster, politely(api), lateMs) };
}

/** Asks the API for the whole fleet. `atMs`: when its answers are about, by the hub's monotonic clock. */
export async function fleetAt(api: Ask, atMs: number): Promise<Look> {
  const ask = politely(api);
  const status = (await ask(questions.status)) as FleetStatus;
  const clusters = (await ask(clustersOf(status.clusters.total))) as List<Cluster>;
  const environments = (await ask(questions.environments)) as List<Environment>;
  return {
    view: { cluster: '' },
    atMs,
    status,
    clusters,
    environments,
    silent: (await ask(questions.silent)) as List<Cluster>,
    absent: (await ask(questions.absent)) as List<Cluster>,
    troubled: (await ask(questions.troubled)) as List<Placement>,
    targets: (await ask(questions.targets)) as List<Target>,
    rollouts: (await ask(questions.rollouts)) as List<Rollout>,
    apps: (await ask(questions.apps)) as List<App>,
    events: (await ask(questions.events)) as List<Event>,
    groupCounts: await countsOf(clusters, environments, ask),
    closer: undefined,
  };
}

async function countsOf(clusters: List<Cluster>, environments: List<Environment>, ask: Ask): Promise<Look['groupCounts']> {
  const counts = new Map<string, Readonly<Record<string, number>>>();
  if (clusters.metadata.continue === '') return counts;
  for (const group of groupsOf(environments.items).slice(0, groupsCountedMax)) {
    const { metadata } = (await ask(countOf(group))) as List<unknown>;
    counts.set(group.key, metadata.counts?.['status.health'] ?? {});
  }
  return counts;
}

/** `lateMs`: how long after the moment of the look this is asked, so that its ages are told from that moment too. */
async function closerOf(name: string, ask: Ask, lateMs: number): Promise<Closer> {
  const found = (await ask(list('clusters', { fieldSelector: `metadata.name=${name}`, limit: 1 }))) as List<Cluster>;
  const placed = list('placements', { fieldSelector: `spec.cluster=${name}`, sort: 'health', limit: 100 });
  const placements = found.items.length === 0 ? [] : ((await ask(placed)) as List<Placement>).items;
  const [cluster] = found.items;
  return { name, cluster: cluster && { ...cluster, status: { ...cluster.status, ...earlier(cluster.status, lateMs) } }, placements };
}

type Ages = Pick<Cluster['status'], 'connectionAgeMs' | 'convergenceAgeMs' | 'healthAgeMs'>;

function earlier({ connectionAgeMs, convergenceAgeMs, healthAgeMs }: Ages, lateMs: number): Ages {
  const at = (ageMs: number | null): number | null => (ageMs === null ? null : ageMs - lateMs);
  return { connectionAgeMs: at(connectionAgeMs), convergenceAgeMs: at(convergenceAgeMs), healthAgeMs: at(healthAgeMs) };
}
