import { sql, type Reader } from '#hub/store/mod.ts';
import type { FleetStatus, WorstThing } from '../schemas/answers.ts';
import type { Cluster } from '../schemas/declared.ts';
import type { Placement, Rollout } from '../schemas/moving.ts';
import { connections, healths, type ConnectionState, type Health, type Tally } from '../schemas/words.ts';
import { clusters } from './clusters.ts';
import { holdCountsOf } from './holds.ts';
import { healthAt, judged, tallies, type TallyRow } from './judged.ts';
import { keeping } from './kept.ts';
import type { Moment } from './moments.ts';
import { time } from './parts.ts';
import { placements } from './placements.ts';
import { rollouts } from './rollouts.ts';
import type { Ids, Resource, Row, View } from './view.ts';

const worstMax = 20;
const rolloutsMax = 20;
const environmentsMax = 100;

interface Context {
  readonly read: Reader;
  readonly moment: Moment;
}

/** The fleet in one bounded answer: how many of what, what is worst, what is moving. Every placement is judged once; the rest is counting. */
export const fleetStatusOf = (read: Reader, moment: Moment, recordBehind: string | null): Promise<FleetStatus> =>
  keeping(read, moment, (kept) => counted({ read, moment: kept }, recordBehind));

async function counted(context: Context, recordBehind: string | null): Promise<FleetStatus> {
  const { read, moment } = context;
  const targets = await talliesOf(context);
  const contacts = await contactsOf(context);
  return {
    apiVersion: 'wheelhouse.dev/v1alpha1',
    kind: 'FleetStatus',
    observedAt: time(moment.now),
    settling: moment.timing.settling,
    recordBehind,
    health: worstOf([...targets.map(({ rank }) => rank), ...contacts.map(({ rank }) => rank)]),
    clusters: {
      total: contacts.length,
      connection: countsOf(
        connections,
        contacts.map(({ connection }) => connection),
      ),
      health: countsOf(
        healths,
        contacts.map(({ rank }) => healthAt(rank)),
      ),
      state: countsOf(
        ['Accepted'],
        contacts.map(({ state }) => state),
      ),
    },
    placements: summed(targets),
    holds: await holdCountsOf(read),
    targets: await targetsOf(read),
    environments: await environmentsOf(read, targets),
    worst: await worstThings(context, contacts),
    rollouts: await running(context),
  };
}

type TargetTally = TallyRow & { readonly target_id: number };

const talliesOf = async ({ read, moment }: Context): Promise<TargetTally[]> =>
  (await sql<TargetTally>`SELECT j.target_id, ${tallies} FROM (${judged(moment)}) j GROUP BY j.target_id`.execute(read)).rows;

const worstOf = (ranks: readonly number[]): Health =>
  healthAt(ranks.reduce((worst, rank) => Math.min(worst, rank), healths.indexOf('Empty')));

function countsOf<W extends string>(words: readonly W[], found: readonly W[]): Record<W, number> {
  const counts = Object.fromEntries(words.map((word) => [word, 0])) as Record<W, number>;
  for (const word of found) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}

function summed(rows: readonly TallyRow[]): Tally {
  const sum = (of: (row: TallyRow) => number): number => rows.reduce((all, row) => all + of(row), 0);
  return {
    total: sum(({ total }) => total),
    degraded: sum(({ degraded }) => degraded),
    unknown: sum(({ unknown }) => unknown),
    progressing: sum(({ progressing }) => progressing),
    suspended: sum(({ suspended }) => suspended),
    healthy: sum(({ healthy }) => healthy),
  };
}

interface ClusterContact {
  readonly id: number;
  readonly state: string;
  readonly connection: ConnectionState;
  readonly rank: number;
}

/** Every cluster in the order of names, judged as the list of clusters judges it. */
async function contactsOf({ read, moment }: Context): Promise<ClusterContact[]> {
  const found = await sql<{ id: number; rank: number }>`
    SELECT j.cluster_id AS id, min(j.rank) AS rank FROM (${judged(moment)}) j GROUP BY j.cluster_id`.execute(read);
  const worst = new Map(found.rows.map(({ id, rank }) => [id, rank]));
  const rows = await read
    .selectFrom('clusters')
    .select(['id', 'state'])
    .select((eb) => eb('facts', '<>', '{}').as('ever'))
    .orderBy('name')
    .execute();
  return rows.map(({ id, state, ever }) => {
    const { state: connection } = moment.connectionOf(id, Boolean(ever));
    const rank = moment.isSilent(id) ? healths.indexOf('Unknown') : (worst.get(id) ?? healths.indexOf('Empty'));
    return { id, state, connection, rank };
  });
}

