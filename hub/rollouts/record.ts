import { dispatchesOf, evidenceOf, reportedOf, silenceOf, type Dispatched, type Timing, type Watch } from '#hub/health/mod.ts';
import { holdOf, holdsOf, waitOf } from '#hub/holds/mod.ts';
import type { HoldRow, PlacementRow, RolloutClusterRow, RolloutRow, TargetRow, Trx } from '#hub/store/mod.ts';
import { isCarried, recount, type Counters, type Situation, type Subject, type Wait } from './model.ts';

export interface Loaded {
  readonly situation: Omit<Situation, 'now'>;
  /** Whose app it is of. */
  readonly tenant: string;
  readonly target: TargetRow;
  /** Of the subjects, to be moved. */
  readonly placements: ReadonlyMap<number, PlacementRow>;
  /** All targets of the app: who may go on when this rollout ends. */
  readonly siblings: readonly number[];
  /** Ids of events that are one too many, oldest first. */
  readonly oldEvents: readonly number[];
  /** Some cluster of any wave was changed by this rollout and succeeded. */
  readonly exercised: boolean;
}

const pageSize = 500;
const changedMax = 1_000;
const passedOverMax = 4;
/** Kept of a rollout: a cluster that goes back and forth for weeks pushes out the oldest. */
const eventsMax = 2_000;

/** The few rows that a step of this rollout is decided on. */
export async function loadRollout(trx: Trx, rolloutId: number, watch: Watch): Promise<Loaded | undefined> {
  const rollout = await trx.selectFrom('rollouts').selectAll().where('id', '=', rolloutId).executeTakeFirst();
  if (!rollout || rollout.finished_at !== null) return undefined;
  const target = await trx.selectFrom('targets').selectAll().where('id', '=', rollout.target_id).executeTakeFirstOrThrow();
  const siblings = await trx.selectFrom('targets').select('id').where('app_id', '=', target.app_id).execute();
  const { tenant } = await trx
    .selectFrom('apps')
    .innerJoin('tenants', 'tenants.id', 'apps.tenant_id')
    .select('tenants.name as tenant')
    .where('apps.id', '=', target.app_id)
    .executeTakeFirstOrThrow();
  const timing = watch.timing();
  const { ids, passedOver } = await nextOf(trx, rollout, watch, timing);
  const back = await returningOf(trx, rollout);
  const [changed, candidates] = [await changedOf(trx, rollout), await rowsOf(trx, rollout.id, [...ids, ...back])];
  const toSubject = (row: SubjectRow): Subject => subjectOf(row, watch, timing);
  return {
    situation: {
      rollout,
      counters: await countersOf(trx, rollout),
      changed: changed.rows.map(toSubject),
      more: changed.more,
      candidates: inOrder(candidates.map(toSubject)),
      passedOver,
      superseded: await hasNewer(trx, rollout),
      hold: await holdOver(trx, rollout, target),
      settling: timing.settling,
      recordBehind: watch.recordBehind !== undefined,
    },
    tenant,
    target,
    placements: new Map([...changed.rows, ...candidates].map(({ placement }) => [placement.id, placement])),
    siblings: siblings.map(({ id }) => id),
    oldEvents: await oldEventsOf(trx, rollout),
    exercised: await hasSucceeded(trx, rollout),
  };
}

const inOrder = (subjects: readonly Subject[]): Subject[] =>
  subjects.toSorted((a, b) => Number(isCarried(b.row)) - Number(isCarried(a.row)) || a.row.placement_id - b.row.placement_id);

/** Who has stopped this rollout, or all of its environment, or the fleet: the nearest first. */
async function holdOver(trx: Trx, rollout: RolloutRow, { environment_id: environmentId }: TargetRow): Promise<Wait | undefined> {
  const own = await holdOf(trx, 'Rollout', rollout.id);
  if (own) return waitOf(own, rollout.uid);
  const environment = await holdOf(trx, 'Environment', environmentId);
  if (environment) {
    const { name } = await trx.selectFrom('environments').select('name').where('id', '=', environmentId).executeTakeFirstOrThrow();
    return waitOf(environment, name);
  }
  const fleet = await holdOf(trx, 'Fleet', 0);
  return fleet && waitOf(fleet, 'fleet');
}

