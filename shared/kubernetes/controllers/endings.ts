import { condition, isTrue } from '../objects/conditions.ts';
import { at, docAt, listAt, textAt, withAt, type Stored } from '../values.ts';
import type { Seen, Wish } from './player.ts';

const cleanup = 'customresourcecleanup.apiextensions.k8s.io';
const owns = ({ metadata }: Stored, one: Stored): boolean =>
  listAt(one, 'metadata', 'ownerReferences').some((owner) => textAt(owner, 'uid') === metadata.uid);

/** What concerns an object that is being deleted, by the finalizer that says so. */
const concerns: Readonly<Record<string, (object: Stored, one: Stored, table: string) => boolean>> = {
  orphan: owns,
  foregroundDeletion: owns,
  kubernetes: ({ metadata }, one) => one.metadata.namespace === metadata.name,
  [cleanup]: ({ spec }, _, table) => table === `${textAt(spec, 'group')}/${textAt(spec, 'names', 'plural')}`,
};

/** Goes on with what is being deleted: what it owns or contains goes first, unless it is let go. */
export function ending({ table, object, all, delayMs }: Seen): Wish {
  const where = table === '/namespaces' ? 'spec' : 'metadata';
  const finalizers = listAt(object, where, 'finalizers').map(String);
  const away = { graceSeconds: 0 };
  if (table === '/pods' && finalizers.length === 0) return { after: { what: 'end', ms: delayMs }, remove: [object], removing: away };
  const mine = finalizers.find((one) => concerns[one]);
  if (mine === undefined) return {};
  const found = all.flatMap(([of, one]) => (concerns[mine]?.(object, one, of) ? one : []));
  const propagation = mine === 'foregroundDeletion' ? 'Foreground' : 'Background';
  if (found.length > 0 && mine !== 'orphan')
    return { remove: found.filter(({ metadata }) => metadata.deletionTimestamp === undefined), removing: { propagation } };
  const rest = finalizers.filter((one) => one !== mine);
  const released = withAt(object, [where, 'finalizers'], rest);
  return { put: [...found.map((one) => letGo(one, object)), released], remove: [released], removing: away };
}

function letGo(one: Stored, { metadata: { uid } }: Stored): Stored {
  const left = listAt(one, 'metadata', 'ownerReferences').filter((owner) => textAt(owner, 'uid') !== uid);
  return withAt(one, ['metadata', 'ownerReferences'], left.length > 0 ? left : undefined);
}

/** All that owned it is gone. */
export const abandoned = ({ object }: Seen): Wish => ({ remove: [object], removing: { propagation: 'Background' } });

const acceptance = [
  ['NamesAccepted', 'NoConflicts', 'no conflicts found'],
  ['Established', 'InitialNamesAccepted', 'the initial names have been accepted'],
] as const;

/** A definition is established a moment after it was made. */
export function definition({ object, now, delayMs }: Seen): Wish {
  const finalizers = [...new Set([...(object.metadata.finalizers ?? []), cleanup])];
  const conditions = acceptance.map(([type, reason, message]) => condition(object, { type, status: 'True', reason, message }, now));
  const status = { ...docAt(object, 'status'), conditions, acceptedNames: at(object, 'spec', 'names') };
  const after = { what: 'established', ms: isTrue(object, 'Established') ? 0 : delayMs / 4 };
  return { after, put: [{ ...withAt(object, ['metadata', 'finalizers'], finalizers), status }] };
}
