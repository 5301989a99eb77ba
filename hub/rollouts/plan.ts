import { digestOf, revisionOf, type Digest } from '#shared/kernel/mod.ts';
import {
  put,
  remove,
  type DecideContext,
  type PlacementRow,
  type ReleaseRow,
  type RolloutClusterRow,
  type RolloutRow,
  type TargetRow,
  type VariantRow,
  type Write,
} from '#hub/store/mod.ts';

/** A cluster that the environment selects and that has an identity, with everything resolved for the app there. */
export interface Member {
  readonly clusterId: number;
  readonly clusterName: string;
  readonly inputs: Uint8Array;
}

export interface PlanFacts {
  readonly target: TargetRow;
  readonly release: ReleaseRow;
  readonly variant: VariantRow;
  readonly namespace: string;
  readonly maxConcurrent: number;
  /** Of the commit: what a new release belongs to. Joins and changed inputs belong to what asked for them. */
  readonly traceparents: { readonly release: string; readonly other: string };
  readonly members: readonly Member[];
  /** Selected, but without an identity yet: their placements stay as they are. */
  readonly unenrolledIds: ReadonlySet<number>;
  /** Of the app, under any target. */
  readonly placements: readonly PlacementRow[];
  /** Clusters that are frozen: they get nothing new, so nothing is begun for their sake. */
  readonly frozenIds: ReadonlySet<number>;
  /** The app is suspended wherever it is placed. */
  readonly appSuspended: boolean;
  /** Variants with the same content as this one, among those that placements want. */
  readonly sameContentIds: ReadonlySet<number>;
  /** The target's rollout that has not ended, with its rows. */
  readonly running: { readonly rollout: RolloutRow; readonly rows: readonly RolloutClusterRow[] } | undefined;
  /** Other targets' clusters that a rollout has started: a started cluster does not leave its rollout. */
  readonly inFlightElsewhere: ReadonlySet<number>;
  readonly inputsIds: ReadonlyMap<Digest, number>;
  readonly revisionIds: ReadonlyMap<Digest, number>;
}

export interface Plan {
  /** None: nothing to do, or only membership changed. */
  readonly rollout: RolloutRow | undefined;
  readonly writes: readonly Write[];
  /** Names of clusters that another environment of the app holds in the same namespace. */
  readonly conflicts: readonly string[];
  /** Placements that this plan sets to Held or takes from another target: the app's other targets have to look again. */
  readonly membershipChanged: boolean;
}

interface Entry {
  readonly member: Member;
  readonly placement: PlacementRow;
  /** As the record has it; undefined: this plan makes it. */
  readonly before: PlacementRow | undefined;
  readonly toRevisionId: number;
}

/**
 * What has to be done so that every member runs the release with its inputs: a rollout (of the release, of changed inputs, or of joining clusters), or
 * nothing. Clusters that are no members any more are Held. Pure.
 */
export function plan(facts: PlanFacts, context: DecideContext): Plan {
  const rows = new Rows(facts, context);
  const conflicts: string[] = [];
  const entries: Entry[] = [];
  for (const member of facts.members) {
    const found = rows.placementOf(member);
    if (found === 'taken') conflicts.push(member.clusterName);
    else entries.push({ member, ...found, toRevisionId: rows.revisionIdOf(member) });
  }
  const held = leaving(facts);
  const membership = [...entries.filter(({ placement, before }) => placement !== before).map(({ placement }) => placement), ...held].map(
    (row) => put('placements', { ...row, updated_at: context.now }),
  );
  const returned = entries.some(({ placement, before }) => before !== undefined && placement !== before);
  const kind = kindOf(facts, entries);
  const base = { conflicts, membershipChanged: held.length > 0 || returned };
  if (!kind) return { ...base, rollout: undefined, writes: [...rows.writes, ...membership] };
  const { rollout, writes } = kind === 'Extend' ? extended(facts, entries) : begun(facts, entries, kind, context);
  return { ...base, rollout, writes: [...rows.writes, ...membership, ...writes] };
}

/** Collects the inputs, revisions and placements that have to exist; each new one once. */
class Rows {
  readonly writes: Write[] = [];
  readonly #facts: PlanFacts;
  readonly #context: DecideContext;
  readonly #inputs: Map<Digest, number>;
  readonly #revisions: Map<Digest, number>;
  readonly #placements: ReadonlyMap<number, PlacementRow>;

