import { matchesSource, type TenantSpec } from '#hub/resources/mod.ts';
import type { Reader, TenantRow } from '#hub/store/mod.ts';

/** An owner, and the boundaries of what it may ship and where. */
export interface Tenant {
  readonly id: number;
  readonly uid: string;
  readonly name: string;
  /** Rises with each change of the spec. */
  readonly generation: number;
  readonly spec: TenantSpec;
}

export const tenantOf = (row: TenantRow): Tenant => ({
  id: row.id,
  uid: row.uid,
  name: row.name,
  generation: row.generation,
  spec: JSON.parse(row.spec) as TenantSpec,
});

const tenants = (read: Reader) => read.selectFrom('tenants').selectAll();

/** `read` is the store's, or a decision's transaction. */
export async function tenantByName(read: Reader, name: string): Promise<Tenant | undefined> {
  const row = await tenants(read).where('name', '=', name).executeTakeFirst();
  return row && tenantOf(row);
}

export async function tenantById(read: Reader, id: number): Promise<Tenant | undefined> {
  const row = await tenants(read).where('id', '=', id).executeTakeFirst();
  return row && tenantOf(row);
}

/** In the order of names, from the one after `after`; at most `limitMax`. */
export async function tenantsFrom(read: Reader, after = '', limitMax = 100): Promise<readonly Tenant[]> {
  const rows = await tenants(read).where('name', '>', after).orderBy('name').limit(limitMax).execute();
  return rows.map(tenantOf);
}

export const allowsSource = (spec: TenantSpec, url: string): boolean => spec.sources.some((pattern) => matchesSource(pattern, url));

export const allowsNamespace = (spec: TenantSpec, namespace: string): boolean => spec.namespaces.includes(namespace);
