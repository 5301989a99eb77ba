import type { AppSpec, TargetSpec } from '#hub/resources/mod.ts';
import type { AppRow, Reader, TargetRow } from '#hub/store/mod.ts';
import { environmentOf, type Environment } from '#hub/environments/mod.ts';
import { tenantById, type Tenant } from '#hub/tenants/mod.ts';

/** Something that a tenant ships. */
export interface App {
  readonly id: number;
  readonly uid: string;
  readonly tenantId: number;
  readonly name: string;
  readonly generation: number;
  readonly spec: AppSpec;
}

export const appOf = (row: AppRow): App => ({
  id: row.id,
  uid: row.uid,
  tenantId: row.tenant_id,
  name: row.name,
  generation: row.generation,
  spec: JSON.parse(row.spec) as AppSpec,
});

/** App x environment, with everything that decides about it. */
export interface Target {
  readonly row: TargetRow;
  readonly tenant: Tenant;
  readonly app: App;
  readonly environment: Environment;
  /** What the app says of it; undefined: the app does not name the environment any more. It keeps what it has until it is retired. */
  readonly declared: TargetSpec | undefined;
}

const apps = (read: Reader) => read.selectFrom('apps').selectAll();

export async function appById(read: Reader, id: number): Promise<App | undefined> {
  const row = await apps(read).where('id', '=', id).executeTakeFirst();
  return row && appOf(row);
}

export async function appByName(read: Reader, tenantId: number, name: string): Promise<App | undefined> {
  const row = await apps(read).where('tenant_id', '=', tenantId).where('name', '=', name).executeTakeFirst();
  return row && appOf(row);
}

/** All apps in the order of ids, from the one after `after`; at most `limitMax`. */
export async function appsFrom(read: Reader, after = 0, limitMax = 500): Promise<readonly App[]> {
  const rows = await apps(read).where('id', '>', after).orderBy('id').limit(limitMax).execute();
  return rows.map(appOf);
}

/** Everything about one target; undefined when there is none of that id. */
export async function targetById(read: Reader, id: number): Promise<Target | undefined> {
  const row = await read.selectFrom('targets').selectAll().where('id', '=', id).executeTakeFirst();
  if (!row) return undefined;
  return (await targetsOf(read, row.app_id)).find((target) => target.row.id === id);
}

/** The targets of an app, also those that it does not name any more, in the order of ids. */
export async function targetsOf(read: Reader, appId: number): Promise<readonly Target[]> {
  const app = await appById(read, appId);
  const tenant = app && (await tenantById(read, app.tenantId));
  if (!tenant) return [];
  const rows = await read.selectFrom('targets').selectAll().where('app_id', '=', appId).orderBy('id').execute();
  const ids = rows.map((row) => row.environment_id);
  const environments = ids.length === 0 ? [] : await read.selectFrom('environments').selectAll().where('id', 'in', ids).execute();
  const byId = new Map(environments.map((row) => [row.id, environmentOf(row)]));
  return rows.flatMap((row) => {
    const environment = byId.get(row.environment_id);
    return environment ? [{ row, tenant, app, environment, declared: declaredIn(app.spec, environment.name) }] : [];
  });
}

/** What an app says of an environment. */
export const declaredIn = (spec: AppSpec, environment: string): TargetSpec | undefined =>
  spec.targets.find((target) => target.environment === environment);
