import type { Assignment } from '../../proto/mod.ts';
import { span } from '../../shared/telemetry/mod.ts';
import { accountOf, deleteAll, releaseAll, type Failure, type Remover } from '../apply/mod.ts';
import { isMadeAnew } from '../drift/mod.ts';
import { refOf, refText, type Discovery, type ObjectRef } from '../kube/mod.ts';
import { isOurs, planPrune, planRemoval, type Approval, type Held, type InventoryEntry, type Live, type Owner } from '../plan/mod.ts';
import { ownerOfEntry, type Ground } from './appliers.ts';
import { kindIn, liveOf } from './cluster.ts';
import { checkWanted, inputsOf, type Entry } from './entries.ts';
import { rebuilt, without } from './inventory.ts';
import { ProblemError, problemOfFailures } from './problems.ts';
import type { Problem } from './reports.ts';
import { sweep } from './sweeps.ts';

const approvalOf = ({ pruneApproval }: Assignment): Approval | undefined => pruneApproval;

function removerOf(ground: Ground, entry: Entry, discovery: Discovery): Remover {
  const inputs = inputsOf(entry);
  const account = inputs && accountOf(inputs);
  if (account === undefined)
    throw new ProblemError({
      reason: 'NoAccount',
      message: 'nothing says under which account its objects may be removed',
      waits: false,
      retryable: false,
    });
  return { kube: ground.kube, account, kindOf: (ref) => kindIn(discovery, ref) };
}

const refsOf = (entries: readonly InventoryEntry[]): readonly ObjectRef[] => entries.map(({ ref }) => ref);

/**
 * What was written and never written down is ours by its marks: an intent of a revision that was given up half-way, and what a process made anew before it
 * died. It gets the uid that it has; it would be left behind else.
 */
function adopted(one: InventoryEntry, live: Live | undefined, owner: Owner): InventoryEntry {
  if (!one.dropped || one.rebuilt || typeof live !== 'object' || !live.metadata.uid || !isOurs(live, owner)) return one;
  return one.uid === undefined || isMadeAnew(one, live) ? { ...one, uid: live.metadata.uid } : one;
}

/** Held back until somebody does something, unlike what is on its way. */
const isHeld = ({ reason }: Held): boolean => reason !== 'Terminating' && reason !== 'NeededByOthers';

/** Deletes what the applied, healthy revision no longer has. Says what is held back; a failure is no reason to call the revision unhealthy. */
export async function prune(ground: Ground, entry: Entry, assignment: Assignment, signal: AbortSignal): Promise<readonly Failure[]> {
  const { record } = entry;
  const dropped = record?.inventory.filter((one) => one.dropped) ?? [];
  entry.prunePending = 0;
  if (!record || dropped.length === 0) return [];
  return span('spoke.prune', { attributes: { 'wheelhouse.objects': dropped.length } }, async () => {
    const discovery = await ground.discoveries.get();
    const look = (): Promise<ReadonlyMap<string, Live>> => liveOf(ground.kube, refsOf(dropped), (ref) => kindIn(discovery, ref), signal);
    const live = await look();
    const owner = ownerOfEntry(ground, entry);
    const request = {
      inventory: record.inventory.map((one) => adopted(one, live.get(refText(one.ref)), owner)),
      owner,
      healthyRevision: record.applied?.revision,
      approval: approvalOf(assignment),
      shareMax: inputsOf(entry)?.prune.shareMax ?? 0,
      added: record.applied?.added ?? 0,
    };
    const plan = planPrune({ ...request, live });
    checkWanted(entry, assignment);
    const failures = plan.delete.length === 0 ? [] : await deleteAll(plan.delete, removerOf(ground, entry, discovery), signal);
    // Deleted is what is gone, not what was asked to go: finalizers may keep it.
    const after = plan.delete.length === 0 ? plan : planPrune({ ...request, live: await look() });
    const deleted = new Set(plan.delete.map(({ entry: { ref } }) => refText(ref)));
    entry.prunePending = after.pending.filter(isHeld).length;
    for (const { entry: one, reason } of after.forget)
      ground.log.info('pruned', {
        assignment: entry.uid,
        object: refText(one.ref),
        reason: deleted.has(refText(one.ref)) ? 'Deleted' : reason,
      });
    if (after.forget.length > 0) {
      const gone = after.forget.map(({ entry: one }) => one);
      await ground.save(entry, { ...record, inventory: without(record.inventory, gone) }, signal);
    }
    return failures;
  });
}

