import { AssignmentReport, type Drift } from '#proto/mod.ts';
import { dispatchesOf, evidenceOf, reportedOf, silenceOf, type Watch } from '#hub/health/mod.ts';
import type { ClusterRow, EventRow, ReportRow, Trx } from '#hub/store/mod.ts';
import { withDrift } from './drifts.ts';
import { eventLimits, type Happening, type News, type ToldCluster, type ToldPlacement } from './model.ts';
import type { About } from './series.ts';
import { clusterNews, placementNews } from './transitions.ts';

// What a look at some clusters reads, and what it finds.

export interface Found {
  readonly id: number;
  readonly about: About;
  /** JSON; undefined: as before. */
  readonly state: string | undefined;
  readonly happenings: readonly Happening[];
  /** Events of this object, newest first; read only when there are happenings. */
  readonly rows: readonly EventRow[];
}

/** Clusters, and every placement on them. */
export async function findNews(trx: Trx, clusterIds: readonly number[], watch: Watch, now: number): Promise<Found[]> {
  const clusters = await trx.selectFrom('clusters').select(['id', 'name', 'state']).where('id', 'in', clusterIds).execute();
  const placements = await placementsOn(trx, clusterIds);
  const told = await toldOf(trx, clusterIds);
  const found = [
    ...clusters.map((row) => clusterFound(row, told.get(row.id), watch, now)),
    ...placements.map((row) => placementFound(row, told.get(row.id), watch, now)),
  ].filter(({ state, happenings }) => state !== undefined || happenings.length > 0);
  const whole: Found[] = [];
  for (const one of found) whole.push({ ...one, rows: one.happenings.length === 0 ? [] : await rowsOf(trx, one.about) });
  return whole;
}

/** Of clusters, and of what is placed on them. Ids of placements are never listed in a query: there may be more than a statement takes. */
const toldOf = async (trx: Trx, clusterIds: readonly number[]): Promise<ReadonlyMap<number, string>> => {
  const of = trx.selectFrom('event_states').selectAll();
  const rows = [
    ...(await of.where('object_id', 'in', clusterIds).execute()),
    ...(await of.where('object_id', 'in', placedOn(trx, clusterIds)).execute()),
  ];
  return new Map(rows.map(({ object_id, state }) => [object_id, state]));
};

const placedOn = (trx: Trx, clusterIds: readonly number[]) =>
  trx.selectFrom('placements').select('id').where('cluster_id', 'in', clusterIds);

const rowsOf = (trx: Trx, { kind, tenant, name }: About): Promise<EventRow[]> =>
  trx
    .selectFrom('events')
    .selectAll()
    .where('kind', '=', kind)
    .where('tenant', '=', tenant)
    .where('name', '=', name)
    .orderBy('seq', 'desc')
    .limit(2 * eventLimits.perObjectMax)
    .execute();

/** The oldest events beyond what is kept of the fleet. */
export const surplus = async (trx: Trx, keptMax: number): Promise<number[]> =>
  (await trx.selectFrom('events').select('id').orderBy('seq', 'desc').offset(keptMax).limit(eventLimits.trimEvery).execute()).map(
    ({ id }) => id,
  );

type Bare = Omit<Found, 'rows'>;

const changedState = <T>(before: T | undefined, { told }: News<T>): string | undefined =>
  told === before || told === undefined ? undefined : JSON.stringify(told);

function clusterFound(
  { id, name, state }: Pick<ClusterRow, 'id' | 'name' | 'state'>,
  told: string | undefined,
  watch: Watch,
  now: number,
): Bare {
  const before = told === undefined ? undefined : (JSON.parse(told) as ToldCluster);
  const contact = watch.contactOf(id);
  const silence = silenceOf(contact, watch.timing());
  // Whoever is not accepted is not expected either.
  const news =
    state === 'Accepted'
      ? clusterNews(before, silence, contact !== undefined && contact.doubt === silence ? contact.doubtMessage : '', now)
      : { told: before, happenings: [] };
  const about = { kind: 'Cluster', tenant: '', name, cluster: name, app: '', environment: '', rollout_id: null };
  return { id, about, state: changedState(before, news), happenings: news.happenings };
}

type PlacementFacts = Awaited<ReturnType<typeof placementsOn>>[number];

function placementFound(row: PlacementFacts, told: string | undefined, watch: Watch, now: number): Bare {
  const before = told === undefined ? undefined : (JSON.parse(told) as ToldPlacement);
  const { cluster, app, environment, tenant, namespace, rollout_id } = row;
  const about = { kind: 'Placement', tenant, name: `${cluster}.${app}.${namespace}`, cluster, app, environment, rollout_id };
  const evidence = evidenceOf(
    { revision: row.wanted ?? '', mode: row.mode, dispatched: row.dispatched },
    row.report && reportedOf(row.report),
    watch.contactOf(row.cluster_id),
    watch.timing(),
  );
  const health = placementNews(before, evidence, now);
  const drift = withDrift(health.told, driftsOf(row.report), row.mode === 'Observe', now);
  return { id: row.id, about, state: changedState(before, drift), happenings: [...health.happenings, ...drift.happenings] };
}

const driftsOf = (report: ReportRow | undefined): readonly Drift[] => (report ? AssignmentReport.decode(report.value).drift : []);

async function placementsOn(trx: Trx, clusterIds: readonly number[]) {
  const rows = await trx
    .selectFrom('placements as p')
    .innerJoin('clusters as c', 'c.id', 'p.cluster_id')
    .innerJoin('apps as a', 'a.id', 'p.app_id')
    .innerJoin('tenants as t', 't.id', 'a.tenant_id')
    .innerJoin('targets as g', 'g.id', 'p.target_id')
    .innerJoin('environments as e', 'e.id', 'g.environment_id')
    .leftJoin('revisions as v', 'v.id', 'p.wanted_revision_id')
    .select(['p.id', 'p.cluster_id', 'p.namespace', 'p.mode', 'p.rollout_id', 'v.revision as wanted'])
    .select(['c.name as cluster', 'a.name as app', 't.name as tenant', 'e.name as environment'])
    .where('p.cluster_id', 'in', clusterIds)
    .execute();
  const reports = await trx.selectFrom('reports').selectAll().where('placement_id', 'in', placedOn(trx, clusterIds)).execute();
  const byId = new Map(reports.map((row) => [row.placement_id, row]));
  const dispatches = await dispatchesOf(
    trx,
    rows.map(({ id }) => id),
  );
  return rows.map((row) => ({ ...row, report: byId.get(row.id), dispatched: dispatches.get(row.id) }));
}
