import { AssignmentReport, type Hops, type ObjectReport } from '#proto/mod.ts';
import { bareHealth, type HealthState } from '#shared/kernel/mod.ts';
import { viewOf, type HealthService } from '#hub/health/mod.ts';
import type { ClusterRow, Reader, ReportRow } from '#hub/store/mod.ts';

/** How many of anything one answer holds at most. */
export const pageMax = 500;

export interface Page<T> {
  readonly items: readonly T[];
  /** Give it as `after` for the next page; null: this was the last. */
  readonly next: string | null;
}

export interface PlacementView {
  readonly uid: string;
  readonly tenant: string;
  readonly app: string;
  readonly environment: string;
  readonly namespace: string;
  readonly state: string;
  /** Digest of the release's index. */
  readonly release: string | null;
  readonly wanted: string | null;
  readonly observed: string | null;
  readonly health: HealthState;
  readonly reason: string;
  readonly message: string;
  /** Since the evidence was vouched for, milliseconds. */
  readonly ageMs: number;
  readonly objects: number;
  readonly hops: Hops;
  /** Not healthy ones, worst first, at most 20. */
  readonly unhealthy: readonly { object: string; health: HealthState; reason: string; message: string }[];
}

export interface ClusterView {
  readonly name: string;
  readonly uid: string | null;
  readonly state: ClusterRow['state'];
  readonly labels: Readonly<Record<string, string>>;
  readonly connection: 'Connected' | 'Disconnected' | 'NeverConnected';
  readonly ageMs: number | null;
  readonly fence: { readonly epoch: number; readonly generation: number } | null;
  readonly placements: readonly PlacementView[];
  /** The latest refusals, newest first, at most 5. */
  readonly refusals: readonly { code: string; message: string; at: string }[];
}

/** Clusters by name, each with its placements. Bounded; nothing here is proportional to the fleet. */
export async function clusterPage(read: Reader, health: HealthService, after: string, limit: number): Promise<Page<ClusterView>> {
  const rows = await read
    .selectFrom('clusters')
    .selectAll()
    .where('name', '>', after)
    .orderBy('name')
    .limit(limit + 1)
    .execute();
  const items: ClusterView[] = [];
  for (const row of rows.slice(0, limit)) items.push(await clusterView(read, health, row));
  return { items, next: rows.length > limit ? (items.at(-1)?.name ?? null) : null };
}

async function clusterView(read: Reader, health: HealthService, row: ClusterRow): Promise<ClusterView> {
  const fence = await read.selectFrom('desired').select(['epoch', 'generation']).where('cluster_id', '=', row.id).executeTakeFirst();
  const refusals = await read
    .selectFrom('refusals')
    .select(['code', 'message', 'at'])
    .where('cluster_id', '=', row.id)
    .orderBy('id', 'desc')
    .limit(5)
    .execute();
  const { state, ageMs } = health.connectionOf(row.id, row.uid !== null);
  return {
    name: row.name,
    uid: row.uid,
    state: row.state,
    labels: JSON.parse(row.labels) as Record<string, string>,
    connection: state,
    ageMs,
    fence: fence ?? null,
    placements: await placementViews(read, health, row.id),
    refusals: refusals.map(({ at, ...refusal }) => ({ ...refusal, at: new Date(at).toISOString() })),
  };
}

async function placementViews(read: Reader, health: HealthService, clusterId: number): Promise<PlacementView[]> {
  const rows = await read
    .selectFrom('placements')
    .innerJoin('apps', 'apps.id', 'placements.app_id')
    .innerJoin('tenants', 'tenants.id', 'apps.tenant_id')
    .innerJoin('targets', 'targets.id', 'placements.target_id')
    .innerJoin('environments', 'environments.id', 'targets.environment_id')
    .leftJoin('revisions', 'revisions.id', 'placements.wanted_revision_id')
    .leftJoin('variants', 'variants.id', 'placements.wanted_variant_id')
    .leftJoin('releases', 'releases.id', 'variants.release_id')
    .select(['placements.id', 'placements.uid', 'placements.namespace', 'placements.state', 'placements.hold_reason', 'placements.mode'])
    .select(['tenants.name as tenant', 'apps.name as app', 'environments.name as environment'])
    .select(['revisions.revision as wanted', 'releases.digest as release'])
    .where('placements.cluster_id', '=', clusterId)
    .orderBy('tenants.name')
    .orderBy('apps.name')
    .limit(pageMax)
    .execute();
  const reports = await read
    .selectFrom('reports')
    .innerJoin('placements', 'placements.id', 'reports.placement_id')
    .selectAll('reports')
    .where('placements.cluster_id', '=', clusterId)
    .limit(pageMax)
    .execute();
  const byPlacement = new Map(reports.map((report) => [report.placement_id, report]));
  return rows.map((row) => {
    const wanted = { revision: row.wanted ?? '', mode: row.mode };
    return placementView(row, byPlacement.get(row.id), (report) => viewOf(wanted, report, health.contactOf(clusterId), health.timing()));
  });
}

