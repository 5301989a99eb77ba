import type { Assignment, Hops } from '../../proto/mod.ts';
import { span } from '../../shared/telemetry/mod.ts';
import { accountOf, applyStages, changesText, dryRun, type Applier, type ApplyResult, type Write } from '../apply/mod.ts';
import { dismissed } from '../drift/mod.ts';
import type { VerifiedContent } from '../fetch/mod.ts';
import { refOf, refText, type KubeObject, type ObjectRef } from '../kube/mod.ts';
import { claimOf, objectsOfInSteps, PlanError, planApply, type InventoryEntry, type Owner, type Planned, type Stage } from '../plan/mod.ts';
import type { Claims } from './claims.ts';
import { kindIn, liveOf, type Discoveries } from './cluster.ts';
import { checkWanted, type Entry } from './entries.ts';
import { givenUp, grown, readBack, settled } from './inventory.ts';
import type { Observer } from './observer.ts';
import type { AssignmentsParts } from './parts.ts';
import type { AssignmentRecord, ContentRecord } from './port.ts';
import { ProblemError, problemOfFailures } from './problems.ts';
import { alreadyApplied } from './unchanged.ts';

export interface Ground extends AssignmentsParts {
  readonly observer: Observer;
  readonly discoveries: Discoveries;
  readonly claims: Claims;
  /** Gives up the visit's place while it waits for something that is not the cluster. */
  readonly outside: <T>(work: () => Promise<T>) => Promise<T>;
  /** Durable before it is believed. */
  readonly save: (entry: Entry, record: AssignmentRecord, signal: AbortSignal) => Promise<void>;
}

interface Prepared {
  /** Of the whole set. */
  readonly refs: readonly ObjectRef[];
  /** What is to be written of it. */
  readonly stages: readonly Stage[];
  readonly writes: ReadonlyMap<string, Write>;
  readonly applier: Applier;
  /** Why some of it cannot be written; only when each is judged on its own. */
  readonly obstacle: Error | undefined;
}

/** Of all objects, the few that are to be written. */
interface Choice {
  readonly pick: (planned: Planned) => boolean;
  /** No others are judged at all, and what stands in the way of one is no reason to leave another as it is. */
  readonly alone?: (object: KubeObject) => boolean;
}

export const ownerOfEntry = (ground: Pick<Ground, 'fleetId'>, entry: Entry): Owner => ({
  fleetId: ground.fleetId,
  assignmentUid: entry.uid,
});

/** Seconds since receipt, once, and only of what is still wanted. */
export function measure(ground: Pick<Ground, 'clock'>, entry: Entry, assignment: Assignment, hop: keyof Hops): void {
  if (entry.assignment !== assignment || entry.hops[hop] !== undefined) return;
  entry.hops = { ...entry.hops, [hop]: Math.max(0, ground.clock.monotonicMs() - entry.receivedAtMs) / 1000 };
}

/** Verified content of the wanted revision: from what the cluster holds, the cache or the registry. */
export async function contentOf(ground: Ground, entry: Entry, assignment: Assignment, signal: AbortSignal): Promise<VerifiedContent> {
  const held = [entry.record?.applied, entry.record?.applying].filter((content) => content !== undefined);
  return span('spoke.fetch', {}, async () => {
    const onFetched = (): void => measure(ground, entry, assignment, 'fetched');
    const content = await ground.outside(() => ground.fetcher.fetch(assignment, held, signal, onFetched));
    measure(ground, entry, assignment, 'verified');
    return content;
  });
}

/** Everything that can be judged before the first write: objects, boundaries, order, ownership. */
export async function prepare(
  ground: Ground,
  entry: Entry,
  content: VerifiedContent,
  signal: AbortSignal,
  { pick, alone }: Choice = { pick: () => true },
): Promise<Prepared> {
  const account = accountOf(content.inputs);
  if (account === undefined)
    throw new ProblemError({ reason: 'NoAccount', message: 'the inputs name no service account', waits: false, retryable: false });
  const all = await objectsOfInSteps(content.files);
  const objects = alone ? all.filter(alone) : all;
  const owner = ownerOfEntry(ground, entry);
  let discovery = await ground.discoveries.get();
  let plan = planApply({ objects, inputs: content.inputs, discovery, owner });
  if (plan.outcome === 'wait') {
    discovery = await ground.discoveries.get(true);
    plan = planApply({ objects, inputs: content.inputs, discovery, owner });
  }
  if (plan.outcome === 'wait') throw new ProblemError({ reason: plan.reason, message: plan.message, waits: true, retryable: true });
  const refs = plan.stages.flat().map(({ ref }) => ref);
  const planned = plan.stages.flat().filter(pick);
  const served = new Set(planned.filter(({ ref }) => kindIn(discovery, ref)));
  const { writes, obstacle } = await claimed(ground, entry, planned, served, signal);
  if (obstacle && !alone) throw obstacle;
  const stages = plan.stages.map((stage) => stage.filter(({ ref }) => writes.has(refText(ref)))).filter((stage) => stage.length > 0);
  return { refs, stages, writes, applier: { kube: ground.kube, clock: ground.clock, account }, obstacle };
}

