import { digestOf, digestBytes } from '../../shared/kernel/mod.ts';
import { fieldsHashOf } from '../drift/mod.ts';
import { refOf, refText, type KubeObject, type ObjectRef } from '../kube/mod.ts';
import type { InventoryEntry } from '../plan/mod.ts';

// What an assignment owns. It grows before anything is written and shrinks after it is gone, so that no crash leaves an object that nobody knows. Pure.

const byName = (entries: readonly InventoryEntry[]): Map<string, InventoryEntry> =>
  new Map(entries.map((entry) => [refText(entry.ref), entry]));
const sorted = (entries: Iterable<InventoryEntry>): readonly InventoryEntry[] =>
  [...entries].sort((a, b) => (refText(a.ref) < refText(b.ref) ? -1 : 1));

const kept = ({ dropped: _dropped, ...entry }: InventoryEntry): InventoryEntry => entry;
const level = ({ ahead: _ahead, ...entry }: InventoryEntry): InventoryEntry => entry;

/** Before writing: an intent for each object that is not in it yet; what is wanted again is no longer dropped. */
export function grown(inventory: readonly InventoryEntry[], refs: readonly ObjectRef[]): readonly InventoryEntry[] {
  const entries = byName(inventory);
  for (const ref of refs) {
    entries.set(refText(ref), kept(entries.get(refText(ref)) ?? { ref }));
  }
  return sorted(entries.values());
}

/** Another revision is begun than the one that was: with that go the contents of what it has written, and there is nothing left to hold those against. */
export const givenUp = (inventory: readonly InventoryEntry[]): readonly InventoryEntry[] =>
  inventory.map((entry) => {
    const { fields: _fields, ...rest } = level(entry);
    return entry.ahead ? rest : entry;
  });

/** After writing: what the API server said the objects are. `ahead`: written of the revision that is being applied; else of what each was of before. */
export function readBack(inventory: readonly InventoryEntry[], objects: readonly KubeObject[], ahead = false): readonly InventoryEntry[] {
  const entries = byName(inventory);
  for (const object of objects) {
    const ref = refOf(object);
    const { uid } = object.metadata;
    const before = entries.get(refText(ref));
    if (uid === undefined || !before) continue;
    const mark = ahead || before.ahead ? { ahead: true as const } : {};
    entries.set(refText(ref), { ref, uid, fields: fieldsHashOf(object), ...mark });
  }
  return sorted(entries.values());
}

/** After all of a revision is written: nothing is ahead of it any more, and what is not of it is dropped. */
export function settled(inventory: readonly InventoryEntry[], refs: readonly ObjectRef[]): readonly InventoryEntry[] {
  const wanted = new Set(refs.map(refText));
  return inventory.map(level).map((entry) => (wanted.has(refText(entry.ref)) ? kept(entry) : { ...entry, dropped: true as const }));
}

export function without(inventory: readonly InventoryEntry[], gone: readonly InventoryEntry[]): readonly InventoryEntry[] {
  const names = new Set(gone.map(({ ref }) => refText(ref)));
  return inventory.filter(({ ref }) => !names.has(refText(ref)));
}

/** From objects that bear our marks, when the inventory itself is lost. */
export const rebuilt = (objects: readonly KubeObject[]): readonly InventoryEntry[] =>
  sorted(objects.map((object) => ({ ref: refOf(object), rebuilt: true as const })));

/** The same with what a later sweep has found; `dropped`: a revision is fully applied, and it is not of that. */
export function joined(inventory: readonly InventoryEntry[], objects: readonly KubeObject[], dropped: boolean): readonly InventoryEntry[] {
  const known = byName(inventory);
  const found = rebuilt(objects).filter(({ ref }) => !known.has(refText(ref)));
  return sorted([...inventory, ...found.map((entry) => (dropped ? { ...entry, dropped: true as const } : entry))]);
}

export const inventoryHash = (inventory: readonly InventoryEntry[]): Buffer =>
  Buffer.from(digestBytes(digestOf(inventory.map(({ ref, uid }) => `${refText(ref)} ${uid ?? ''}\n`).join(''))).subarray(0, 8));
