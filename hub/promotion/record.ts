import { digestOf, inputsBytes, revisionOf, type Digest } from '#shared/kernel/mod.ts';
import { resolveInputs, targetById, type Target } from '#hub/apps/mod.ts';
import { clustersSelectedBy, type Cluster } from '#hub/clusters/mod.ts';
import { environmentsOf, predecessorsOf, type Environment } from '#hub/environments/mod.ts';
import { dispatchesOf, evidenceOf, reportedOf, type Watch } from '#hub/health/mod.ts';
import { holdOf, waitOf } from '#hub/holds/mod.ts';
import type { Member, PlanFacts } from '#hub/rollouts/mod.ts';
import type { PlacementRow, TargetRow, Trx, VariantRow } from '#hub/store/mod.ts';
import type { Offer, Predecessor, Wait } from './decide.ts';

export interface Loaded {
  readonly target: Target;
  readonly offer: Offer;
  readonly members: readonly Member[];
  readonly unenrolledIds: ReadonlySet<number>;
  /** All targets of the app. */
  readonly siblings: readonly number[];
}

const namedMax = 4;
const chunk = 500;

/** What a promotion into this target is decided on; undefined: there is no such target. */
export async function loadTarget(trx: Trx, targetId: number, watch: Watch, approvedReleaseId: number | null): Promise<Loaded | undefined> {
  const target = await targetById(trx, targetId);
  if (!target) return undefined;
  const { app, environment, row } = target;
  const { members, unenrolled } = await membersOf(trx, target);
  const siblings = await trx.selectFrom('targets').select('id').where('app_id', '=', app.id).execute();
  const before = await predecessors(trx, target, watch);
  const running = await runningOf(trx, targetId);
  const suspended = running && (await holdOf(trx, 'Rollout', running.id));
  const offer: Offer = {
    environment: environment.name,
    mode: environment.spec.promotion.mode,
    allowUnexercised: environment.spec.promotion.allowUnexercised,
    releases: await releasesOf(trx, app.id, environment.name, before),
    currentReleaseId: row.current_release_id,
    runningReleaseId: running?.release_id ?? null,
    approvedReleaseId,
    predecessors: before,
    enrolled: members.length,
    unenrolled: unenrolled.map(({ name }) => name),
    frozen: await frozenOver(trx, environment),
    suspended: suspended && waitOf(suspended, running.uid),
    settling: watch.timing().settling,
    recordBehind: watch.recordBehind !== undefined,
  };
  const unenrolledIds = new Set(unenrolled.map(({ id }) => id));
  return { target, offer, members, unenrolledIds, siblings: siblings.map(({ id }) => id) };
}

/** Who has frozen the environment, or the fleet. */
async function frozenOver(trx: Trx, { id, name }: Environment): Promise<Wait | undefined> {
  const environment = await holdOf(trx, 'Environment', id);
  if (environment) return waitOf(environment, name);
  const fleet = await holdOf(trx, 'Fleet', 0);
  return fleet && waitOf(fleet, 'fleet');
}

async function membersOf(trx: Trx, { tenant, environment, declared }: Target): Promise<{ members: Member[]; unenrolled: Cluster[] }> {
  if (!declared) return { members: [], unenrolled: [] };
  const selected = await clustersSelectedBy(trx, environment.spec.clusterSelector);
  const members: Member[] = [];
  const unenrolled: Cluster[] = [];
  for (const cluster of selected) {
    if (cluster.state === 'Revoked') continue;
    if (cluster.state !== 'Accepted' || cluster.uid === null) unenrolled.push(cluster);
    else {
      const inputs = inputsBytes(resolveInputs({ tenant, environment, target: declared, cluster }));
      members.push({ clusterId: cluster.id, clusterName: cluster.name, inputs });
    }
  }
  return { members, unenrolled };
}

/** However many there are: the newest with a variant for the environment, and the predecessors' own, be they ever so old. */
async function releasesOf(trx: Trx, appId: number, environment: string, before: readonly Predecessor[]): Promise<Offer['releases']> {
  const releases = trx
    .selectFrom('releases as r')
    .leftJoin('variants as v', (join) => join.onRef('v.release_id', '=', 'r.id').on('v.environment', '=', environment))
    .select(['r.id', 'r.alias', 'v.id as variant'])
    .where('r.app_id', '=', appId)
    .orderBy('r.id', 'desc');
  const ids = before.flatMap(({ currentReleaseId }) => currentReleaseId ?? []);
  const newest = await releases.where('v.id', 'is not', null).limit(1).execute();
  const named = ids.length === 0 ? [] : await releases.where('r.id', 'in', ids).execute();
  const byId = new Map([...newest, ...named].map(({ id, alias, variant }) => [id, { id, alias, hasVariant: variant !== null }]));
  return [...byId.values()].toSorted((a, b) => b.id - a.id);
}

const runningOf = (trx: Trx, targetId: number) =>
  trx
    .selectFrom('rollouts')
    .selectAll()
    .where('target_id', '=', targetId)
    .where('finished_at', 'is', null)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();