async function claimed(
  ground: Ground,
  entry: Entry,
  planned: readonly Planned[],
  served: ReadonlySet<Planned>,
  signal: AbortSignal,
): Promise<Pick<Prepared, 'writes' | 'obstacle'>> {
  const refs = planned.map(({ ref }) => ref);
  const clashes = ground.claims.take(entry.uid, refs);
  if (clashes.length > 0)
    throw new PlanError(
      'OWNED_BY_ANOTHER',
      clashes.map(({ ref, owner }) => `${refText(ref)} belongs to assignment ${owner}: two cannot own one object`),
    );
  const kinds = new Map(planned.map(({ ref, kind }) => [refText(ref), kind]));
  const live = await liveOf(
    ground.kube,
    planned.filter((one) => served.has(one)).map(({ ref }) => ref),
    (ref) => kinds.get(refText(ref)),
    signal,
  );
  const writes = new Map<string, Write>();
  const unknown: string[] = [];
  const problems: string[] = [];
  for (const one of planned) {
    // Of a kind that this very set brings: nothing of it can be there yet.
    const there = served.has(one) ? (live.get(refText(one.ref)) ?? 'unknown') : 'absent';
    if (there === 'unknown') {
      unknown.push(refText(one.ref));
      continue;
    }
    const ownUid = entry.record?.inventory.find(({ ref }) => refText(ref) === refText(one.ref))?.uid;
    const claim = claimOf(one.ref, there, ownerOfEntry(ground, entry), ownUid);
    if (claim.as === 'refused') problems.push(claim.message);
    else writes.set(refText(one.ref), { planned: one, live: there, force: claim.as === 'ours' });
  }
  return { writes, obstacle: obstacleOf(unknown, problems) };
}

function obstacleOf([unknown]: readonly string[], refused: readonly string[]): Error | undefined {
  if (unknown !== undefined)
    return new ProblemError({
      reason: 'ApiUnavailable',
      message: `the API server does not say what ${unknown} is now`,
      waits: true,
      retryable: true,
    });
  return refused.length > 0 ? new PlanError('OWNED_BY_ANOTHER', refused) : undefined;
}

/** All of the wanted revision, in the order of DESIGN section 8: the inventory grows, then objects are written, then what they are is read back. */
export async function applyRevision(ground: Ground, entry: Entry, assignment: Assignment, signal: AbortSignal): Promise<void> {
  const content = await contentOf(ground, entry, assignment, signal);
  const isApplied = await alreadyApplied(ground, entry, ownerOfEntry(ground, entry), content, signal);
  const { refs, stages, writes, applier } = await prepare(ground, entry, content, signal, { pick: (planned) => !isApplied(planned) });
  checkWanted(entry, assignment);
  await ground.tenancy.ensure(content.inputs, await ground.discoveries.get(), signal);
  const judged = await span('spoke.judge', {}, () => dryRun(stages, writes, applier, signal));
  if (judged.failures.length > 0) {
    await keepReached(ground, entry, content, judged, signal);
    throw new ProblemError(problemOfFailures(judged.failures));
  }
  checkWanted(entry, assignment);

  const planned = stages.flat();
  const { applied, applying: begun, inventory: known = [] } = entry.record ?? {};
  const again = begun?.revision === content.revision;
  const before = begun && !again ? givenUp(known) : known;
  const intended = grown(before, refs);
  const applying: ContentRecord = {
    revision: content.revision,
    indexDigest: content.indexDigest,
    layerHash: content.layerHash,
    inputs: content.inputsBytes,
    layer: content.layer,
    appliedAtMs: 0,
    added: (again ? begun.added : undefined) ?? intended.length - known.length + broughtBefore(entry.record, refs, again),
    ...(again && begun.reached ? { reached: true as const } : {}),
  };
  const intent = { inventory: intended, applying, ...(applied ? { applied } : {}) };
  await ground.save(entry, intent, signal);

  entry.writing = true;
  const result = await span('spoke.apply', { attributes: { 'wheelhouse.objects': planned.length } }, () =>
    applyStages(stages, writes, applier, signal),
  );
  const inventory = written(ground, intent.inventory, planned, result, true);
  if (result.failures.length > 0) {
    await ground.save(entry, { ...intent, applying: { ...applying, reached: true }, inventory }, signal);
    entry.writing = false;
    throw new ProblemError(problemOfFailures(result.failures));
  }
  const { reached: _reached, ...whole } = applying;
  await ground.save(entry, { inventory: settled(inventory, refs), applied: { ...whole, appliedAtMs: ground.clock.now() } }, signal);
  entry.writing = false;
  measure(ground, entry, assignment, 'applied');
  ground.log.info('revision applied', { assignment: entry.uid, revision: content.revision, changes: changesText(result.changes) });
}

