import { sql, type Reader } from '#hub/store/mod.ts';
import type { ChangedBy } from '../schemas/words.ts';
import { firstLine, time } from './parts.ts';

/** By rollout id: who set what is wanted, down to the commit. */
export async function changesOf(read: Reader, rolloutIds: readonly (number | null)[]): Promise<ReadonlyMap<number, ChangedBy>> {
  const ids = [...new Set(rolloutIds.filter((id) => id !== null))];
  if (ids.length === 0) return new Map();
  const rows = await read
    .selectFrom('rollouts as o')
    .innerJoin('releases as r', 'r.id', 'o.release_id')
    .innerJoin('commits as c', 'c.id', 'r.commit_id')
    .select(['o.id', 'o.uid', 'o.created_at', 'r.alias', 'c.commit', 'c.author', 'c.message'])
    .where('o.id', 'in', ids)
    .execute();
  const started = await startsOf(
    read,
    rows.map(({ uid }) => uid),
  );
  return new Map(
    rows.map(({ id, uid, created_at, alias, commit, author, message }) => {
      const { actor = 'system:promotion', reason = '' } = started.get(uid) ?? {};
      return [id, { rollout: uid, release: alias, commit, author, message: firstLine(message), actor, reason, at: time(created_at) }];
    }),
  );
}

/** By rollout uid: who started it, with the reason that they gave. */
export async function startsOf(read: Reader, uids: readonly string[]): Promise<ReadonlyMap<string, { actor: string; reason: string }>> {
  if (uids.length === 0) return new Map();
  const rollout = sql<string>`json_extract(detail, '$.rollout')`;
  const rows = await read
    .selectFrom('audit')
    .select(['actor', 'reason', rollout.as('rollout')])
    .where('action', '=', 'start.rollout')
    .where(rollout, 'in', uids)
    .execute();
  return new Map(rows.map((row) => [row.rollout, { actor: row.actor, reason: row.reason }]));
}