async function predecessors(trx: Trx, { tenant, app, environment }: Target, watch: Watch): Promise<Predecessor[]> {
  const environments = await environmentsOf(trx, tenant.id);
  const order = new Map(environments.map(({ name, spec }) => [name, spec.after]));
  const byName = new Map(environments.map((one) => [one.name, one]));
  const targeted = new Set(app.spec.targets.map((target) => target.environment));
  const found: Predecessor[] = [];
  for (const name of predecessorsOf(environment.name, order, targeted))
    found.push(await predecessor(trx, app.id, name, byName.get(name), watch));
  return found;
}

async function predecessor(
  trx: Trx,
  appId: number,
  name: string,
  environment: Environment | undefined,
  watch: Watch,
): Promise<Predecessor> {
  const target = await trx
    .selectFrom('targets')
    .selectAll()
    .where('app_id', '=', appId)
    .where('environment_id', '=', environment?.id ?? 0)
    .executeTakeFirst();
  if (!target)
    return { environment: name, currentReleaseId: null, exercised: false, running: false, placements: 0, unenrolled: [], ...nothing };
  const running = (await runningOf(trx, target.id)) !== undefined;
  const { count } = await trx
    .selectFrom('placements')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('target_id', '=', target.id)
    .where('state', '=', 'Active')
    .executeTakeFirstOrThrow();
  return {
    environment: name,
    currentReleaseId: target.current_release_id,
    exercised: target.exercised === 1,
    running,
    placements: count,
    unenrolled: count === 0 && environment ? await unenrolledOf(trx, environment) : [],
    // While it rolls out, that alone is what is waited for.
    ...(running ? nothing : await proofOf(trx, target, name, watch)),
  };
}

type Proof = Pick<Predecessor, 'unproven' | 'leftOut' | 'proven'>;
const nothing: Proof = { unproven: [], leftOut: [], proven: false };

async function unenrolledOf(trx: Trx, { spec }: Environment): Promise<string[]> {
  const selected = await clustersSelectedBy(trx, spec.clusterSelector);
  return selected.filter(({ state }) => state === 'Declared' || state === 'Pending').map(({ name }) => name);
}

/** What a target's placements say about its release at this moment: the first few that hold it back, the first few that say nothing. */
async function proofOf(trx: Trx, target: TargetRow, environment: string, watch: Watch): Promise<Proof> {
  const timing = watch.timing();
  const content = await contentOf(trx, target.current_release_id ?? 0, environment);
  const unproven: string[] = [];
  const leftOut: string[] = [];
  let proven = false;
  for (let after = 0; unproven.length < namedMax;) {
    const rows = await placedRows(trx, target.id, after);
    const dispatches = await dispatchesOf(
      trx,
      rows.map(({ id }) => id),
    );
    for (const row of rows) {
      after = row.id;
      const silent = saysNothing(row, content);
      if (silent !== undefined) {
        if (leftOut.length < namedMax) leftOut.push(`${row.name} (${silent})`);
        continue;
      }
      const reported = row.placement_id === null ? undefined : reportedOf(row as unknown as Parameters<typeof reportedOf>[0]);
      const wanted = { revision: row.revision ?? '', mode: row.mode, dispatched: dispatches.get(row.id) };
      const evidence = evidenceOf(wanted, reported, watch.contactOf(row.cluster_id), timing);
      if (evidence.health === 'Healthy') proven = true;
      else unproven.push(`${row.name} (${evidence.reason || evidence.health})`);
    }
    if (rows.length < chunk) break;
  }
  return { unproven: unproven.slice(0, namedMax), leftOut, proven };
}

const contentOf = async (trx: Trx, releaseId: number, environment: string): Promise<string | undefined> =>
  (
    await trx
      .selectFrom('variants')
      .select('layer_hash')
      .where('release_id', '=', releaseId)
      .where('environment', '=', environment)
      .executeTakeFirst()
  )?.layer_hash;

/** Why a placement is no evidence, neither for the release nor against it: a rollout has left it out, and so does this. */
function saysNothing(
  row: { readonly mode: PlacementRow['mode']; readonly frozen: number | null; readonly layer_hash: string | null },
  content: string | undefined,
): string | undefined {
  if (row.mode !== 'Enforce') return row.mode;
  return row.frozen !== null && row.layer_hash !== content ? 'Frozen' : undefined;
}

const placedRows = (trx: Trx, targetId: number, after: number) =>
  trx
    .selectFrom('placements as p')
    .innerJoin('clusters as c', 'c.id', 'p.cluster_id')
    .leftJoin('revisions as v', 'v.id', 'p.wanted_revision_id')
    .leftJoin('reports as r', 'r.placement_id', 'p.id')
    .leftJoin('holds as h', (join) => join.onRef('h.subject_id', '=', 'p.cluster_id').on('h.scope', '=', 'Cluster'))
    .select(['p.id', 'p.cluster_id', 'p.mode', 'c.name', 'v.revision', 'v.layer_hash', 'h.subject_id as frozen'])
    .select(['r.placement_id', 'r.revision_wanted', 'r.revision_applied', 'r.health', 'r.reason', 'r.message', 'r.received_at'])
    .where('p.target_id', '=', targetId)
    .where('p.state', '=', 'Active')
    .where('p.id', '>', after)
    .orderBy('p.id')
    .limit(chunk)
    .execute();

