import { AssignmentReport, type Drift } from '#proto/mod.ts';
import { bareHealth } from '#shared/kernel/mod.ts';
import { dispatchesOf, evidenceOf, reportedOf, type Dispatched, type Evidence } from '#hub/health/mod.ts';
import { waitOf } from '#hub/holds/mod.ts';
import { sql, type HoldRow, type PlacementRow, type Reader, type ReportRow } from '#hub/store/mod.ts';
import type { Placement } from '../schemas/moving.ts';
import { convergences, healths, type ChangedBy, type Convergence } from '../schemas/words.ts';
import { changesOf } from './changes.ts';
import { holdShown, holdsOfPlacements } from './holds.ts';
import { conditionsOf } from './conditions.ts';
import { convergenceAt, healthAt, judged } from './judged.ts';
import type { Moment } from './moments.ts';
import { time, timeOrNull, versioned } from './parts.ts';
import { within, type Ids, type Row, type View } from './view.ts';

interface PlacementViewRow
  extends Row, Pick<PlacementRow, 'cluster_id' | 'namespace' | 'state' | 'hold_reason' | 'mode' | 'rollout_id' | 'updated_at'> {
  readonly cluster: string;
  readonly facts: string;
  readonly app: string;
  readonly environment: string;
  readonly labels: string;
  readonly wanted: string | null;
  readonly digest: string | null;
  readonly alias: string | null;
  readonly rank: number;
  readonly step: number;
  /** Not of the SELECT: what people keep from it. */
  readonly holds?: readonly HoldRow[];
}

const select = (moment: Moment, ids?: Ids) => sql`
  SELECT p.id, p.uid, t.name AS tenant, c.name || '.' || a.name || '.' || p.namespace AS name, p.cluster_id, p.namespace, p.state, p.hold_reason, p.mode,
    p.rollout_id, p.updated_at, c.name AS cluster, c.facts, a.name AS app, e.name AS environment, c.labels, v.revision AS wanted, r.digest, r.alias,
    j.rank, j.step, p.app_id, p.target_id
  FROM (${judged(moment, within(sql`p.id`, ids))}) j
  JOIN placements p ON p.id = j.id
  JOIN clusters c ON c.id = p.cluster_id
  JOIN apps a ON a.id = p.app_id
  JOIN tenants t ON t.id = a.tenant_id
  JOIN targets g ON g.id = p.target_id
  JOIN environments e ON e.id = g.environment_id
  LEFT JOIN revisions v ON v.id = p.wanted_revision_id
  LEFT JOIN variants n ON n.id = p.wanted_variant_id
  LEFT JOIN releases r ON r.id = n.release_id`;

const stored = sql`
  SELECT p.id, p.uid, t.name AS tenant, c.name || '.' || a.name || '.' || p.namespace AS name, p.namespace, p.state, p.mode, p.updated_at,
    c.name AS cluster, a.name AS app, e.name AS environment, c.labels
  FROM placements p
  JOIN clusters c ON c.id = p.cluster_id
  JOIN apps a ON a.id = p.app_id
  JOIN tenants t ON t.id = a.tenant_id
  JOIN targets g ON g.id = p.target_id
  JOIN environments e ON e.id = g.environment_id`;
const storedColumns = [
  'id',
  'uid',
  'tenant',
  'name',
  'namespace',
  'state',
  'mode',
  'updated_at',
  'cluster',
  'app',
  'environment',
  'labels',
];

