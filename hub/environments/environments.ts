import type { EnvironmentSpec } from '#hub/resources/mod.ts';
import type { EnvironmentRow, Reader } from '#hub/store/mod.ts';

/** A stage of a tenant: which clusters, after which stages, and how releases get in. */
export interface Environment {
  readonly id: number;
  readonly uid: string;
  readonly tenantId: number;
  readonly name: string;
  readonly generation: number;
  readonly spec: EnvironmentSpec;
}

export const environmentOf = (row: EnvironmentRow): Environment => ({
  id: row.id,
  uid: row.uid,
  tenantId: row.tenant_id,
  name: row.name,
  generation: row.generation,
  spec: JSON.parse(row.spec) as EnvironmentSpec,
});

const environments = (read: Reader) => read.selectFrom('environments').selectAll();

export async function environmentById(read: Reader, id: number): Promise<Environment | undefined> {
  const row = await environments(read).where('id', '=', id).executeTakeFirst();
  return row && environmentOf(row);
}

export async function environmentByName(read: Reader, tenantId: number, name: string): Promise<Environment | undefined> {
  const row = await environments(read).where('tenant_id', '=', tenantId).where('name', '=', name).executeTakeFirst();
  return row && environmentOf(row);
}

/** All of a tenant's, in the order of names. */
export async function environmentsOf(read: Reader, tenantId: number): Promise<readonly Environment[]> {
  const rows = await environments(read).where('tenant_id', '=', tenantId).orderBy('name').execute();
  return rows.map(environmentOf);
}