async function targetsOf(read: Reader): Promise<FleetStatus['targets']> {
  const rows = await read
    .selectFrom('targets')
    .select('waiting_reason')
    .select(({ fn }) => fn.countAll<number>().as('n'))
    .groupBy('waiting_reason')
    .execute();
  const waiting = Object.fromEntries(rows.flatMap(({ waiting_reason, n }) => (waiting_reason === '' ? [] : [[waiting_reason, n]])));
  return { total: rows.reduce((sum, { n }) => sum + n, 0), waiting };
}

/** Worst first, at most 100. */
async function environmentsOf(read: Reader, all: readonly TargetTally[]): Promise<FleetStatus['environments']> {
  const targets = await read.selectFrom('targets').select(['id', 'environment_id']).execute();
  const owner = new Map(targets.map(({ id, environment_id }) => [id, environment_id]));
  const byEnvironment = Map.groupBy(all, ({ target_id }) => owner.get(target_id) ?? 0);
  const rows = await read
    .selectFrom('environments')
    .innerJoin('tenants', 'tenants.id', 'environments.tenant_id')
    .select(['environments.id', 'environments.name', 'tenants.name as tenant'])
    .orderBy('tenants.name')
    .orderBy('environments.id')
    .execute();
  const judgedRows = rows.map(({ id, name, tenant }) => {
    const placed = byEnvironment.get(id) ?? [];
    return { tenant, name, health: worstOf(placed.map(({ rank }) => rank)), placements: summed(placed) };
  });
  return judgedRows.toSorted((a, b) => healths.indexOf(a.health) - healths.indexOf(b.health)).slice(0, environmentsMax);
}

/** Degraded placements first; then clusters that nobody vouches for, in place of their many placements; then what is on its way. */
async function worstThings(context: Context, contacts: readonly ClusterContact[]): Promise<WorstThing[]> {
  const degraded = await resourcesOf(placements, await placedAt(context, 'Degraded', worstMax), context);
  const silent = contacts.filter(({ rank }) => healthAt(rank) === 'Unknown').slice(0, worstMax - degraded.length);
  const unknown = await resourcesOf(
    clusters,
    silent.map(({ id }) => id),
    context,
  );
  const left = worstMax - degraded.length - unknown.length;
  const moving = await resourcesOf(placements, await placedAt(context, 'Progressing', left), context);
  return ([...degraded, ...unknown, ...moving] as (Placement | Cluster)[]).map(worstThing);
}

async function placedAt({ read, moment }: Context, health: Health, max: number): Promise<Ids> {
  const { rows } = await sql<{ id: number }>`
    SELECT j.id FROM (${judged(moment)}) j WHERE j.rank = ${healths.indexOf(health)} ORDER BY j.id LIMIT ${max}`.execute(read);
  return rows.map(({ id }) => id);
}

async function resourcesOf<R extends Row>(view: View<R>, ids: Ids, { read, moment }: Context): Promise<readonly Resource[]> {
  if (ids.length === 0) return [];
  const { rows } = await sql<R>`SELECT * FROM (${view.select(moment, ids)}) ORDER BY name, id`.execute(read);
  return view.resources({ read, moment }, rows);
}

const worstThing = ({ kind, metadata, status }: Placement | Cluster): WorstThing => ({
  kind,
  tenant: 'tenant' in metadata ? metadata.tenant : null,
  name: metadata.name,
  health: status.health,
  reason: status.reason,
  message: status.message,
  since: status.since,
  ageMs: status.healthAgeMs,
  changedBy: status.changedBy,
});

async function running({ read, moment }: Context): Promise<Rollout[]> {
  const rows = await read
    .selectFrom('rollouts')
    .select('id')
    .where('finished_at', 'is', null)
    .orderBy('id', 'desc')
    .limit(rolloutsMax)
    .execute();
  const found = await resourcesOf(
    rollouts,
    rows.map(({ id }) => id),
    { read, moment },
  );
  return [...found] as Resource[] as Rollout[];
}