  constructor(facts: PlanFacts, context: DecideContext) {
    this.#facts = facts;
    this.#context = context;
    this.#inputs = new Map(facts.inputsIds);
    this.#revisions = new Map(facts.revisionIds);
    this.#placements = new Map(facts.placements.filter((p) => p.namespace === facts.namespace).map((p) => [p.cluster_id, p]));
  }

  revisionIdOf({ inputs }: Member): number {
    const { variant } = this.#facts;
    const revision = revisionOf(variant.layer_hash, inputs);
    const known = this.#revisions.get(revision);
    if (known !== undefined) return known;
    const id = this.#context.newId();
    this.#revisions.set(revision, id);
    const inputsId = this.#inputsIdOf(inputs);
    this.writes.push(put('revisions', { id, revision, layer_hash: variant.layer_hash, inputs_id: inputsId }));
    return id;
  }

  #inputsIdOf(bytes: Uint8Array): number {
    const hash = digestOf(bytes);
    const known = this.#inputs.get(hash);
    if (known !== undefined) return known;
    const id = this.#context.newId();
    this.#inputs.set(hash, id);
    this.writes.push(put('inputs', { id, hash, bytes }));
    return id;
  }

  /** The member's placement as it should be; 'taken' while another environment of the app holds it. */
  placementOf(member: Member): Pick<Entry, 'placement' | 'before'> | 'taken' {
    const { target, namespace, inFlightElsewhere } = this.#facts;
    const { now, newId, newUid } = this.#context;
    const found = this.#placements.get(member.clusterId);
    if (!found) {
      const placement: PlacementRow = {
        id: newId(),
        uid: newUid('p'),
        cluster_id: member.clusterId,
        app_id: target.app_id,
        namespace,
        target_id: target.id,
        state: 'Active',
        hold_reason: '',
        mode: this.#facts.appSuspended ? 'Suspended' : 'Enforce',
        wanted_revision_id: null,
        wanted_variant_id: null,
        rollout_id: null,
        traceparent: '',
        updated_at: now,
      };
      return { placement, before: undefined };
    }
    const left = found.state === 'Held' && leftReasons.has(found.hold_reason);
    const mine = found.target_id === target.id;
    if (!mine && (!left || inFlightElsewhere.has(found.id))) return 'taken';
    if (mine && !left) return { placement: found, before: found };
    return { placement: { ...found, target_id: target.id, state: 'Active', hold_reason: '' }, before: found };
  }
}

/** Why a placement is Held because nobody wants it at the moment: whoever wants it again has it back. */
const leftReasons: ReadonlySet<string> = new Set(['NotSelected', 'NamespaceChanged']);

/** The target's placements that are wanted no more: they keep running what they run, and get nothing new. */
function leaving({ target, members, unenrolledIds, namespace, placements }: PlanFacts): PlacementRow[] {
  const selected = new Set([...members.map(({ clusterId }) => clusterId), ...unenrolledIds]);
  return placements
    .filter((p) => p.target_id === target.id && p.state === 'Active' && (p.namespace !== namespace || !selected.has(p.cluster_id)))
    .map((p) => ({ ...p, state: 'Held' as const, hold_reason: p.namespace === namespace ? 'NotSelected' : 'NamespaceChanged' }));
}

const inFlightStates = new Set<RolloutClusterRow['state']>(['Started', 'Degraded', 'Unreachable']);
const isInFlight = (row: RolloutClusterRow | undefined): row is RolloutClusterRow =>
  row !== undefined && (inFlightStates.has(row.state) || (row.state === 'Waiting' && row.started_at !== null));

type Kind = RolloutRow['kind'] | 'Extend';