/** Left out before, and neither frozen nor suspended any more; as many as are looked at in one go. */
async function returningOf(trx: Trx, rollout: RolloutRow): Promise<number[]> {
  const rows = await trx
    .selectFrom('rollout_clusters as rc')
    .innerJoin('placements as p', 'p.id', 'rc.placement_id')
    .leftJoin('holds as h', (join) => join.onRef('h.subject_id', '=', 'rc.cluster_id').on('h.scope', '=', 'Cluster'))
    .select('rc.placement_id')
    .where('rc.rollout_id', '=', rollout.id)
    .where('rc.wave', '=', rollout.wave)
    .where('rc.state', '=', 'Skipped')
    .where('p.mode', '=', 'Enforce')
    .where('h.scope', 'is', null)
    .orderBy('rc.placement_id')
    .limit(pageSize)
    .execute();
  return rows.map(({ placement_id }) => placement_id);
}

async function hasNewer(trx: Trx, rollout: RolloutRow): Promise<boolean> {
  const query = trx.selectFrom('rollouts').select('id').where('target_id', '=', rollout.target_id).where('id', '>', rollout.id);
  return (await query.limit(1).executeTakeFirst()) !== undefined;
}

async function oldEventsOf(trx: Trx, rollout: RolloutRow): Promise<number[]> {
  const query = trx.selectFrom('rollout_events').select('id').where('rollout_id', '=', rollout.id).orderBy('id', 'desc');
  return (await query.offset(eventsMax).limit(pageSize).execute()).map(({ id }) => id);
}

async function hasSucceeded(trx: Trx, rollout: RolloutRow): Promise<boolean> {
  const query = trx.selectFrom('rollout_clusters').select('placement_id').where('rollout_id', '=', rollout.id);
  return (await query.where('state', '=', 'Succeeded').limit(1).executeTakeFirst()) !== undefined;
}

/** Counted by the database over the index; the states of carried rows apart. */
async function countersOf(trx: Trx, rollout: RolloutRow): Promise<Counters> {
  const rows = await trx
    .selectFrom('rollout_clusters')
    .select(({ fn }) => ['state', fn.countAll<number>().as('clusters'), fn.count<number>('started_at').as('begun')])
    .where('rollout_id', '=', rollout.id)
    .where('wave', '=', rollout.wave)
    .groupBy('state')
    .execute();
  const of = (state: RolloutClusterRow['state']): { clusters: number; begun: number } =>
    rows.find((row) => row.state === state) ?? { clusters: 0, begun: 0 };
  return {
    ...recount([]),
    waiting: of('Waiting').clusters,
    carried: of('Waiting').begun,
    started: of('Started').clusters,
    degraded: of('Degraded').clusters,
    unreachable: of('Unreachable').clusters,
    succeeded: of('Succeeded').clusters,
    unchanged: of('Unchanged').clusters,
    skipped: of('Skipped').clusters,
  };
}

/**
 * Who could start next: all carried clusters (while they wait, nobody else may find a free place), then those that need no touch and as many as the limit from
 * which a beat vouches. Silent ones are passed over, page by page, so that a thousand dead clusters at the front do not hide the living ones.
 */