/** What the plan of a rollout to `releaseId` is made of; undefined: the release has nothing for this environment. */
export async function loadPlan(trx: Trx, loaded: Loaded, releaseId: number, otherTraceparent: string): Promise<PlanFacts | undefined> {
  const { target, members, unenrolledIds } = loaded;
  const { declared, app, environment } = target;
  const release = await trx.selectFrom('releases').selectAll().where('id', '=', releaseId).executeTakeFirst();
  const variant = await trx
    .selectFrom('variants')
    .selectAll()
    .where('release_id', '=', releaseId)
    .where('environment', '=', environment.name)
    .executeTakeFirst();
  if (!release || !variant || !declared) return undefined;
  const commit = await trx.selectFrom('commits').select('traceparent').where('id', '=', release.commit_id).executeTakeFirst();
  const placements = await trx.selectFrom('placements').selectAll().where('app_id', '=', app.id).execute();
  const running = await runningOf(trx, target.row.id);
  return {
    target: target.row,
    release,
    variant,
    namespace: declared.namespace,
    maxConcurrent: environment.spec.rollout.maxConcurrent,
    traceparents: { release: commit?.traceparent ?? '', other: otherTraceparent },
    members,
    unenrolledIds,
    placements,
    running: running && {
      rollout: running,
      rows: await trx.selectFrom('rollout_clusters').selectAll().where('rollout_id', '=', running.id).execute(),
    },
    inFlightElsewhere: await inFlightElsewhere(trx, app.id, target.row.id),
    frozenIds: await frozenIds(trx),
    appSuspended: (await holdOf(trx, 'App', app.id)) !== undefined,
    sameContentIds: await sameContentIds(trx, placements, variant),
    ...(await knownIds(trx, members, variant)),
  };
}

/** Every frozen cluster: few, because a person names each. */
async function frozenIds(trx: Trx): Promise<ReadonlySet<number>> {
  const rows = await trx.selectFrom('holds').select('subject_id').where('scope', '=', 'Cluster').execute();
  return new Set(rows.map(({ subject_id }) => subject_id));
}

/** Releases may share content: variants that placements want, which say the same as this one. */
async function sameContentIds(trx: Trx, placements: readonly PlacementRow[], variant: VariantRow): Promise<ReadonlySet<number>> {
  const found = new Set<number>();
  const wanted = [...new Set(placements.flatMap(({ wanted_variant_id: id }) => id ?? []))];
  for (const part of chunks(wanted)) {
    const rows = await trx
      .selectFrom('variants')
      .select('id')
      .where('id', 'in', part)
      .where('layer_hash', '=', variant.layer_hash)
      .execute();
    for (const { id } of rows) found.add(id);
  }
  return found;
}

async function inFlightElsewhere(trx: Trx, appId: number, targetId: number): Promise<ReadonlySet<number>> {
  const rows = await trx
    .selectFrom('targets as t')
    .innerJoin('rollouts as o', 'o.target_id', 't.id')
    .innerJoin('rollout_clusters as rc', 'rc.rollout_id', 'o.id')
    .select('rc.placement_id')
    .where('t.app_id', '=', appId)
    .where('t.id', '<>', targetId)
    .where('o.finished_at', 'is', null)
    .where('rc.state', 'in', ['Started', 'Degraded', 'Unreachable'])
    .execute();
  return new Set(rows.map(({ placement_id }) => placement_id));
}

/** Ids of the inputs and revisions that exist already: both are immutable and shared. */
async function knownIds(trx: Trx, members: readonly Member[], variant: VariantRow): Promise<Pick<PlanFacts, 'inputsIds' | 'revisionIds'>> {
  const hashes = new Set<Digest>();
  const revisions = new Set<Digest>();
  for (const { inputs } of members) {
    const hash = digestOf(inputs);
    if (hashes.has(hash)) continue;
    hashes.add(hash);
    revisions.add(revisionOf(variant.layer_hash, inputs));
  }
  const inputsIds = new Map<Digest, number>();
  for (const part of chunks([...hashes]))
    for (const { hash, id } of await trx.selectFrom('inputs').select(['id', 'hash']).where('hash', 'in', part).execute())
      inputsIds.set(hash, id);
  const revisionIds = new Map<Digest, number>();
  for (const part of chunks([...revisions]))
    for (const { revision, id } of await trx.selectFrom('revisions').select(['id', 'revision']).where('revision', 'in', part).execute())
      revisionIds.set(revision, id);
  return { inputsIds, revisionIds };
}

function* chunks<T>(items: readonly T[]): Generator<T[]> {
  for (let from = 0; from < items.length; from += chunk) yield items.slice(from, from + chunk);
}
