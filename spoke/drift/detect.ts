import { canonicalJson, digestOf, type Json } from '../../shared/kernel/mod.ts';
import type { KubeObject } from '../kube/mod.ts';
import type { InventoryEntry, Live } from '../plan/mod.ts';
import { isOurApply, levelsMax, managedFieldsOf } from './fields.ts';

/**
 * Hash of the fields that are ours and, after an `@`, when they were applied last, in whole seconds of the API server's clock. It takes a field from us the
 * moment somebody else changes its value, so a different hash is drift; and it moves the time only when something was applied under our name that changed
 * something, so a different time is drift too: somebody has borrowed the name. Values need not be compared, which would stumble over every default and normalisation.
 */
export function fieldsHashOf(object: KubeObject): string {
  const ours = managedFieldsOf(object).filter(isOurApply);
  const trees = ours.map(({ fields }) => canonicalJson(bounded(fields, levelsMax)));
  const hash = digestOf(trees.sort().join('\n')).slice('sha256:'.length, 'sha256:'.length + 16);
  const times = ours.flatMap(({ atMs }) => (atMs === undefined ? [] : [atMs / 1000]));
  return times.length === 0 ? hash : `${hash}@${Math.max(...times)}`;
}

/** Where no time was recorded the fields alone are held against each other. */
function isSame(a: string, b: string): boolean {
  const [[fieldsOfA, timeOfA], [fieldsOfB, timeOfB]] = [a.split('@'), b.split('@')];
  return fieldsOfA === fieldsOfB && (timeOfA === timeOfB || timeOfA === undefined || timeOfB === undefined);
}

/** Anybody who may write an object may write this too: nested without end, or of what has no canonical form, it must not stop who looks at it. */
function bounded(fields: unknown, levels: number): Json {
  if (typeof fields !== 'object' || fields === null || levels === 0) return {};
  return Object.fromEntries(Object.entries(fields).map(([step, inner]) => [step.toWellFormed(), bounded(inner, levels - 1)]));
}

export type DriftKind = 'Changed' | 'Deleted' | 'Replaced';
/** `unknown`: nothing can be said, and nothing is done about it. */
export type Found = DriftKind | 'none' | 'unknown';

/** How the world differs from what was written. `fieldsHash` is that of `live`. Pure. */
export function found(entry: InventoryEntry, live: Live, fieldsHash: string): Found {
  if (entry.dropped) return 'none';
  // Never read back, or of what is not known any more: there is nothing to hold it against. Whoever applies it will know.
  if (live === 'unknown' || entry.uid === undefined || entry.fields === undefined) return 'unknown';
  if (live === 'absent') return 'Deleted';
  // Nothing can be written to it any more; when it is gone, it is drift of the other kind.
  if (live.metadata.deletionTimestamp !== undefined) return 'unknown';
  if (live.metadata.uid !== entry.uid) return 'Replaced';
  return isSame(fieldsHash, entry.fields) ? 'none' : 'Changed';
}

/**
 * Whether an object of another uid was applied by us after what the inventory knows of its name: by a process that made it anew and died before it could say
 * so. A copy out of a backup has at best the time of the original. Pure.
 */
export function isMadeAnew({ fields = '' }: InventoryEntry, live: KubeObject): boolean {
  const [[known, before], [found, at]] = [fields.split('@'), fieldsHashOf(live).split('@')];
  return known === found && Number(at) > Number(before);
}
