import { sql, type Reader } from '#hub/store/mod.ts';
import type { Cluster } from '../schemas/declared.ts';
import type { FleetStatus, WorstThing } from '../schemas/answers.ts';
import type { Placement, Rollout } from '../schemas/moving.ts';
import { clusters } from './clusters.ts';
import { environments } from './declared.ts';
import { healthAt, judged, tallies, tallyOf, type TallyRow } from './judged.ts';
import type { Moment } from './moments.ts';
import { time } from './parts.ts';
import { placements } from './placements.ts';
import { rollouts } from './rollouts.ts';
import { connections, healths } from '../schemas/words.ts';
import type { Row, View } from './view.ts';

const worstMax = 20;
const rolloutsMax = 20;
const environmentsMax = 100;

interface Trouble {
  readonly settling: boolean;
  readonly recordBehind: string | null;
}

/** The fleet in one bounded answer: how many of what, what is worst, what is moving. */
export async function fleetStatusOf(read: Reader, moment: Moment, trouble: Trouble): Promise<FleetStatus> {
  const context = { read, moment };
  const [tally] = (await sql<TallyRow>`SELECT ${tallies} FROM (${judged(moment)}) j`.execute(read)).rows;
  const groups = (
    await sql<Group>`SELECT count(*) AS n, rank, connected, state FROM (${clusters.select(moment)}) GROUP BY rank, connected, state`.execute(
      read,
    )
  ).rows;
  const sum = (of: (group: Group) => string, all: readonly string[] = []): Record<string, number> => {
    const counts: Record<string, number> = Object.fromEntries(all.map((word) => [word, 0]));
    for (const group of groups) counts[of(group)] = (counts[of(group)] ?? 0) + group.n;
    return counts;
  };
  const stages = await page(environments, 'rank, step, tenant_order, name', sql`1 = 1`, environmentsMax, context);
  return {
    apiVersion: 'wheelhouse.dev/v1alpha1',
    kind: 'FleetStatus',
    observedAt: time(moment.now),
    ...trouble,
    health: healthAt(Math.min(tally?.rank ?? 5, ...groups.map(({ rank }) => rank))),
    clusters: {
      total: groups.reduce((total, { n }) => total + n, 0),
      connection: sum(({ connected }) => connections[connected] ?? '', connections),
      health: sum(({ rank }) => healthAt(rank), healths),
      state: sum(({ state }) => state),
    },
    placements: tallyOf(tally ?? ({} as TallyRow)),
    targets: await targetCounts(read),
    environments: stages.map((row) => ({ tenant: row.tenant ?? '', name: row.name, health: healthAt(row.rank), placements: tallyOf(row) })),
    worst: await worstOf(context),
    rollouts: (await rollouts.resources(
      context,
      await page(rollouts, 'id DESC', sql`ended = 0`, rolloutsMax, context),
    )) as readonly Rollout[] as Rollout[],
  };
}

interface Group {
  readonly n: number;
  readonly rank: number;
  readonly connected: number;
  readonly state: string;
}

async function page<R extends Row>(
  view: View<R>,
  order: string,
  where: ReturnType<typeof sql>,
  limit: number,
  { read, moment }: { read: Reader; moment: Moment },
): Promise<R[]> {
  const { rows } =
    await sql<R>`SELECT * FROM (${view.select(moment)}) WHERE ${where} ORDER BY ${sql.raw(order)} LIMIT ${sql.lit(limit)}`.execute(read);
  return rows;
}

async function targetCounts(read: Reader): Promise<FleetStatus['targets']> {
  const rows = await read
    .selectFrom('targets')
    .select('waiting_reason')
    .select(({ fn }) => fn.countAll<number>().as('n'))
    .groupBy('waiting_reason')
    .execute();
  const waiting = Object.fromEntries(rows.flatMap(({ waiting_reason, n }) => (waiting_reason === '' ? [] : [[waiting_reason, n]])));
  return { total: rows.reduce((sum, { n }) => sum + n, 0), waiting };
}

/** Degraded placements first; then clusters that nobody vouches for, in place of their many placements; then what is on its way. */
async function worstOf(context: { read: Reader; moment: Moment }): Promise<WorstThing[]> {
  const rank = (health: (typeof healths)[number]) => sql.lit(healths.indexOf(health));
  const degraded = await page(placements, 'updated_at DESC, id', sql`rank = ${rank('Degraded')}`, worstMax, context);
  const unknown = await page(clusters, 'connected, name', sql`rank = ${rank('Unknown')}`, worstMax, context);
  const found = [
    ...((await placements.resources(context, degraded)) as readonly Placement[]),
    ...((await clusters.resources(context, unknown)) as readonly Cluster[]),
  ].map(worstThing);
  if (found.length >= worstMax) return found.slice(0, worstMax);
  const moving = await page(placements, 'updated_at, id', sql`rank = ${rank('Progressing')}`, worstMax - found.length, context);
  return [...found, ...((await placements.resources(context, moving)) as readonly Placement[]).map(worstThing)];
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
