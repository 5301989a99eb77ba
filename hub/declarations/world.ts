import type { AppSpec, EnvironmentSpec, Labels, Parsed, TenantSpec } from '#hub/resources/mod.ts';
import { appOf } from '#hub/apps/mod.ts';
import { environmentOf } from '#hub/environments/mod.ts';
import type { AppRow, ClusterRow, EnvironmentRow, TargetRow, TenantRow, Trx } from '#hub/store/mod.ts';
import { tenantOf } from '#hub/tenants/mod.ts';

interface Known<Row, Spec> {
  readonly row: Row;
  readonly spec: Spec;
}

/** What has been declared so far, as far as a set of resources can touch it. Tenants and clusters by name, the rest by tenant/name. */
export interface World {
  readonly tenants: ReadonlyMap<string, Known<TenantRow, TenantSpec>>;
  readonly environments: ReadonlyMap<string, Known<EnvironmentRow, EnvironmentSpec>>;
  readonly apps: ReadonlyMap<string, Known<AppRow, AppSpec>>;
  /** Those of the set. */
  readonly clusters: ReadonlyMap<string, ClusterRow>;
  /** Of every cluster: any of them may be selected. */
  readonly labels: ReadonlyMap<string, Labels>;
  readonly targets: readonly Pick<TargetRow, 'id' | 'app_id' | 'environment_id'>[];
}

/** A cluster can matter to every tenant; without one in the set only the tenants that it names are read. */
export async function loadWorld(trx: Trx, { resources }: Parsed): Promise<World> {
  const clusters = resources.filter(({ kind }) => kind === 'Cluster').map(({ metadata }) => metadata.name);
  const names = resources.map(({ metadata }) => ('tenant' in metadata ? metadata.tenant : metadata.name));
  const tenantRows = await trx
    .selectFrom('tenants')
    .selectAll()
    .$if(clusters.length === 0, (query) => query.where('name', 'in', some([...new Set(names)], '')))
    .execute();
  const nameOf = new Map(tenantRows.map((row) => [row.id, row.name]));
  const ids = some([...nameOf.keys()], 0);
  const environmentRows = await trx.selectFrom('environments').selectAll().where('tenant_id', 'in', ids).execute();
  const appRows = await trx.selectFrom('apps').selectAll().where('tenant_id', 'in', ids).execute();
  const targets = await trx
    .selectFrom('targets')
    .innerJoin('apps', 'apps.id', 'targets.app_id')
    .select(['targets.id', 'targets.app_id', 'targets.environment_id'])
    .where('apps.tenant_id', 'in', ids)
    .orderBy('targets.id')
    .execute();
  const clusterRows = await trx.selectFrom('clusters').selectAll().where('name', 'in', some(clusters, '')).execute();
  const labelRows = await trx.selectFrom('clusters').select(['name', 'labels']).execute();
  const keyOf = (row: { tenant_id: number; name: string }): string => `${nameOf.get(row.tenant_id)}/${row.name}`;
  return {
    tenants: new Map(tenantRows.map((row) => [row.name, { row, spec: tenantOf(row).spec }])),
    environments: new Map(environmentRows.map((row) => [keyOf(row), { row, spec: environmentOf(row).spec }])),
    apps: new Map(appRows.map((row) => [keyOf(row), { row, spec: appOf(row).spec }])),
    clusters: new Map(clusterRows.map((row) => [row.name, row])),
    labels: new Map(labelRows.map(({ name, labels }) => [name, JSON.parse(labels) as Labels])),
    targets,
  };
}

/** Not every database takes an empty list; `none` is what no row has. */
const some = <T>(values: readonly T[], none: T): readonly T[] => (values.length === 0 ? [none] : values);

/** The world as it would be with the resources in it: specs by the same keys. */
export interface Outlook {
  readonly tenants: ReadonlyMap<string, TenantSpec>;
  readonly environments: ReadonlyMap<string, EnvironmentSpec>;
  readonly apps: ReadonlyMap<string, AppSpec>;
  readonly labels: ReadonlyMap<string, Labels>;
}

export function outlookOf(world: World, { resources }: Parsed): Outlook {
  const specs = <Spec>(known: ReadonlyMap<string, Known<unknown, Spec>>): Map<string, Spec> =>
    new Map([...known].map(([key, { spec }]) => [key, spec]));
  const outlook = {
    tenants: specs(world.tenants),
    environments: specs(world.environments),
    apps: specs(world.apps),
    labels: new Map(world.labels),
  };
  for (const resource of resources) {
    if (resource.kind === 'Tenant') outlook.tenants.set(resource.metadata.name, resource.spec);
    if (resource.kind === 'Environment') outlook.environments.set(keyOf(resource), resource.spec);
    if (resource.kind === 'App') outlook.apps.set(keyOf(resource), resource.spec);
    if (resource.kind === 'Cluster') outlook.labels.set(resource.metadata.name, resource.spec.labels);
  }
  return outlook;
}

export const keyOf = ({ metadata }: { readonly metadata: { readonly tenant?: string; readonly name: string } }): string =>
  metadata.tenant === undefined ? metadata.name : `${metadata.tenant}/${metadata.name}`;

export const tenantIn = (key: string): string => key.split('/')[0] ?? '';
export const nameIn = (key: string): string => key.split('/')[1] ?? '';