export const placements: View<PlacementViewRow> = {
  kind: 'Placement',
  plural: 'placements',
  tenanted: true,
  select,
  stored: { select: stored, columns: storedColumns },
  labels: 'labels',
  fields: {
    'metadata.name': { column: 'name' },
    'spec.cluster': { column: 'cluster' },
    'spec.app': { column: 'app' },
    'spec.environment': { column: 'environment' },
    'spec.namespace': { column: 'namespace' },
    'spec.mode': { column: 'mode' },
    'status.health': { column: 'rank', ranks: healths },
    'status.convergence': { column: 'step', ranks: convergences },
    'status.state': { column: 'state' },
  },
  sorts: {
    health: [
      ['rank', 'asc'],
      ['step', 'asc'],
      ['name', 'asc'],
    ],
    name: [
      ['tenant', 'asc'],
      ['name', 'asc'],
    ],
    changed: [['updated_at', 'desc']],
  },
  counts: ['status.health', 'status.convergence', 'status.state'],
  resources: async ({ read, moment }, rows) => placementsOf(read, moment, await withHolds(read, rows)),
};

async function withHolds(read: Reader, rows: readonly PlacementViewRow[]): Promise<PlacementViewRow[]> {
  const ids = rows.map(({ id }) => id);
  const holds = await holdsOfPlacements(read, ids);
  return rows.map((row) => ({ ...row, holds: holds.get(row.id) ?? [] }));
}

/** Who has suspended it says more than that it is. */
function messageOf({ app, holds = [] }: PlacementViewRow, { reason, message }: Evidence): string {
  const hold = holds.find(({ scope }) => scope === 'Placement' || scope === 'App');
  return reason === 'Suspended' && hold ? waitOf(hold, app).message : message;
}

async function placementsOf(read: Reader, moment: Moment, rows: readonly PlacementViewRow[]): Promise<Placement[]> {
  const ids = rows.map(({ id }) => id);
  const reports = await reportsOf(read, ids);
  const dispatches = await dispatchesOf(read, ids);
  const changes = await changesOf(
    read,
    rows.map(({ rollout_id }) => rollout_id),
  );
  return rows.map((row) =>
    placementOf(
      row,
      { report: reports.get(row.id), dispatched: dispatches.get(row.id) },
      row.rollout_id === null ? undefined : changes.get(row.rollout_id),
      moment,
    ),
  );
}

export async function reportsOf(read: Reader, ids: readonly number[]): Promise<ReadonlyMap<number, ReportRow>> {
  if (ids.length === 0) return new Map();
  const rows = await read.selectFrom('reports').selectAll().where('placement_id', 'in', ids).execute();
  return new Map(rows.map((row) => [row.placement_id, row]));
}

/**
 * The same evidence that the hub decides on. The report may be newer than what the row was found and counted by: bad news is told at once, good news by the
 * next look, or what is listed as Degraded would call itself Healthy.
 */
export function evidenceAt(
  row: Pick<PlacementViewRow, 'wanted' | 'mode' | 'cluster_id' | 'rank'>,
  report: ReportRow | undefined,
  dispatched: Dispatched | undefined,
  moment: Moment,
): Evidence {
  const wanted = { revision: row.wanted ?? '', mode: row.mode, dispatched };
  const evidence = evidenceOf(wanted, report && reportedOf(report), moment.contactOf(row.cluster_id), moment.timing);
  if (healths.indexOf(evidence.health) <= row.rank) return evidence;
  const health = healthAt(row.rank) as Evidence['health'];
  return { ...evidence, health, reason: 'Changing', message: `was ${health} a moment ago, is said to be ${evidence.health} since` };
}

/** By the same rule: what it runs and what is wanted may be newer. */
const convergenceOf = ({ step, wanted }: PlacementViewRow, { revisionApplied }: Evidence): Convergence =>
  convergenceAt(step) === 'Converged' && revisionApplied !== wanted ? 'NotReceived' : convergenceAt(step);

