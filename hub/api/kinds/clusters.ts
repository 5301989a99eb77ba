import { silenceOf } from '#hub/health/mod.ts';
import { versionOf } from '#hub/declarations/mod.ts';
import { sql, type ClusterRow, type Reader } from '#hub/store/mod.ts';
import type { Cluster } from '../schemas/declared.ts';
import { connections, convergences, healths } from '../schemas/words.ts';
import { conditionsOf } from './conditions.ts';
import { holdsShown } from './holds.ts';
import { contacts, convergenceAt, healthAt, judged, silence, tallies, tallyOf, type TallyRow } from './judged.ts';
import type { Moment } from './moments.ts';
import { time, timeOrNull } from './parts.ts';
import { vouchedAge } from './placements.ts';
import { worstPlacements, type Worst } from './worst.ts';
import { within, type Ids, type Row, type View } from './view.ts';

interface ClusterViewRow extends Row, TallyRow, Omit<ClusterRow, 'id' | 'uid' | 'name'> {
  readonly connected: number;
}

/** Nothing vouches for it: Unknown, whatever its placements last said, and also when it has none. */
const select = (moment: Moment, ids?: Ids) => sql`
  SELECT c.*, NULL AS tenant, coalesce(g.total, 0) AS total, coalesce(g.degraded, 0) AS degraded, coalesce(g.unknown, 0) AS unknown,
    coalesce(g.progressing, 0) AS progressing, coalesce(g.suspended, 0) AS suspended, coalesce(g.healthy, 0) AS healthy,
    CASE WHEN ${silence(moment)} <> '' THEN ${sql.lit(healths.indexOf('Unknown'))} ELSE coalesce(g.rank, ${sql.lit(healths.indexOf('Empty'))}) END AS rank,
    coalesce(g.step, ${sql.lit(convergences.indexOf('Empty'))}) AS step,
    CASE WHEN k.live THEN ${sql.lit(connections.indexOf('Connected'))} WHEN k.cluster_id IS NOT NULL OR c.facts <> '{}'
      THEN ${sql.lit(connections.indexOf('Disconnected'))} ELSE ${sql.lit(connections.indexOf('NeverConnected'))} END AS connected
  FROM clusters c
  LEFT JOIN (${contacts(moment)}) k ON k.cluster_id = c.id
  LEFT JOIN (SELECT j.cluster_id, ${tallies} FROM (${judged(moment, within(sql`p.cluster_id`, ids))}) j GROUP BY j.cluster_id) g ON g.cluster_id = c.id
  WHERE ${within(sql`c.id`, ids)}`;

export const clusters: View<ClusterViewRow> = {
  kind: 'Cluster',
  plural: 'clusters',
  tenanted: false,
  select,
  stored: { select: sql`SELECT *, NULL AS tenant FROM clusters`, columns: ['id', 'uid', 'name', 'labels', 'state', 'created_at'] },
  labels: 'labels',
  fields: {
    'metadata.name': { column: 'name' },
    'status.health': { column: 'rank', ranks: healths },
    'status.connection': { column: 'connected', ranks: connections },
    'status.convergence': { column: 'step', ranks: convergences },
    'status.state': { column: 'state' },
  },
  sorts: {
    health: [
      ['rank', 'asc'],
      ['connected', 'asc'],
      ['name', 'asc'],
    ],
    name: [['name', 'asc']],
    created: [['created_at', 'desc']],
    connection: [
      ['connected', 'asc'],
      ['name', 'asc'],
    ],
  },
  counts: ['status.health', 'status.connection', 'status.state'],
  resources: async ({ read, moment }, rows) => {
    const ids = rows.map(({ id }) => id);
    const details = {
      fences: await fencesOf(read, ids),
      holds: await holdsShown(read, 'Cluster', ids),
      refusals: await refusalsOf(read, ids),
      worst: await worstPlacements(read, moment, ids),
    };
    return rows.map((row) => clusterOf(row, moment, details));
  },
};

interface Details {
  readonly holds: Awaited<ReturnType<typeof holdsShown>>;
  readonly fences: ReadonlyMap<number, { epoch: number; generation: number }>;
  readonly refusals: ReadonlyMap<number, Cluster['status']['refusals']>;
  readonly worst: ReadonlyMap<number, Worst>;
}

