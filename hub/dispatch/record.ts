import { desiredLimits, Envelope } from '#proto/mod.ts';
import type { ClusterRow, DesiredRow, FleetRow, Reader, Trx } from '#hub/store/mod.ts';
import type { Composition, Placed } from './compose.ts';

export interface Loaded {
  readonly cluster: ClusterRow;
  readonly fleet: FleetRow;
  readonly desired: DesiredRow | undefined;
  readonly composition: Composition;
  /** Placements whose wanted revision is not the one that was dispatched to them last. */
  readonly moved: readonly { readonly placementId: number; readonly revisionId: number }[];
  /** Of the placement that changed last: the trace that this dispatch belongs to. */
  readonly traceparent: string;
}

/** Everything that a cluster's desired state is made of; undefined for a cluster without an accepted identity. */
export async function loadCluster(trx: Trx, clusterId: number): Promise<Loaded | undefined> {
  const cluster = await trx.selectFrom('clusters').selectAll().where('id', '=', clusterId).executeTakeFirst();
  const fleet = await trx.selectFrom('fleet').selectAll().executeTakeFirst();
  if (!cluster?.uid || cluster.state !== 'Accepted' || !fleet) return undefined;
  const desired = await trx.selectFrom('desired').selectAll().where('cluster_id', '=', clusterId).executeTakeFirst();
  const history = await trx
    .selectFrom('desired_history')
    .select(['generation', 'hash'])
    .where('cluster_id', '=', clusterId)
    .where('epoch', '=', Math.max(fleet.epoch, desired?.epoch ?? 0))
    .orderBy('generation', 'desc')
    .limit(desiredLimits.ancestorsMax)
    .execute();
  const composition: Composition = {
    fleetId: fleet.fleet_id,
    clusterUid: cluster.uid,
    clusterName: cluster.name,
    epoch: fleet.epoch,
    keysetVersion: fleet.keyset_version,
    previous: desired && {
      fence: { epoch: desired.epoch, generation: desired.generation },
      payload: Envelope.decode(desired.envelope).payload,
    },
    history,
    placements: await loadPlaced(trx, clusterId),
  };
  const newest = trx
    .selectFrom('placements')
    .select('traceparent')
    .where('cluster_id', '=', clusterId)
    .orderBy('updated_at', 'desc')
    .limit(1);
  return {
    cluster,
    fleet,
    desired,
    composition,
    moved: await movedOn(trx, clusterId),
    traceparent: (await newest.executeTakeFirst())?.traceparent ?? '',
  };
}

async function movedOn(trx: Trx, clusterId: number): Promise<Loaded['moved']> {
  const rows = await trx
    .selectFrom('placements as p')
    .leftJoin('dispatched as d', 'd.placement_id', 'p.id')
    .select(['p.id', 'p.wanted_revision_id', 'd.revision_id'])
    .where('p.cluster_id', '=', clusterId)
    .where('p.wanted_revision_id', 'is not', null)
    .execute();
  return rows.flatMap(({ id, wanted_revision_id, revision_id }) =>
    wanted_revision_id === null || wanted_revision_id === revision_id ? [] : [{ placementId: id, revisionId: wanted_revision_id }],
  );
}

/** Held placements too: they keep running what they run, and an assignment that left the document would only be `Unassigned`. */
const loadPlaced = (trx: Trx, clusterId: number): Promise<Placed[]> =>
  trx
    .selectFrom('placements as p')
    .innerJoin('targets as t', 't.id', 'p.target_id')
    .innerJoin('environments as e', 'e.id', 't.environment_id')
    .innerJoin('apps as a', 'a.id', 'p.app_id')
    .innerJoin('tenants as n', 'n.id', 'a.tenant_id')
    .innerJoin('revisions as r', 'r.id', 'p.wanted_revision_id')
    .innerJoin('inputs as i', 'i.id', 'r.inputs_id')
    .innerJoin('variants as v', 'v.id', 'p.wanted_variant_id')
    .innerJoin('releases as l', 'l.id', 'v.release_id')
    .leftJoin('rollouts as o', 'o.id', 'p.rollout_id')
    .select([
      'p.uid',
      'n.name as tenant',
      'a.name as app',
      'e.name as environment',
      'p.mode',
      'r.revision',
      'l.digest as indexDigest',
      'l.repository',
      'v.digest as variantDigest',
      'r.layer_hash as layerHash',
      'i.bytes as inputs',
      'o.uid as rollout',
      'p.traceparent',
    ])
    .where('p.cluster_id', '=', clusterId)
    .orderBy('p.uid')
    // One more than fits, so that too many is noticed and refused, never cut.
    .limit(desiredLimits.assignmentsMax + 1)
    .execute();

/** Keys to visit when the bus is back: what it has not acknowledged yet need not wait for its back-off. */
export async function keysUnpublished(read: Reader): Promise<string[]> {
  const rows = await read.selectFrom('desired').select('cluster_id').where('published', '=', 0).execute();
  return rows.map(({ cluster_id }) => `dispatch:${cluster_id}`);
}
