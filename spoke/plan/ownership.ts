import { labels } from '../../shared/kernel/mod.ts';
import { fieldManager, refOf, refText, type KubeObject, type ObjectRef } from '../kube/mod.ts';
import type { Owner } from './model.ts';

/**
 * Whose mark an object carries: its labels, an annotation that names this very object (operators copy labels and annotations to what they create; a copy
 * names another), and our field manager. undefined: nobody's of us.
 */
export function ownerOf(object: KubeObject): Owner | undefined {
  const { labels: given, annotations, managedFields } = object.metadata;
  const fleetId = given?.[labels.fleet];
  const assignmentUid = given?.[labels.assignment];
  if (fleetId === undefined || assignmentUid === undefined) return undefined;
  if (annotations?.[labels.object] !== refText(refOf(object))) return undefined;
  return Array.isArray(managedFields) && managedFields.some(isOurEntry) ? { fleetId, assignmentUid } : undefined;
}

const isOurEntry = (entry: unknown): boolean =>
  typeof entry === 'object' && entry !== null && 'manager' in entry && entry.manager === fieldManager;

export function isOurs(object: KubeObject, owner: Owner): boolean {
  const found = ownerOf(object);
  return found !== undefined && found.fleetId === owner.fleetId && found.assignmentUid === owner.assignmentUid;
}

/** The object as it will be sent: our marks on it, and nothing of what only the API server may say. */
export function stamped(object: KubeObject, ref: ObjectRef, owner: Owner): KubeObject {
  const { status: _status, metadata, ...rest } = object;
  const {
    managedFields: _fields,
    uid: _uid,
    resourceVersion: _version,
    generation: _generation,
    creationTimestamp: _created,
    deletionTimestamp: _deleted,
    selfLink: _link,
    namespace: _namespace,
    ...kept
  } = metadata;
  return {
    ...rest,
    metadata: {
      ...kept,
      ...(ref.namespace === '' ? {} : { namespace: ref.namespace }),
      labels: { ...metadata.labels, [labels.fleet]: owner.fleetId, [labels.assignment]: owner.assignmentUid },
      annotations: { ...metadata.annotations, [labels.object]: refText(ref) },
    },
  };
}

export type Claim =
  /** Ours already: fields that somebody took are taken back. */
  | { readonly as: 'ours' }
  /** Nobody's of us: taken over where nobody else manages the same fields; a conflict is reported. */
  | { readonly as: 'new' }
  | { readonly as: 'refused'; readonly message: string };

/** May this assignment write over what is there? `ownUid` is the uid that its inventory holds. */
export function claimOf(ref: ObjectRef, live: KubeObject | 'absent', owner: Owner, ownUid: string | undefined): Claim {
  if (live === 'absent') return { as: 'new' };
  const found = ownerOf(live);
  if (!found) return { as: ownUid !== undefined && live.metadata.uid === ownUid ? 'ours' : 'new' };
  const sameFleet = found.fleetId === owner.fleetId;
  if (sameFleet && found.assignmentUid === owner.assignmentUid) return { as: 'ours' };
  return {
    as: 'refused',
    message: `${refText(ref)} belongs to ${sameFleet ? `assignment ${found.assignmentUid}` : `another fleet (${found.fleetId})`}: two cannot own one object`,
  };
}
