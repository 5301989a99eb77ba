import { brokenAt } from '#hub/store/mod.ts';
import { bearsMarks, keyOf, type SimCluster } from '../cluster.ts';
import { objectsOf, namespace, type Version } from '../contents.ts';
import type { SimFleet } from '../fleet.ts';
import { shareMax } from './writes.ts';

/** Rule 11: what is still missing for everything to have arrived at that version; empty: nothing. */
export async function missing(fleet: SimFleet, version: Version): Promise<readonly string[]> {
  const { hub } = fleet;
  if (!hub?.alive) return ['the hub'];
  const lacking: string[] = [];
  const { id } = (await hub.store.read
    .selectFrom('releases')
    .innerJoin('commits', 'commits.id', 'releases.commit_id')
    .select('releases.id')
    .where('commits.message', '=', `version ${version.number}`)
    .executeTakeFirst()) ?? { id: -1 };
  const targets = await hub.store.read
    .selectFrom('targets')
    .innerJoin('environments', 'environments.id', 'targets.environment_id')
    .selectAll('targets')
    .select('environments.name')
    .execute();
  for (const target of targets)
    if (target.current_release_id !== id)
      lacking.push(`${target.name} has another release: ${target.waiting_reason} ${target.waiting_message}`);
  const beliefs = await hub.beliefs();
  for (const cluster of fleet.clusters) {
    const belief = beliefs.find(({ clusterId }) => fleet.clusterOf(clusterId) === cluster);
    if (belief?.health !== 'Healthy') lacking.push(`${cluster.name} is ${belief?.health}: ${belief?.reason}: ${belief?.message}`);
    if (!fleet.writes.isGood(belief?.revision ?? '', cluster.objects())) lacking.push(`${cluster.name} does not have its objects`);
    if (!fleet.lost.has(cluster)) lacking.push(...leftOver(fleet, cluster, version).map((key) => `${cluster.name} still has ${key}`));
  }
  return lacking;
}

/** Ours, and in no revision any more: only the brake may keep it. */
function leftOver(fleet: SimFleet, cluster: SimCluster, version: Version): readonly string[] {
  const wanted = new Set(
    objectsOf(version, cluster.environment).map((object) => keyOf({ ...object, metadata: { namespace, ...object.metadata } })),
  );
  const { kept, own } = fleet.writes.seenOf(cluster);
  const extra = cluster
    .tenants()
    .filter((object) => bearsMarks(object) && own.has(object.metadata.uid ?? '') && !wanted.has(keyOf(object)));
  const before = [...kept.values()].map(({ inventory, added }) => inventory - added);
  return extra.length > shareMax * Math.max(0, ...before) ? [] : extra.map(keyOf);
}

/** Rule 12: what no rollout may be at the end. */
export async function unended(fleet: SimFleet): Promise<readonly string[]> {
  const rows = await fleet.hub!.store.read.selectFrom('rollouts').selectAll().execute();
  return rows
    .filter(({ finished_at, reason }) => finished_at === null || reason === '')
    .map(({ uid, state, reason }) => `rollout ${uid} is ${state} ${reason}`);
}

/** Rule 9: the chain of what people and machines have decided is whole, and as long as it was seen to grow. */
export async function auditProblem(fleet: SimFleet): Promise<string | undefined> {
  const rows = await fleet.hub!.store.read.selectFrom('audit').selectAll().orderBy('id').execute();
  if (rows.length !== fleet.commits.audited + 1) return `${rows.length} records, ${fleet.commits.audited + 1} commits that have one`;
  const broken = brokenAt(rows);
  return broken === undefined ? undefined : `the chain is broken at ${JSON.stringify(broken)}`;
}
