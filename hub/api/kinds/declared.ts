import { versionOf } from '#hub/declarations/mod.ts';
import { sql, type Reader, type RawBuilder } from '#hub/store/mod.ts';
import type { AppSpec, EnvironmentSpec, TenantSpec } from '#hub/resources/mod.ts';
import type { App, Environment, Tenant } from '../schemas/declared.ts';
import { convergences, healths } from '../schemas/words.ts';
import { holdsShown } from './holds.ts';
import { convergenceAt, healthAt, judged, tallies, tallyOf, type TallyRow } from './judged.ts';
import type { Moment } from './moments.ts';
import { firstLine, time, timeOrNull } from './parts.ts';
import { within, type Field, type Row, type View } from './view.ts';

interface DeclaredRow extends Row, TallyRow {
  readonly spec: string;
  readonly manager: string;
  readonly generation: number;
  readonly created_at: number;
}

/** Tallies of placements by one column of `g` (targets) or `a` (apps); every placement belongs to exactly one of each. `of` narrows them by `p`. */
const tallied = (moment: Moment, by: RawBuilder<unknown>, of: RawBuilder<unknown>): RawBuilder<unknown> => sql`
  SELECT ${by} AS owner, ${tallies} FROM (${judged(moment, of)}) j JOIN targets g ON g.id = j.target_id JOIN apps a ON a.id = j.app_id GROUP BY ${by}`;

const none = sql`coalesce(s.total, 0) AS total, coalesce(s.degraded, 0) AS degraded, coalesce(s.unknown, 0) AS unknown,
  coalesce(s.progressing, 0) AS progressing, coalesce(s.suspended, 0) AS suspended, coalesce(s.healthy, 0) AS healthy,
  coalesce(s.rank, ${sql.lit(healths.indexOf('Empty'))}) AS rank, coalesce(s.step, ${sql.lit(convergences.indexOf('Empty'))}) AS step`;

export { none as noTallies, tallied };

const everything = sql`1 = 1`;
const storedColumns = ['id', 'uid', 'tenant', 'tenant_order', 'name', 'created_at'];

export const healthFields: Readonly<Record<string, Field>> = {
  'metadata.name': { column: 'name' },
  'status.health': { column: 'rank', ranks: healths },
  'status.convergence': { column: 'step', ranks: convergences },
};

export const healthSorts: View['sorts'] = {
  health: [
    ['rank', 'asc'],
    ['step', 'asc'],
    ['tenant_order', 'asc'],
    ['name', 'asc'],
  ],
  name: [
    ['tenant_order', 'asc'],
    ['name', 'asc'],
  ],
  created: [['created_at', 'desc']],
};

const head = (row: DeclaredRow) => ({
  name: row.name,
  uid: row.uid ?? '',
  resourceVersion: versionOf(row),
  generation: row.generation,
  creationTimestamp: time(row.created_at),
  labels: {},
});
const summed = (row: TallyRow) => ({ health: healthAt(row.rank), convergence: convergenceAt(row.step), placements: tallyOf(row) });

export const tenants: View<DeclaredRow & { apps: number; environments: number }> = {
  kind: 'Tenant',
  plural: 'tenants',
  tenanted: false,
  select: (moment, ids) => sql`
    SELECT t.*, NULL AS tenant, '' AS tenant_order, ${none}, (SELECT count(*) FROM apps WHERE tenant_id = t.id) AS apps,
      (SELECT count(*) FROM environments WHERE tenant_id = t.id) AS environments
    FROM tenants t LEFT JOIN (${tallied(moment, sql`a.tenant_id`, ids ? sql`p.app_id IN (SELECT id FROM apps WHERE ${within(sql`tenant_id`, ids)})` : everything)}) s ON s.owner = t.id
    WHERE ${within(sql`t.id`, ids)}`,
  stored: { select: sql`SELECT *, NULL AS tenant, '' AS tenant_order FROM tenants`, columns: storedColumns },
  fields: healthFields,
  sorts: healthSorts,
  counts: ['status.health'],
  resources: async (_, rows) =>
    rows.map((row): Tenant => ({
      apiVersion: 'wheelhouse.dev/v1alpha1',
      kind: 'Tenant',
      metadata: head(row),
      spec: JSON.parse(row.spec) as TenantSpec,
      status: { ...summed(row), apps: row.apps, environments: row.environments, manager: row.manager },
    })),
};

