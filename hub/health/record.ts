import { reportSetHash } from '#proto/mod.ts';
import {
  put,
  remove,
  type ClusterRow,
  type DecideContext,
  type Reader,
  type RefusalRow,
  type Store,
  type Trx,
  type Write,
} from '#hub/store/mod.ts';
import { clip, healthLimits } from './bounds.ts';
import type { HashedFence } from './fences.ts';
import type { Dispatched } from './model.ts';

// What health reads from the record, and the rows that it writes beside reports.

export const clusterOf = (read: Reader, uid: string): Promise<ClusterRow | undefined> =>
  read.selectFrom('clusters').selectAll().where('uid', '=', uid).executeTakeFirst();

/** The fence of a cluster in the record; before its first desired state: the fleet's epoch, generation 0. */
export async function fenceOf(read: Reader, clusterId: number): Promise<HashedFence> {
  const row = await read
    .selectFrom('desired')
    .select(['epoch', 'generation', 'hash'])
    .where('cluster_id', '=', clusterId)
    .executeTakeFirst();
  if (row) return row;
  const fleet = await read.selectFrom('fleet').select('epoch').executeTakeFirst();
  return { epoch: fleet?.epoch ?? 0, generation: 0, hash: new Uint8Array() };
}

export async function historyOf(read: Reader, clusterId: number, fence: HashedFence): Promise<Uint8Array | undefined> {
  const query = read.selectFrom('desired_history').select('hash').where('cluster_id', '=', clusterId);
  return (await query.where('epoch', '=', fence.epoch).where('generation', '=', fence.generation).executeTakeFirst())?.hash;
}

/** Of the reports that the record holds of a cluster, over the bytes as they came. */
export async function heldHash(read: Reader, clusterId: number): Promise<Uint8Array> {
  const rows = await read
    .selectFrom('reports')
    .innerJoin('placements', 'placements.id', 'reports.placement_id')
    .select(['placements.uid', 'reports.value'])
    .where('placements.cluster_id', '=', clusterId)
    .execute();
  return reportSetHash(rows.map(({ uid, value }) => [uid, value] as const));
}

/** By placement: what was dispatched to it last. */
export async function dispatchesOf(read: Reader, placementIds: readonly number[]): Promise<ReadonlyMap<number, Dispatched>> {
  const found = new Map<number, Dispatched>();
  for (let from = 0; from < placementIds.length; from += askedMax)
    for (const { placement_id, published, ...row } of await dispatchRows(read, placementIds.slice(from, from + askedMax)))
      found.set(placement_id, { ...row, published: published === 1 });
  return found;
}

/** Ids in one statement, which takes only so many. */
const askedMax = 1_000;

const dispatchRows = (read: Reader, placementIds: readonly number[]) =>
  read
    .selectFrom('dispatched as d')
    .innerJoin('placements as p', 'p.id', 'd.placement_id')
    .innerJoin('revisions as v', 'v.id', 'd.revision_id')
    .leftJoin('desired as w', 'w.cluster_id', 'p.cluster_id')
    .select(['d.placement_id', 'd.epoch', 'd.generation', 'v.revision', 'w.published'])
    .where('d.placement_id', 'in', placementIds)
    .execute();

export interface RefusalNote {
  readonly clusterId: number;
  readonly code: string;
  readonly message: string;
}

export const refusalsOf = (trx: Trx, clusterId: number): Promise<RefusalRow[]> =>
  trx
    .selectFrom('refusals')
    .selectAll()
    .where('cluster_id', '=', clusterId)
    .orderBy('id', 'desc')
    .limit(2 * healthLimits.refusalsPerClusterMax)
    .execute();

/** Adds notes of one cluster: a repeat of the last one only moves its time, and the oldest leave. `rows` newest first. Pure. */
export function noteRefusals(
  rows: readonly RefusalRow[],
  notes: readonly RefusalNote[],
  { now, newId }: Pick<DecideContext, 'now' | 'newId'>,
): Write[] {
  const kept = [...rows];
  const changed = new Set<RefusalRow>();
  for (const { clusterId, code, message } of notes) {
    const text = clip(message, healthLimits.refusalCharsMax);
    const last = kept[0];
    const repeat = last?.code === code && last.message === text;
    const row = repeat ? { ...last, at: now } : { id: newId(), cluster_id: clusterId, at: now, code, message: text };
    if (repeat) {
      changed.delete(last);
      kept.shift();
    }
    kept.unshift(row);
    changed.add(row);
  }
  const dropped = kept.slice(healthLimits.refusalsPerClusterMax);
  const stored = new Set(rows.map(({ id }) => id));
  return [
    ...[...changed].filter((row) => !dropped.includes(row)).map((row) => put('refusals', row)),
    ...dropped.filter(({ id }) => stored.has(id)).map(({ id }) => remove('refusals', { id })),
  ];
}

export const writeRefusal = (store: Store, note: RefusalNote): Promise<void> =>
  store.decide(
    (trx) => refusalsOf(trx, note.clusterId),
    (rows, context) => ({ result: undefined, writes: noteRefusals(rows, [note], context) }),
  );

/** Facts belong to the declared row of the cluster, so their change is a mutation with an audit row; the same facts again write nothing. */
export const writeFacts = (store: Store, clusterId: number, facts: string): Promise<void> =>
  store.decide(
    (trx) => trx.selectFrom('clusters').selectAll().where('id', '=', clusterId).executeTakeFirst(),
    (row, { now }) =>
      !row || row.facts === facts
        ? { result: undefined }
        : {
            result: undefined,
            writes: [put('clusters', { ...row, facts, updated_at: now })],
            audit: { actor: `cluster:${row.uid}`, action: 'report.facts', subject: `Cluster/${row.name}` },
          },
  );

/** A snapshot has been closed: what it did not name, the spoke does not have. Returns whether anything was dropped. */
export const dropUnnamed = (store: Store, clusterId: number, named: ReadonlySet<string>): Promise<boolean> =>
  store.decide(
    (trx) =>
      trx
        .selectFrom('reports')
        .innerJoin('placements', 'placements.id', 'reports.placement_id')
        .select(['placements.uid', 'placements.id'])
        .where('placements.cluster_id', '=', clusterId)
        .execute(),
    (rows) => {
      const gone = rows.filter(({ uid }) => !named.has(uid));
      return { result: gone.length > 0, writes: gone.map(({ id }) => remove('reports', { placement_id: id })) };
    },
  );