/** One step of a tombstone. True once complete discovery and live lists find nothing of ours. */
export async function remove(ground: Ground, entry: Entry, assignment: Assignment, signal: AbortSignal): Promise<boolean> {
  return span('spoke.remove', {}, async () => {
    const discovery = await ground.discoveries.get(true);
    const found = await sweep(ground.kube, discovery, ground.fleetId, entry.uid, signal);
    const listed = new Map<string, Live>(found.objects.map((object) => [refText(refOf(object)), object]));
    const known = entry.record?.inventory ?? [];
    const unlisted = known.filter(({ ref }) => !listed.has(refText(ref)));
    const live = new Map([...listed, ...(await liveOf(ground.kube, refsOf(unlisted), (ref) => kindIn(discovery, ref), signal))]);
    const strangers = found.objects.filter((object) => !known.some(({ ref }) => refText(ref) === refText(refOf(object))));
    const inventory = [...known, ...rebuilt(strangers)];
    const policy = assignment.deletionPolicy === 'DELETION_POLICY_ORPHAN' ? 'Orphan' : 'Delete';
    const owner = ownerOfEntry(ground, entry);
    const { revision } = assignment;
    const plan = planRemoval({ inventory, owner, policy, live, revision, approval: approvalOf(assignment) });
    entry.prunePending = plan.pending.filter(isHeld).length;
    const left = without(
      inventory,
      plan.forget.map((forgotten) => forgotten.entry),
    );
    checkWanted(entry, assignment);
    if (left.length === 0 && found.objects.length === 0 && found.complete) {
      if (entry.record) await ground.store.remove(entry.uid, signal);
      entry.record = undefined;
      // What an earlier look had found is gone too.
      entry.unlisted = [];
      return true;
    }
    if (entry.record) await ground.save(entry, { ...entry.record, inventory: left }, signal);
    const failures = await carryOut(ground, entry, discovery, plan, signal);
    if (failures.length > 0) throw new ProblemError(problemOfFailures(failures));
    throw new ProblemError(waitingFor(plan.pending, found.missing));
  });
}

async function carryOut(
  ground: Ground,
  entry: Entry,
  discovery: Discovery,
  plan: ReturnType<typeof planRemoval>,
  signal: AbortSignal,
): Promise<readonly Failure[]> {
  if (plan.delete.length + plan.release.length === 0) return [];
  const remover = removerOf(ground, entry, discovery);
  const deletions = await deleteAll(plan.delete, remover, signal);
  const releases = await releaseAll(
    plan.release.map((object) => ({ ref: refOf(object), object })),
    remover,
    signal,
  );
  return [...deletions, ...releases];
}

function waitingFor(pending: readonly Held[], notListed: readonly string[]): Problem {
  const held = pending.filter(({ reason }) => reason === 'ProtectedKind');
  if (held.length > 0)
    return {
      reason: 'PrunePending',
      message: `${held.length} objects are kept until somebody approves their deletion`,
      waits: true,
      retryable: true,
    };
  const unconfirmed = pending.filter(({ reason }) => reason === 'NotConfirmed').map(({ entry }) => refText(entry.ref));
  const missing = [...notListed, ...unconfirmed];
  if (missing.length > 0)
    return {
      reason: 'NotConfirmed',
      message: `nobody can say that nothing is left: ${missing.slice(0, 5).join(', ')}`,
      waits: true,
      retryable: true,
    };
  return {
    reason: 'Removing',
    message: `its objects are going${pending.length > 0 ? `, ${pending.length} wait for finalizers or for others` : ''}`,
    waits: true,
    retryable: true,
  };
}
