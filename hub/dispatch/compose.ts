import {
  ancestorHashBytes,
  AssignmentMode,
  AssignmentState,
  decodeDesired,
  DecodeError,
  DeletionPolicy,
  desiredLimits,
  DesiredState,
  encodeDesired,
  type Ancestor,
  type Assignment,
} from '#proto/mod.ts';
import { explain, sha256, type Fence } from '#shared/kernel/mod.ts';
import { DispatchError } from './errors.ts';

/** One placement with everything that its assignment says, as the record holds it. */
export interface Placed {
  readonly uid: string;
  readonly tenant: string;
  readonly app: string;
  readonly environment: string;
  readonly mode: 'Enforce' | 'Observe' | 'Suspended';
  readonly revision: string;
  readonly indexDigest: string;
  readonly repository: string;
  readonly variantDigest: string;
  readonly layerHash: string;
  readonly inputs: Uint8Array;
  readonly rollout: string | null;
  readonly traceparent: string;
}

export interface Composition {
  readonly fleetId: string;
  readonly clusterUid: string;
  readonly clusterName: string;
  readonly epoch: number;
  readonly keysetVersion: number;
  /** Of the last desired state, if there is one. */
  readonly previous: { readonly fence: Fence; readonly payload: Uint8Array } | undefined;
  /** Generations of `epoch`, newest first, at most 64. */
  readonly history: readonly { readonly generation: number; readonly hash: Uint8Array }[];
  readonly placements: readonly Placed[];
}

export interface Composed {
  readonly fence: Fence;
  readonly payload: Uint8Array;
  /** sha256 of the payload. */
  readonly hash: Uint8Array;
}

const modes = {
  Enforce: AssignmentMode.ASSIGNMENT_MODE_ENFORCE,
  Observe: AssignmentMode.ASSIGNMENT_MODE_OBSERVE,
  Suspended: AssignmentMode.ASSIGNMENT_MODE_SUSPENDED,
} as const;

const assignmentOf = (p: Placed): Assignment => ({
  uid: p.uid,
  tenant: p.tenant,
  app: p.app,
  environment: p.environment,
  state: AssignmentState.ASSIGNMENT_STATE_ACTIVE,
  mode: modes[p.mode],
  revision: p.revision,
  indexDigest: p.indexDigest,
  variant: { repository: p.repository, digest: p.variantDigest, layerHash: p.layerHash },
  inputs: Buffer.from(p.inputs),
  takesOver: [],
  requires: [],
  deletionPolicy: DeletionPolicy.DELETION_POLICY_UNSPECIFIED,
  pruneApproval: undefined,
  cause: { rollout: p.rollout ?? '', traceparent: p.traceparent },
});

/** What the document says, without where it stands in its history: equal for two states that say the same. */
const contentOf = (state: DesiredState): string =>
  JSON.stringify(DesiredState.toJSON({ ...state, epoch: 0, generation: 0, ancestors: [] }));

/**
 * The next desired state of one cluster, from all of its placements; undefined when it would say nothing new (or when there is nothing to say and never was).
 * Pure. Throws DispatchError NOT_ENCODABLE when a spoke would not read it.
 */
export function compose(from: Composition): Composed | undefined {
  const { previous, history } = from;
  if (!previous && from.placements.length === 0) return undefined;
  const fence = { epoch: Math.max(from.epoch, previous?.fence.epoch ?? 0), generation: (previous?.fence.generation ?? 0) + 1 };
  const state: DesiredState = {
    fleetId: from.fleetId,
    clusterUid: from.clusterUid,
    ...fence,
    ancestors: history.slice(0, desiredLimits.ancestorsMax).map(ancestorOf),
    keysetVersion: from.keysetVersion,
    requires: [],
    assignments: from.placements.map(assignmentOf).toSorted((a, b) => (a.uid < b.uid ? -1 : a.uid > b.uid ? 1 : 0)),
  };
  if (previous && previous.fence.epoch === fence.epoch && contentOf(decodeDesired(previous.payload)) === contentOf(state)) return undefined;
  const payload = encoded(state, from.clusterName);
  return { fence, payload, hash: sha256(payload) };
}

const ancestorOf = ({ generation, hash }: { readonly generation: number; readonly hash: Uint8Array }): Ancestor => ({
  generation,
  hash: Buffer.from(hash.subarray(0, ancestorHashBytes)),
});

function encoded(state: DesiredState, clusterName: string): Uint8Array {
  try {
    return encodeDesired(state);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new DispatchError(
      'NOT_ENCODABLE',
      `the desired state of cluster ${clusterName} (${state.assignments.length} assignments) cannot be sent: ${explain(error)}`,
      { cause: error },
    );
  }
}