export const environments: View<DeclaredRow & { apps: number }> = {
  kind: 'Environment',
  plural: 'environments',
  tenanted: true,
  select: (moment, ids) => sql`
    SELECT e.*, t.name AS tenant, t.name AS tenant_order, ${none}, (SELECT count(*) FROM targets WHERE environment_id = e.id) AS apps
    FROM environments e JOIN tenants t ON t.id = e.tenant_id LEFT JOIN (${tallied(moment, sql`g.environment_id`, ids ? sql`p.target_id IN (SELECT id FROM targets WHERE ${within(sql`environment_id`, ids)})` : everything)}) s
      ON s.owner = e.id WHERE ${within(sql`e.id`, ids)}`,
  stored: {
    select: sql`SELECT e.*, t.name AS tenant, t.name AS tenant_order FROM environments e JOIN tenants t ON t.id = e.tenant_id`,
    columns: storedColumns,
  },
  fields: healthFields,
  sorts: healthSorts,
  counts: ['status.health'],
  resources: async ({ read }, rows) => {
    const ids = rows.map(({ id }) => id);
    const frozen = await holdsShown(read, 'Environment', ids);
    return rows.map((row): Environment => ({
      apiVersion: 'wheelhouse.dev/v1alpha1',
      kind: 'Environment',
      metadata: { tenant: row.tenant ?? '', ...head(row) },
      spec: JSON.parse(row.spec) as EnvironmentSpec,
      status: { ...summed(row), apps: row.apps, frozen: frozen.get(row.id) ?? null, manager: row.manager },
    }));
  },
};

/** What is known of an app's source; undefined: it is not polled. */
export type SourceOf = (appId: number) =>
  | {
      readonly commit: string;
      readonly answeredAt: number | undefined;
      readonly error: { readonly code: string; readonly message: string } | undefined;
    }
  | undefined;

export const appsView = (sourceOf: SourceOf): View<DeclaredRow & { targets: number }> => ({
  kind: 'App',
  plural: 'apps',
  tenanted: true,
  select: (moment, ids) => sql`
    SELECT a.*, t.name AS tenant, t.name AS tenant_order, ${none}, (SELECT count(*) FROM targets WHERE app_id = a.id) AS targets
    FROM apps a JOIN tenants t ON t.id = a.tenant_id LEFT JOIN (${tallied(moment, sql`j.app_id`, within(sql`p.app_id`, ids))}) s ON s.owner = a.id
    WHERE ${within(sql`a.id`, ids)}`,
  stored: {
    select: sql`SELECT a.*, t.name AS tenant, t.name AS tenant_order FROM apps a JOIN tenants t ON t.id = a.tenant_id`,
    columns: storedColumns,
  },
  fields: healthFields,
  sorts: healthSorts,
  counts: ['status.health'],
  resources: async ({ read }, rows) => {
    const ids = rows.map(({ id }) => id);
    const commits = await lastCommits(read, ids);
    const suspended = await holdsShown(read, 'App', ids);
    return rows.map((row): App => ({
      apiVersion: 'wheelhouse.dev/v1alpha1',
      kind: 'App',
      metadata: { tenant: row.tenant ?? '', ...head(row) },
      spec: JSON.parse(row.spec) as AppSpec,
      status: {
        ...summed(row),
        targets: row.targets,
        commit: commits.get(row.id) ?? null,
        source: sourceStatus(sourceOf(row.id)),
        suspended: suspended.get(row.id) ?? null,
        manager: row.manager,
      },
    }));
  },
});

const sourceStatus = (source: ReturnType<SourceOf>): App['status']['source'] =>
  source ? { commit: source.commit, answeredAt: timeOrNull(source.answeredAt ?? null), error: source.error ?? null } : null;

/** By app: the commit that was seen last. */
export async function lastCommits(
  read: Reader,
  appIds: readonly number[],
): Promise<ReadonlyMap<number, NonNullable<App['status']['commit']>>> {
  if (appIds.length === 0) return new Map();
  const rows = await read
    .selectFrom('commits')
    .selectAll()
    .where('id', 'in', (eb) =>
      eb
        .selectFrom('commits')
        .select(({ fn }) => fn.max('id').as('id'))
        .where('app_id', 'in', appIds)
        .groupBy('app_id'),
    )
    .execute();
  return new Map(
    rows.map(({ app_id, commit, author, message, outcome, outcome_message, seen_at }) => [
      app_id,
      { commit, author, message: firstLine(message), outcome, outcomeMessage: outcome_message, seenAt: time(seen_at) },
    ]),
  );
}
