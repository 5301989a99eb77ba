import { sql, type HoldRow, type PlacementRow, type Reader, type RolloutRow, type Trx } from '#hub/store/mod.ts';
import type { Found } from './decide.ts';
import { HoldError } from './errors.ts';
import type { Scope, Subject } from './model.ts';

const chunk = 500;

/** The hold of one thing. */
export const holdOf = (trx: Reader, scope: Scope, subjectId: number): Promise<HoldRow | undefined> =>
  trx.selectFrom('holds').selectAll().where('scope', '=', scope).where('subject_id', '=', subjectId).executeTakeFirst();

/** The holds of some things of a kind, by id. */
export async function holdsOf(trx: Reader, scope: Scope, subjectIds: readonly number[]): Promise<ReadonlyMap<number, HoldRow>> {
  const found = new Map<number, HoldRow>();
  for (let from = 0; from < subjectIds.length; from += chunk) {
    const ids = subjectIds.slice(from, from + chunk);
    const rows = await trx.selectFrom('holds').selectAll().where('scope', '=', scope).where('subject_id', 'in', ids).execute();
    for (const row of rows) found.set(row.subject_id, row);
  }
  return found;
}

interface Named {
  readonly scope: Scope;
  readonly id: number;
  readonly tenant: string | null;
  readonly name: string;
}

/** Every thing that can be held, with the names that people know it by. */
const subjects: Readonly<Record<Scope, ReturnType<typeof sql>>> = {
  Fleet: sql`SELECT 0 AS id, '' AS uid, NULL AS tenant, 'fleet' AS name`,
  Cluster: sql`SELECT id, uid, NULL AS tenant, name FROM clusters`,
  Environment: sql`SELECT e.id, e.uid, t.name AS tenant, e.name FROM environments e JOIN tenants t ON t.id = e.tenant_id`,
  App: sql`SELECT a.id, a.uid, t.name AS tenant, a.name FROM apps a JOIN tenants t ON t.id = a.tenant_id`,
  Placement: sql`SELECT p.id, p.uid, t.name AS tenant, c.name || '.' || a.name || '.' || p.namespace AS name FROM placements p
    JOIN clusters c ON c.id = p.cluster_id JOIN apps a ON a.id = p.app_id JOIN tenants t ON t.id = a.tenant_id`,
  Rollout: sql`SELECT o.id, o.uid, t.name AS tenant, o.uid AS name FROM rollouts o JOIN targets g ON g.id = o.target_id JOIN apps a ON a.id = g.app_id
    JOIN tenants t ON t.id = a.tenant_id`,
};

/** What a person has named, by name or uid. Throws HoldError NOT_FOUND. */
export async function foundBy(trx: Trx, subject: Subject): Promise<Found> {
  const { scope } = subject;
  const name = 'name' in subject ? subject.name : 'fleet';
  const tenant = 'tenant' in subject ? subject.tenant : null;
  const { rows } = await sql<Named>`
    SELECT * FROM (${subjects[scope]}) WHERE (name = ${name} OR uid = ${name}) AND tenant IS ${tenant} ORDER BY name <> ${name} LIMIT 1`.execute(
    trx,
  );
  if (!rows[0]) throw new HoldError('NOT_FOUND', `there is no ${[scope, tenant, name].filter((part) => part !== null).join('/')}`);
  return foundOf(trx, { ...rows[0], scope });
}

/** What a row of the record holds; of what has been deleted only the row is left. */
export async function foundFor(trx: Trx, { scope, subject_id: id }: HoldRow): Promise<Found> {
  const { rows } = await sql<Named>`SELECT * FROM (${subjects[scope]}) WHERE id = ${id}`.execute(trx);
  return foundOf(trx, rows[0] ? { ...rows[0], scope } : { scope, id, tenant: null, name: `#${id}` });
}

async function foundOf(trx: Trx, { scope, id, tenant, name }: Named): Promise<Found> {
  const placements = await placementsOf(trx, scope, id);
  return {
    scope,
    id,
    name,
    subject: [scope, tenant, name].filter((part) => part !== null).join('/'),
    existing: await holdOf(trx, scope, id),
    placements,
    heldOtherwise: await heldOtherwise(trx, scope, placements),
    rollout: scope === 'Rollout' ? await rolloutOf(trx, id) : undefined,
    ...(await concerned(trx, scope, id)),
  };
}

const rolloutOf = (trx: Trx, id: number): Promise<RolloutRow | undefined> =>
  trx.selectFrom('rollouts').selectAll().where('id', '=', id).executeTakeFirst();

async function placementsOf(trx: Trx, scope: Scope, id: number): Promise<readonly PlacementRow[]> {
  if (scope !== 'App' && scope !== 'Placement') return [];
  return trx
    .selectFrom('placements')
    .selectAll()
    .where(scope === 'App' ? 'app_id' : 'id', '=', id)
    .execute();
}

async function heldOtherwise(trx: Trx, scope: Scope, placements: readonly PlacementRow[]): Promise<ReadonlySet<number>> {
  const [first] = placements;
  if (scope === 'Placement' && first) return new Set((await holdOf(trx, 'App', first.app_id)) ? [first.id] : []);
  if (scope !== 'App') return new Set();
  const own = await holdsOf(
    trx,
    'Placement',
    placements.map(({ id }) => id),
  );
  return new Set(own.keys());
}

/** The targets for which it changes what may begin, or what proves something; and the rollouts that have not ended. */
async function concerned(trx: Trx, scope: Scope, id: number): Promise<Pick<Found, 'targetIds' | 'rolloutIds'>> {
  const where = {
    Fleet: sql`1 = 1`,
    Environment: sql`g.environment_id = ${id}`,
    Cluster: sql`g.app_id IN (SELECT app_id FROM placements WHERE cluster_id = ${id})`,
    Rollout: sql`g.id IN (SELECT target_id FROM rollouts WHERE id = ${id})`,
    App: sql`g.app_id = ${id}`,
    Placement: sql`g.app_id IN (SELECT app_id FROM placements WHERE id = ${id})`,
  }[scope];
  const targets = await sql<{ id: number }>`SELECT g.id FROM targets g WHERE ${where} ORDER BY g.id`.execute(trx);
  // Of what is on one cluster only the rollouts that have it.
  const mine = {
    Fleet: sql`1 = 1`,
    Environment: sql`1 = 1`,
    Cluster: sql`EXISTS (SELECT 1 FROM rollout_clusters rc WHERE rc.rollout_id = o.id AND rc.cluster_id = ${id})`,
    Rollout: sql`o.id = ${id}`,
    App: sql`1 = 1`,
    Placement: sql`EXISTS (SELECT 1 FROM rollout_clusters rc WHERE rc.rollout_id = o.id AND rc.placement_id = ${id})`,
  }[scope];
  const rollouts = await sql<{ id: number }>`
    SELECT o.id FROM rollouts o JOIN targets g ON g.id = o.target_id WHERE o.finished_at IS NULL AND ${where} AND ${mine} ORDER BY o.id`.execute(
    trx,
  );
  return { targetIds: targets.rows.map((row) => row.id), rolloutIds: rollouts.rows.map((row) => row.id) };
}