function placementOf(
  row: PlacementViewRow,
  { report: stored, dispatched }: { readonly report: ReportRow | undefined; readonly dispatched: Dispatched | undefined },
  changedBy: ChangedBy | undefined,
  moment: Moment,
): Placement {
  const evidence = evidenceAt(row, stored, dispatched, moment);
  const report = stored && AssignmentReport.decode(stored.value);
  const connection = moment.connectionOf(row.cluster_id, row.facts !== '{}');
  const vouchedAgeMs = vouchedAge(row.cluster_id, moment);
  const convergence = convergenceOf(row, evidence);
  const since = timeOrNull(sinceOf(row, stored, evidence, moment));
  const { health, reason } = evidence;
  const message = messageOf(row, evidence);
  return versioned({
    apiVersion: 'wheelhouse.dev/v1alpha1' as const,
    kind: 'Placement' as const,
    metadata: {
      tenant: row.tenant ?? '',
      name: row.name,
      uid: row.uid ?? '',
      creationTimestamp: time(row.updated_at),
      labels: JSON.parse(row.labels) as Record<string, string>,
    },
    spec: { cluster: row.cluster, app: row.app, environment: row.environment, namespace: row.namespace, mode: row.mode },
    status: {
      state: row.state,
      holdReason: row.hold_reason,
      holds: (row.holds ?? []).map(holdShown),
      connection: connection.state,
      connectionAgeMs: connection.ageMs,
      convergence,
      convergenceAgeMs: vouchedAgeMs,
      wanted: row.wanted,
      observed: evidence.revisionApplied || null,
      release: row.digest,
      releaseAlias: row.alias,
      health,
      healthAgeMs: vouchedAgeMs,
      reason,
      message,
      since,
      changedBy: changedBy ?? null,
      objects: report?.inventory?.objects ?? 0,
      unhealthy: (report?.objects ?? []).map((one) => ({
        object: one.object,
        health: bareHealth(one.health),
        reason: one.reason,
        message: one.message,
      })),
      drift: (report?.drift ?? []).map(driftOf),
      hops: report?.hops ?? {},
      conditions: conditionsOf({ connection: connection.state, convergence, health, reason, message, since }),
    },
  });
}

/** `DRIFT_STATE_CONTESTED` as `Contested`. */
const bare = <W extends string>(word: string, known: readonly W[]): W | 'Unknown' =>
  known.find((one) => word.endsWith(`_${one.toUpperCase()}`)) ?? 'Unknown';

const driftOf = (one: Drift): Placement['status']['drift'][number] => ({
  object: one.object,
  kind: bare(one.kind, ['Changed', 'Deleted', 'Replaced']),
  state: bare(one.state, ['Standing', 'Corrected', 'Contested']),
  fields: one.fields,
  manager: one.manager,
  operation: one.operation,
  subresource: one.subresource,
  changedAt: timeOrNull(one.changedAt?.getTime() ?? null),
  firstSeenAt: timeOrNull(one.firstSeenAt?.getTime() ?? null),
  lastSeenAt: timeOrNull(one.lastSeenAt?.getTime() ?? null),
  correctedAt: timeOrNull(one.correctedAt?.getTime() ?? null),
  seen: one.seen,
  corrections: one.corrections,
});

/** Since a beat vouched last, by the hub's monotonic clock; null: none has in this process's life. */
export function vouchedAge(clusterId: number, moment: Moment): number | null {
  const vouchedMs = moment.contactOf(clusterId)?.vouchedMs;
  return vouchedMs === undefined ? null : Math.max(0, Math.round(moment.timing.nowMs - vouchedMs));
}

const onTheWay: ReadonlySet<string> = new Set(['NotDispatched', 'NotPublished', 'NotReceived']);

/** When it became as it is, epoch milliseconds; null when this process cannot know. */
export function sinceOf(
  row: Pick<PlacementViewRow, 'cluster_id' | 'updated_at'>,
  stored: ReportRow | undefined,
  evidence: Evidence,
  moment: Moment,
): number | null {
  if (!evidence.vouched) {
    const ageMs = vouchedAge(row.cluster_id, moment);
    return ageMs === null ? null : moment.now - ageMs;
  }
  // Not taken up yet: since it was wanted. Else since the spoke first said so.
  if (!stored || onTheWay.has(evidence.reason)) return row.updated_at;
  return stored.since;
}