function kindOf({ target, release, running, frozenIds, variant, sameContentIds }: PlanFacts, entries: readonly Entry[]): Kind | undefined {
  if (running?.rollout.release_id === release.id) {
    const rows = new Map(running.rows.map((row) => [row.placement_id, row]));
    const differs = entries.some(({ placement, toRevisionId }) => {
      const row = rows.get(placement.id);
      return row !== undefined && row.to_revision_id !== toRevisionId;
    });
    if (!differs) return entries.some(({ placement }) => !rows.has(placement.id)) ? 'Extend' : undefined;
  }
  if (target.current_release_id !== release.id) return 'Release';
  // What is Held, frozen or suspended gets nothing new: asking for it would begin one rollout after the other.
  const lacking = entries.filter(
    ({ placement: p, toRevisionId }) =>
      p.state === 'Active' && p.mode === 'Enforce' && !frozenIds.has(p.cluster_id) && p.wanted_revision_id !== toRevisionId,
  );
  if (lacking.length === 0) return undefined;
  const hasContent = ({ placement: { wanted_variant_id: id } }: Entry): boolean =>
    id !== null && (id === variant.id || sameContentIds.has(id));
  return lacking.some(hasContent) ? 'Inputs' : 'Join';
}

/** A cluster that joins during a rollout joins its last wave. */
function extended({ running, variant }: PlanFacts, entries: readonly Entry[]): { rollout: RolloutRow; writes: Write[] } {
  if (!running) throw new Error('only a running rollout is extended');
  const { rollout, rows } = running;
  const known = new Set(rows.map((row) => row.placement_id));
  const joining = entries.filter(({ placement }) => !known.has(placement.id));
  return { rollout, writes: joining.map((entry) => put('rollout_clusters', rowOf(rollout, variant, entry, rollout.waves, undefined, 0))) };
}

function begun(
  facts: PlanFacts,
  entries: readonly Entry[],
  kind: RolloutRow['kind'],
  { newId, newUid, now }: DecideContext,
): { rollout: RolloutRow; writes: Write[] } {
  const { target, release, variant, running } = facts;
  const rollout: RolloutRow = {
    id: newId(),
    uid: newUid('r'),
    target_id: target.id,
    release_id: release.id,
    kind,
    state: 'Progressing',
    reason: 'Progressing',
    message: '',
    max_concurrent: facts.maxConcurrent,
    waves: 1,
    wave: 1,
    created_at: now,
    finished_at: null,
    traceparent: kind === 'Release' ? facts.traceparents.release : facts.traceparents.other,
  };
  const before = new Map(running?.rows.map((row) => [row.placement_id, row]));
  const writes: Write[] = [put('rollouts', rollout)];
  if (running) {
    const message = `rollout ${rollout.uid} of ${release.alias} has begun`;
    if (running.rollout.state === 'Paused') writes.push(remove('holds', { scope: 'Rollout', subject_id: running.rollout.id }));
    writes.push(put('rollouts', { ...running.rollout, state: 'Superseded', reason: 'Superseded', message, finished_at: now }));
    writes.push(
      put('rollout_events', { id: newId(), rollout_id: running.rollout.id, at: now, type: 'Normal', reason: 'Superseded', message }),
    );
  }
  for (const entry of entries) writes.push(put('rollout_clusters', rowOf(rollout, variant, entry, 1, before.get(entry.placement.id), now)));
  return { rollout, writes };
}

/** A cluster in flight carries over: it counts on, and its turn brings it what this rollout is about. */
function rowOf(
  rollout: RolloutRow,
  variant: VariantRow,
  { placement, toRevisionId }: Entry,
  wave: number,
  before: RolloutClusterRow | undefined,
  now: number,
): RolloutClusterRow {
  const row: RolloutClusterRow = {
    rollout_id: rollout.id,
    placement_id: placement.id,
    cluster_id: placement.cluster_id,
    wave,
    state: 'Waiting',
    reason: 'Waiting',
    message: '',
    from_revision_id: placement.wanted_revision_id,
    to_revision_id: toRevisionId,
    to_variant_id: variant.id,
    started_at: null,
    finished_at: null,
  };
  const there = placement.wanted_revision_id === toRevisionId;
  if (isInFlight(before)) {
    const carried = { ...row, started_at: before.started_at ?? now };
    return there ? { ...carried, state: 'Started', reason: 'CarriedOver' } : { ...carried, reason: 'CarriedOver' };
  }
  return there ? { ...row, state: 'Unchanged', reason: 'SameRevision', message: 'the revision was wanted already', finished_at: now } : row;
}