interface Placed {
  readonly uid: string;
  readonly tenant: string;
  readonly app: string;
  readonly environment: string;
  readonly namespace: string;
  readonly state: string;
  readonly wanted: string | null;
  readonly release: string | null;
}

function placementView(
  row: Placed,
  stored: ReportRow | undefined,
  judged: (report: ReportRow | undefined) => ReturnType<typeof viewOf>,
): PlacementView {
  const { health, revisionApplied, reason, message, ageMs, report } = judged(stored);
  const { uid, tenant, app, environment, namespace, state, release, wanted } = row;
  const { inventory, hops, objects }: Pick<AssignmentReport, 'inventory' | 'hops' | 'objects'> = report ?? {
    inventory: undefined,
    hops: undefined,
    objects: [],
  };
  const known = { uid, tenant, app, environment, namespace, state, release, wanted, observed: revisionApplied || null };
  return {
    ...known,
    health,
    reason,
    message,
    ageMs,
    objects: inventory?.objects ?? 0,
    hops: hops ?? {},
    unhealthy: objects.map(objectView),
  };
}

const objectView = ({ object, health, reason, message }: ObjectReport) => ({ object, health: bareHealth(health), reason, message });

export interface ReleaseView {
  readonly tenant: string;
  readonly app: string;
  readonly alias: string;
  readonly digest: string;
  readonly commit: string;
  readonly author: string;
  readonly createdAt: string;
}

/** Newest first. `after` is the id of the last one seen. */
export async function releasePage(read: Reader, after: number, limit: number): Promise<Page<ReleaseView>> {
  const rows = await read
    .selectFrom('releases')
    .innerJoin('apps', 'apps.id', 'releases.app_id')
    .innerJoin('tenants', 'tenants.id', 'apps.tenant_id')
    .innerJoin('commits', 'commits.id', 'releases.commit_id')
    .select([
      'releases.id',
      'tenants.name as tenant',
      'apps.name as app',
      'releases.alias',
      'releases.digest',
      'commits.commit',
      'commits.author',
    ])
    .select('releases.created_at')
    .where('releases.id', '<', after)
    .orderBy('releases.id', 'desc')
    .limit(limit + 1)
    .execute();
  const page = rows.slice(0, limit);
  const items = page.map(({ tenant, app, alias, digest, commit, author, created_at }) => {
    const createdAt = new Date(created_at).toISOString();
    return { tenant, app, alias, digest, commit, author, createdAt };
  });
  return { items, next: rows.length > limit ? String(page.at(-1)?.id) : null };
}

export interface TargetView {
  readonly tenant: string;
  readonly app: string;
  readonly environment: string;
  /** Digest of the release of the last rollout that Succeeded. */
  readonly current: string | null;
  readonly waiting: { readonly reason: string; readonly message: string } | null;
  readonly placements: number;
  readonly rollout: { readonly uid: string; readonly state: string; readonly reason: string; readonly message: string } | null;
  /** The last commit that was seen, when it did not become a release. */
  readonly commit: { readonly commit: string; readonly outcome: string; readonly message: string } | null;
}

/** What is promoted into what, and what each waits for. By id. */
export async function targetPage(read: Reader, after: number, limit: number): Promise<Page<TargetView>> {
  const rows = await read
    .selectFrom('targets')
    .innerJoin('apps', 'apps.id', 'targets.app_id')
    .innerJoin('tenants', 'tenants.id', 'apps.tenant_id')
    .innerJoin('environments', 'environments.id', 'targets.environment_id')
    .leftJoin('releases', 'releases.id', 'targets.current_release_id')
    .select(['targets.id', 'targets.app_id', 'targets.waiting_reason', 'targets.waiting_message', 'releases.digest as current'])
    .select(['tenants.name as tenant', 'apps.name as app', 'environments.name as environment'])
    .where('targets.id', '>', after)
    .orderBy('targets.id')
    .limit(limit + 1)
    .execute();
  const items: TargetView[] = [];
  for (const row of rows.slice(0, limit)) {
    const rollout = await read
      .selectFrom('rollouts')
      .select(['uid', 'state', 'reason', 'message'])
      .where('target_id', '=', row.id)
      .orderBy('id', 'desc')
      .limit(1)
      .executeTakeFirst();
    const { count } = await read
      .selectFrom('placements')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .where('target_id', '=', row.id)
      .executeTakeFirstOrThrow();
    const commit = await read
      .selectFrom('commits')
      .select(['commit', 'outcome', 'outcome_message as message'])
      .where('app_id', '=', row.app_id)
      .orderBy('id', 'desc')
      .limit(1)
      .executeTakeFirst();
    const { tenant, app, environment, current, waiting_reason: reason, waiting_message: message } = row;
    items.push({
      tenant,
      app,
      environment,
      current,
      waiting: reason ? { reason, message } : null,
      placements: count,
      rollout: rollout ?? null,
      commit: commit && commit.outcome !== 'Released' ? commit : null,
    });
  }
  return { items, next: rows.length > limit ? String(rows[limit - 1]?.id) : null };
}