/**
 * Only what differs from what was written, from the same content as before: `applied` is the assignment that it came with. Nothing new is written, so no
 * intent has to be saved first. Returns what it did, also when not all could be done, and what stands in the way of the rest: they were accepted together
 * before, so one that cannot be judged or written now keeps no other from being corrected.
 */
export async function correct(
  ground: Ground,
  entry: Entry,
  applied: Assignment,
  refs: readonly ObjectRef[],
  signal: AbortSignal,
): Promise<ApplyResult & Pick<Prepared, 'obstacle'>> {
  const { assignment } = entry;
  const content = await contentOf(ground, entry, applied, signal);
  const names = new Set(refs.map(refText));
  const namesake = new Set(refs.map(withoutNamespace));
  const { stages, writes, applier, obstacle } = await prepare(ground, entry, content, signal, {
    pick: ({ ref }) => names.has(refText(ref)),
    alone: (object) => namesake.has(withoutNamespace(refOf(object))),
  });
  checkWanted(entry, assignment);
  await ground.tenancy.ensure(content.inputs, await ground.discoveries.get(), signal);
  checkWanted(entry, assignment);
  const result = await span('spoke.correct', { attributes: { 'wheelhouse.objects': refs.length } }, () =>
    applyStages(stages, writes, applier, signal, 'all'),
  );
  const { record } = entry;
  if (record) await ground.save(entry, { ...record, inventory: written(ground, record.inventory, stages.flat(), result) }, signal);
  return { ...result, obstacle };
}

/** An object says which namespace it goes to only once it is planned. */
const withoutNamespace = ({ group, kind, name }: ObjectRef): string => refText({ group, kind, namespace: '', name });

/** Tells whoever watches what was answered, so that health is never judged from before the write. */
function written(
  ground: Ground,
  inventory: AssignmentRecord['inventory'],
  planned: readonly Planned[],
  { changes }: ApplyResult,
  ahead = false,
): AssignmentRecord['inventory'] {
  const answered = new Set(changes.map(({ ref }) => refText(ref)));
  ground.observer.watch(planned.filter(({ ref }) => answered.has(refText(ref))).map(({ kind }) => kind));
  for (const { object } of changes) ground.observer.note(object);
  return readBack(
    inventory,
    changes.map(({ object }) => object),
    ahead,
  );
}

/**
 * What an earlier step has brought that is not over yet (given up half-way, or with something held back), as far as this revision keeps it: it is no part of
 * what there was before, or a wrong app would pass the brake in two steps.
 */
function broughtBefore(record: AssignmentRecord | undefined, refs: readonly ObjectRef[], again: boolean): number {
  const { applied, applying: begun, inventory = [] } = record ?? {};
  const names = new Set(refs.map(refText));
  const isHeld = inventory.some(({ dropped }) => dropped);
  const isNew = (one: InventoryEntry): boolean =>
    isHeld ? !one.dropped : begun !== undefined && !again && (one.ahead === true || one.uid === undefined);
  const kept = inventory.filter((one) => names.has(refText(one.ref)) && isNew(one)).length;
  return Math.min((begun ?? applied)?.added ?? 0, kept);
}

/** Of a revision that was begun, what is as it wants it has been written, also by a process that died before it could say so. */
async function keepReached(
  ground: Ground,
  entry: Entry,
  { revision }: VerifiedContent,
  { changes }: ApplyResult,
  signal: AbortSignal,
): Promise<void> {
  const { record } = entry;
  if (record?.applying?.revision !== revision) return;
  const reached = changes.filter(({ action }) => action === 'unchanged').map(({ object }) => object);
  entry.drift = dismissed(entry.drift, reached.map(refOf));
  await ground.save(
    entry,
    { ...record, applying: { ...record.applying, reached: true }, inventory: readBack(record.inventory, reached, true) },
    signal,
  );
  entry.writing = false;
}