async function nextOf(trx: Trx, rollout: RolloutRow, watch: Watch, timing: Timing): Promise<{ ids: number[]; passedOver: string[] }> {
  const ids: number[] = [];
  const passedOver: string[] = [];
  /** Whether a free place would be filled by it. */
  const take = (row: WaitingRow): boolean => {
    const leftOut = row.frozen !== null || row.mode !== 'Enforce';
    const idle = leftOut || row.state === 'Held' || row.wanted_revision_id === row.to_revision_id;
    const silence = silenceOf(watch.contactOf(row.cluster_id), timing);
    const vouched = silence === undefined;
    if (idle || vouched) ids.push(row.placement_id);
    // Whose reports are on their way is heard well enough, and will be ready in a moment.
    else if (silence !== 'ReportsOutOfDate' && passedOver.length < passedOverMax) passedOver.push(row.name);
    return vouched && !idle;
  };
  for (const row of await waitingRows(trx, rollout, 'is not', 0)) take(row);
  let after = 0;
  for (let found = 0; found < rollout.max_concurrent && ids.length < changedMax;) {
    const rows = await waitingRows(trx, rollout, 'is', after);
    for (const row of rows) {
      after = row.placement_id;
      if (take(row)) found++;
      if (found >= rollout.max_concurrent) break;
    }
    if (rows.length < pageSize) break;
  }
  return { ids, passedOver };
}

type WaitingRow = Awaited<ReturnType<typeof waitingRows>>[number];

/** A page of waiting clusters: carried ones (`is not`: they have been started), or the others. */
const waitingRows = (trx: Trx, rollout: RolloutRow, startedAt: 'is' | 'is not', after: number) =>
  trx
    .selectFrom('rollout_clusters as rc')
    .innerJoin('placements as p', 'p.id', 'rc.placement_id')
    .innerJoin('clusters as c', 'c.id', 'rc.cluster_id')
    .leftJoin('holds as h', (join) => join.onRef('h.subject_id', '=', 'rc.cluster_id').on('h.scope', '=', 'Cluster'))
    .select(['rc.placement_id', 'rc.cluster_id', 'rc.to_revision_id', 'p.wanted_revision_id', 'p.state', 'p.mode', 'c.name'])
    .select('h.subject_id as frozen')
    .where('rc.rollout_id', '=', rollout.id)
    .where('rc.wave', '=', rollout.wave)
    .where('rc.state', '=', 'Waiting')
    .where('rc.started_at', startedAt, null)
    .where('rc.placement_id', '>', after)
    .orderBy('rc.placement_id')
    .limit(pageSize)
    .execute();

/** Started ones, and succeeded ones of which the last report is not good any more. */
async function changedOf(trx: Trx, rollout: RolloutRow): Promise<{ rows: SubjectRow[]; more: boolean }> {
  const inFlight = await trx
    .selectFrom('rollout_clusters')
    .select('placement_id')
    .where('rollout_id', '=', rollout.id)
    .where('wave', '=', rollout.wave)
    .where('state', 'in', ['Started', 'Degraded', 'Unreachable'])
    .orderBy('placement_id')
    .limit(changedMax)
    .execute();
  const relapsed = await trx
    .selectFrom('rollout_clusters as rc')
    .innerJoin('reports as r', 'r.placement_id', 'rc.placement_id')
    .select('rc.placement_id')
    .where('rc.rollout_id', '=', rollout.id)
    .where('rc.wave', '=', rollout.wave)
    .where('rc.state', '=', 'Succeeded')
    .where('r.health', '=', 'Degraded')
    .limit(changedMax)
    .execute();
  const ids = [...inFlight, ...relapsed].map(({ placement_id }) => placement_id);
  return { rows: await rowsOf(trx, rollout.id, ids), more: inFlight.length === changedMax || relapsed.length === changedMax };
}

interface SubjectRow {
  readonly row: RolloutClusterRow;
  readonly placement: PlacementRow;
  readonly clusterName: string;
  readonly revision: string;
  readonly leftOut: Wait | undefined;
  readonly report: Parameters<typeof reportedOf>[0] | undefined;
  readonly dispatched: Dispatched | undefined;
}

