import type { Reader } from '#hub/store/mod.ts';

/** After settling a whole fleet may have changed at once; a statement binds a bounded number of values. */
const pageSize = 1_000;

const keys = (kind: 'rollout' | 'target', rows: readonly { readonly id: number }[]): string[] => rows.map(({ id }) => `${kind}:${id}`);

/** Outbox keys to visit after something about these clusters has changed: their rollouts, and what waits for their evidence. */
export async function keysAffectedBy(read: Reader, clusterIds: readonly number[]): Promise<string[]> {
  const found = new Set<string>();
  for (let from = 0; from < clusterIds.length; from += pageSize)
    for (const key of await affectedBy(read, clusterIds.slice(from, from + pageSize))) found.add(key);
  return [...found];
}

async function affectedBy(read: Reader, clusterIds: readonly number[]): Promise<string[]> {
  const rollouts = await read
    .selectFrom('placements as p')
    .innerJoin('rollouts as o', 'o.target_id', 'p.target_id')
    .select('o.id')
    .distinct()
    .where('p.cluster_id', 'in', clusterIds)
    .where('o.finished_at', 'is', null)
    .execute();
  const targets = await read
    .selectFrom('placements as p')
    .innerJoin('targets as t', 't.app_id', 'p.app_id')
    .select('t.id')
    .distinct()
    .where('p.cluster_id', 'in', clusterIds)
    .where('t.waiting_reason', '<>', '')
    .execute();
  const placed = await read.selectFrom('placements').select('cluster_id').distinct().where('cluster_id', 'in', clusterIds).execute();
  // A cluster without placements is new: whoever selects it has waited for it to enrol.
  const fresh =
    placed.length < new Set(clusterIds).size
      ? await read.selectFrom('targets').select('id').where('waiting_reason', '<>', '').execute()
      : [];
  return [...keys('rollout', rollouts), ...keys('target', [...targets, ...fresh])];
}

/** After settling, or at the start: everything that is under way or waits. */
export async function keysWaiting(read: Reader): Promise<string[]> {
  const rollouts = await read.selectFrom('rollouts').select('id').where('finished_at', 'is', null).execute();
  const targets = await read.selectFrom('targets').select('id').where('waiting_reason', '<>', '').execute();
  return [...keys('rollout', rollouts), ...keys('target', targets)];
}
