import { refText, type KubeObject } from '../kube/mod.ts';
import type { InventoryEntry, Live, Owner } from './model.ts';
import { isFoundation, isProtected, rankOf } from './order.ts';
import { isOurs } from './ownership.ts';

/** As it stands in the signed assignment. */
export interface Approval {
  readonly revision: string;
  readonly objectsMax: number;
}

export interface Deletion {
  readonly entry: InventoryEntry;
  readonly uid: string;
  readonly resourceVersion: string;
}

export interface Held {
  readonly entry: InventoryEntry;
  readonly reason: 'ProtectedKind' | 'ShareExceeded' | 'NotConfirmed' | 'Terminating' | 'NeededByOthers' | 'NeverAppliedAgain';
}

export interface Forgotten {
  readonly entry: InventoryEntry;
  readonly reason: 'Gone' | 'NoLongerOurs' | 'Recreated' | 'Orphaned';
}

export interface PrunePlan {
  /** In the order of deletion: what stands on others first. */
  readonly delete: readonly Deletion[];
  /** To be taken out of the inventory; nothing is done to the objects. */
  readonly forget: readonly Forgotten[];
  /** Stays in the inventory and is reported. */
  readonly pending: readonly Held[];
}

export interface PruneRequest {
  readonly inventory: readonly InventoryEntry[];
  readonly owner: Owner;
  /** The one wanted, fully applied and healthy right now; undefined: there is none, and nothing is pruned. */
  readonly healthyRevision: string | undefined;
  readonly live: ReadonlyMap<string, Live>;
  readonly approval: Approval | undefined;
  /** 0-1, of what the inventory had before the revision. */
  readonly shareMax: number;
  /** What the revision has brought: it is in the inventory too, and replaces nothing of what is dropped. */
  readonly added: number;
}

export const nothingToPrune: PrunePlan = { delete: [], forget: [], pending: [] };

/** What of the dropped entries may go. A deletion needs a positive statement at every point; whatever is missing holds it back. */
export function planPrune(request: PruneRequest): PrunePlan {
  const { healthyRevision, approval, inventory, shareMax, added } = request;
  if (healthyRevision === undefined) return nothingToPrune;
  const judged = judge(
    inventory.filter(({ dropped }) => dropped),
    request.live,
    request.owner,
  );
  const approved = approval?.revision === healthyRevision && judged.delete.length <= approval.objectsMax;
  if (approved) return foundationsLast(judged);
  const open = judged.delete.filter(({ entry }) => !isProtected(entry.ref));
  const guarded = judged.delete.filter(({ entry }) => isProtected(entry.ref));
  // All of the step or nothing: a share each time would be the whole in the end. And of what there was: another app, as large, would pass for half of it.
  const exceeded = open.length > shareMax * Math.max(0, inventory.length - added);
  return {
    delete: exceeded ? [] : open,
    forget: judged.forget,
    pending: [
      ...judged.pending,
      ...guarded.map(({ entry }): Held => ({ entry, reason: 'ProtectedKind' })),
      ...(exceeded ? open.map(({ entry }): Held => ({ entry, reason: 'ShareExceeded' })) : []),
    ],
  };
}

export interface RemovalRequest {
  readonly inventory: readonly InventoryEntry[];
  readonly owner: Owner;
  readonly policy: 'Delete' | 'Orphan';
  readonly live: ReadonlyMap<string, Live>;
  /** Of the tombstone. */
  readonly revision: string;
  readonly approval: Approval | undefined;
}

export interface RemovalPlan extends PrunePlan {
  /** Objects that lose our marks and stay. */
  readonly release: readonly KubeObject[];
}

/** What a tombstone asks for. It is the positive statement for everything of the assignment, except for the kinds that need an approval by name. */
export function planRemoval({ inventory, owner, policy, live, revision, approval }: RemovalRequest): RemovalPlan {
  const judged = judge(inventory, live, owner, true);
  if (policy === 'Orphan') {
    const release = judged.delete.map(({ entry }) => live.get(refText(entry.ref)) as KubeObject);
    return { delete: [], forget: judged.forget, pending: judged.pending.filter((held) => held.reason !== 'Terminating'), release };
  }
  const approved = approval?.revision === revision && judged.delete.length <= approval.objectsMax;
  const guarded = approved ? [] : judged.delete.filter(({ entry }) => isProtected(entry.ref));
  const plan = foundationsLast({
    delete: judged.delete.filter((deletion) => !guarded.includes(deletion)),
    forget: judged.forget,
    pending: [...judged.pending, ...guarded.map(({ entry }): Held => ({ entry, reason: 'ProtectedKind' }))],
  });
  return { ...plan, release: [] };
}

/** A definition or a namespace goes when what stands on it is gone: of a kind that is not served any more nobody can say that its objects are. */
function foundationsLast(plan: PrunePlan): PrunePlan {
  const above = ({ entry }: { entry: InventoryEntry }): boolean => !isFoundation(entry.ref);
  if (!plan.delete.some(above) && !plan.pending.some(above)) return plan;
  const waiting = plan.delete.filter((deletion) => !above(deletion));
  return {
    ...plan,
    delete: plan.delete.filter(above),
    pending: [...plan.pending, ...waiting.map(({ entry }): Held => ({ entry, reason: 'NeededByOthers' }))],
  };
}

function judge(entries: readonly InventoryEntry[], live: ReadonlyMap<string, Live>, owner: Owner, tombstone = false): PrunePlan {
  const deletions: Deletion[] = [];
  const forget: Forgotten[] = [];
  const pending: Held[] = [];
  for (const entry of entries) {
    const object = live.get(refText(entry.ref)) ?? 'unknown';
    if (object === 'unknown') pending.push({ entry, reason: 'NotConfirmed' });
    else if (object === 'absent') forget.push({ entry, reason: 'Gone' });
    else if (!isOurs(object, owner)) forget.push({ entry, reason: 'NoLongerOurs' });
    // A tombstone is itself the positive statement for all that bears our marks; a prune is one only for the object that was written.
    else if (!tombstone && entry.rebuilt) pending.push({ entry, reason: 'NeverAppliedAgain' });
    else if (!tombstone && entry.uid === undefined) pending.push({ entry, reason: 'NotConfirmed' });
    else if (!tombstone && entry.uid !== object.metadata.uid) forget.push({ entry, reason: 'Recreated' });
    else if (object.metadata.deletionTimestamp !== undefined) pending.push({ entry, reason: 'Terminating' });
    else {
      const { uid, resourceVersion } = object.metadata;
      // Without uid and version there is no precondition, and without a precondition no deletion.
      if (uid === undefined || resourceVersion === undefined) pending.push({ entry, reason: 'NotConfirmed' });
      else deletions.push({ entry, uid, resourceVersion });
    }
  }
  return { delete: deletions.toSorted((a, b) => rankOf(b.entry.ref) - rankOf(a.entry.ref)), forget, pending };
}
