import { nearest } from '#hub/resources/mod.ts';
import { sql, type RawBuilder, type Reader } from '#hub/store/mod.ts';
import type { View } from '../kinds/view.ts';
import { ApiError } from '../problems/errors.ts';

interface Key {
  readonly tenant?: string;
  readonly name: string;
}

/** Names that are looked through for the one that was meant. */
const namesMax = 10_000;
const tenantsMax = 5;

/** There is no such thing; with what was probably meant, so that nobody has to list a collection to find a typing mistake. */
export async function missing(read: Reader, view: View, { tenant, name }: Key): Promise<ApiError> {
  const whole = [tenant, name].filter((part) => part !== undefined).join('/');
  const said = `there is no ${view.kind} ${whole.slice(0, 200)}`;
  // Numbers and uids are not mistyped but out of date.
  if (!('metadata.name' in view.fields) || view.kind === 'Rollout') return new ApiError('NOT_FOUND', said);
  const column = async (what: 'name' | 'tenant', where: RawBuilder<unknown>, limit: number): Promise<string[]> =>
    (
      await sql<{ found: string }>`
        SELECT DISTINCT ${sql.ref(what)} AS found FROM (${view.stored.select}) AS v WHERE ${where} ORDER BY found LIMIT ${sql.lit(limit)}`.execute(
        read,
      )
    ).rows.map(({ found }) => found);
  const inTenant = tenant === undefined ? sql`1 = 1` : sql`tenant = ${tenant}`;
  const elsewhere = view.tenanted ? await column('tenant', sql`name = ${name}`, tenantsMax) : [];
  const names = await column('name', inTenant, namesMax);
  if (elsewhere.length > 0) {
    const have = `${elsewhere.length === 1 ? 'tenant' : 'tenants'} ${elsewhere.join(', ')} ${elsewhere.length === 1 ? 'has' : 'have'} one`;
    return new ApiError('NOT_FOUND', `${said}; ${have}`, { tenants: elsewhere });
  }
  const meant = nearest(name, names);
  if (meant !== undefined) {
    const written = tenant === undefined ? meant : `${tenant}/${meant}`;
    return new ApiError('NOT_FOUND', `${said}; did you mean ${written}?`, { nearest: written });
  }
  if (names.length > 0 || tenant === undefined) return new ApiError('NOT_FOUND', said);
  return new ApiError('NOT_FOUND', `${said}; ${await tenantSaid(read, tenant, view.kind)}`);
}

async function tenantSaid(read: Reader, tenant: string, kind: string): Promise<string> {
  const tenants = (await read.selectFrom('tenants').select('name').orderBy('name').limit(namesMax).execute()).map(({ name }) => name);
  if (tenants.includes(tenant)) return `tenant ${tenant} has no ${kind} at all`;
  const meant = nearest(tenant, tenants);
  return `there is no tenant ${tenant}${meant === undefined ? '' : `; did you mean ${meant}?`}`;
}