function clusterOf(row: ClusterViewRow, moment: Moment, { fences, holds, refusals, worst }: Details): Cluster {
  const connection = moment.connectionOf(row.id, row.facts !== '{}');
  const vouchedAgeMs = vouchedAge(row.id, moment);
  const labels = JSON.parse(row.labels) as Record<string, string>;
  const trouble = troubleOf(row, moment, vouchedAgeMs, worst.get(row.id));
  const health = healthAt(row.rank);
  const convergence = convergenceAt(row.step);
  const state = { connection: connection.state, convergence, health, ...trouble };
  return {
    apiVersion: 'wheelhouse.dev/v1alpha1',
    kind: 'Cluster',
    metadata: {
      name: row.name,
      uid: row.uid,
      resourceVersion: versionOf(row),
      generation: row.generation,
      creationTimestamp: time(row.created_at),
      labels,
    },
    spec: { labels, parameters: JSON.parse(row.parameters) as Record<string, string> },
    status: {
      uid: row.uid,
      state: row.state,
      connection: connection.state,
      connectionAgeMs: connection.ageMs,
      convergence,
      convergenceAgeMs: vouchedAgeMs,
      health,
      healthAgeMs: vouchedAgeMs,
      ...trouble,
      placements: tallyOf(row),
      frozen: holds.get(row.id) ?? null,
      fence: fences.get(row.id) ?? null,
      facts: factsOf(row.facts),
      refusals: [...(refusals.get(row.id) ?? [])],
      conditions: conditionsOf(state),
      manager: row.manager,
    },
  };
}

type Trouble = Pick<Cluster['status'], 'reason' | 'message' | 'since' | 'changedBy'>;

const notEnrolled: Readonly<Record<string, string>> = {
  Declared: 'no agent has used a join token yet',
  Pending: 'an agent has asked and waits to be accepted',
  Revoked: 'its identity has been revoked',
};

/** Why it is as it is: contact first, because without it nothing else is known; then the worst of its placements. */
function troubleOf(row: ClusterViewRow, moment: Moment, vouchedAgeMs: number | null, worst: Worst | undefined): Trouble {
  if (row.state !== 'Accepted')
    return {
      reason: `Not${row.state === 'Revoked' ? 'Trusted' : 'Enrolled'}`,
      message: notEnrolled[row.state] ?? '',
      since: time(row.updated_at),
      changedBy: null,
    };
  const contact = moment.contactOf(row.id);
  const silence = silenceOf(contact, moment.timing);
  if (silence) {
    const message = contact?.doubtMessage || silenceMessage(silence, vouchedAgeMs);
    return {
      reason: silence,
      message,
      since: timeOrNull(vouchedAgeMs === null ? null : moment.now - vouchedAgeMs),
      changedBy: worst?.changedBy ?? null,
    };
  }
  if (row.total === 0) return { reason: 'NothingPlaced', message: 'no app is placed here', since: null, changedBy: null };
  if (!worst || healthAt(row.rank) === 'Healthy') return { reason: 'Healthy', message: '', since: null, changedBy: null };
  return { reason: worst.reason, message: `${worst.app}: ${worst.message}`, since: worst.since, changedBy: worst.changedBy };
}

const silenceMessage = (silence: string, ageMs: number | null): string =>
  ageMs === null
    ? `${silence}: not heard since the hub started`
    : `${silence}: nothing has vouched for it for ${Math.round(ageMs / 1000)} s`;

function factsOf(text: string): Cluster['status']['facts'] {
  const facts = JSON.parse(text) as Partial<Cluster['status']['facts']>;
  return {
    kubernetesVersion: facts.kubernetesVersion ?? '',
    nodes: facts.nodes ?? 0,
    spokeVersion: facts.spokeVersion ?? '',
    labels: facts.labels ?? {},
  };
}

async function fencesOf(read: Reader, ids: readonly number[]): Promise<Details['fences']> {
  if (ids.length === 0) return new Map();
  const rows = await read.selectFrom('desired').select(['cluster_id', 'epoch', 'generation']).where('cluster_id', 'in', ids).execute();
  return new Map(rows.map(({ cluster_id, epoch, generation }) => [cluster_id, { epoch, generation }]));
}

const refusalsMax = 5;

async function refusalsOf(read: Reader, ids: readonly number[]): Promise<Details['refusals']> {
  if (ids.length === 0) return new Map();
  const rows = await read
    .selectFrom('refusals')
    .select(['cluster_id', 'code', 'message', 'at'])
    .select(sql<number>`row_number() OVER (PARTITION BY cluster_id ORDER BY id DESC)`.as('place'))
    .where('cluster_id', 'in', ids)
    .orderBy('id', 'desc')
    .execute();
  const recent = rows.filter(({ place }) => place <= refusalsMax);
  const grouped = Map.groupBy(recent, ({ cluster_id }) => cluster_id);
  return new Map([...grouped].map(([id, all]) => [id, all.map(({ code, message, at }) => ({ code, message, at: time(at) }))]));
}