async function rowsOf(trx: Trx, rolloutId: number, placementIds: readonly number[]): Promise<SubjectRow[]> {
  const all: SubjectRow[] = [];
  for (let from = 0; from < placementIds.length; from += pageSize) {
    const ids = placementIds.slice(from, from + pageSize);
    const rows = await trx
      .selectFrom('rollout_clusters')
      .selectAll()
      .where('rollout_id', '=', rolloutId)
      .where('placement_id', 'in', ids)
      .execute();
    const placements = await trx.selectFrom('placements').selectAll().where('id', 'in', ids).execute();
    const dispatches = await dispatchesOf(trx, ids);
    const reports = await trx
      .selectFrom('reports')
      .select(['placement_id', 'revision_wanted', 'revision_applied', 'health', 'reason', 'message', 'received_at'])
      .where('placement_id', 'in', ids)
      .execute();
    const clusterIds = [...new Set(rows.map((row) => row.cluster_id))];
    const holds = await holdsAbout(trx, placements, clusterIds);
    const clusters = await trx.selectFrom('clusters').select(['id', 'name']).where('id', 'in', clusterIds).execute();
    const revisionIds = [...new Set(rows.map((row) => row.to_revision_id))];
    const revisions = await trx.selectFrom('revisions').select(['id', 'revision']).where('id', 'in', revisionIds).execute();
    const by = <T, K>(list: readonly T[], key: (item: T) => K): Map<K, T> => new Map(list.map((item) => [key(item), item]));
    const [placementOf, reportOf] = [by(placements, (p) => p.id), by(reports, (r) => r.placement_id)];
    const [nameOf, revisionOf] = [by(clusters, (c) => c.id), by(revisions, (r) => r.id)];
    for (const row of rows) {
      const placement = placementOf.get(row.placement_id);
      if (!placement) continue;
      const clusterName = nameOf.get(row.cluster_id)?.name ?? String(row.cluster_id);
      all.push({
        row,
        placement,
        clusterName,
        leftOut: leftOutOf(placement, clusterName, holds),
        revision: revisionOf.get(row.to_revision_id)?.revision ?? '',
        report: reportOf.get(row.placement_id),
        dispatched: dispatches.get(row.placement_id),
      });
    }
  }
  return all;
}

interface HoldsAbout {
  readonly clusters: ReadonlyMap<number, HoldRow>;
  readonly placements: ReadonlyMap<number, HoldRow>;
  readonly apps: ReadonlyMap<number, HoldRow>;
  readonly appName: string;
}

async function holdsAbout(trx: Trx, placements: readonly PlacementRow[], clusterIds: readonly number[]): Promise<HoldsAbout> {
  const appIds = [...new Set(placements.map(({ app_id }) => app_id))];
  const apps = await holdsOf(trx, 'App', appIds);
  const [appId] = apps.keys();
  const app = appId === undefined ? undefined : await trx.selectFrom('apps').select('name').where('id', '=', appId).executeTakeFirst();
  const ids = placements.map(({ id }) => id);
  return {
    clusters: await holdsOf(trx, 'Cluster', clusterIds),
    placements: await holdsOf(trx, 'Placement', ids),
    apps,
    appName: app?.name ?? '',
  };
}

function leftOutOf({ id, app_id, cluster_id, mode }: PlacementRow, clusterName: string, holds: HoldsAbout): Wait | undefined {
  const frozen = holds.clusters.get(cluster_id);
  if (frozen) return waitOf(frozen, clusterName);
  if (mode === 'Enforce') return undefined;
  const [own, app] = [holds.placements.get(id), holds.apps.get(app_id)];
  if (own) return waitOf(own, '');
  return app ? waitOf(app, holds.appName) : { reason: mode, message: `its mode is ${mode}` };
}

function subjectOf(
  { row, placement, clusterName, revision, leftOut, report, dispatched }: SubjectRow,
  watch: Watch,
  timing: Timing,
): Subject {
  const contact = watch.contactOf(row.cluster_id);
  return {
    row,
    clusterName,
    placementState: placement.state,
    leftOut,
    wantedRevisionId: placement.wanted_revision_id,
    evidence: evidenceOf({ revision, mode: placement.mode, dispatched }, report && reportedOf(report), contact, timing),
  };
}
