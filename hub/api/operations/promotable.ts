import { sql, type Reader } from '#hub/store/mod.ts';
import { ApiError } from '../problems/errors.ts';

/** The keys of a target and of a release of its app, named as people name them. Throws ApiError NOT_FOUND. */
export async function promotable(
  read: Reader,
  { tenant, app, environment }: { tenant: string; app: string; environment: string },
  release: string,
): Promise<{ targetId: number; releaseId: number }> {
  const [target] = (
    await sql<{ id: number; app_id: number }>`
      SELECT g.id, g.app_id FROM targets g JOIN apps a ON a.id = g.app_id JOIN tenants t ON t.id = a.tenant_id
      JOIN environments e ON e.id = g.environment_id WHERE t.name = ${tenant} AND a.name = ${app} AND e.name = ${environment}`.execute(read)
  ).rows;
  if (!target) throw new ApiError('NOT_FOUND', `there is no Target ${tenant}/${app}.${environment}`);
  const alias = release.startsWith(`${app}.`) ? release.slice(app.length + 1) : release;
  const [found] = (
    await sql<{ id: number }>`
      SELECT id FROM releases WHERE app_id = ${target.app_id} AND (alias = ${alias} OR digest = ${release} OR uid = ${release}) LIMIT 1`.execute(
      read,
    )
  ).rows;
  if (!found) throw new ApiError('NOT_FOUND', `app ${tenant}/${app} has no Release ${release.slice(0, 100)}`);
  return { targetId: target.id, releaseId: found.id };
}
