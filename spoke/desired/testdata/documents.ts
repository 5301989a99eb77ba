// A fleet with fixed keys, from which the vectors and the tests of the judge are made.
import {
  ancestorHashBytes,
  AssignmentMode,
  AssignmentState,
  DeletionPolicy,
  desiredPayloadType,
  type DesiredState,
  encodeDesired,
} from '#proto/mod.ts';
import { digestOf, sha256 } from '#shared/kernel/mod.ts';
import { keyFromSeed, sealEnvelope, type SigningKey } from '#shared/signing/mod.ts';
import type { HashedFence, Self } from '../judge.ts';

const keyOf = (seed: number): SigningKey => keyFromSeed(new Uint8Array(32).fill(seed));
/** Fixed test keys, of no fleet but this one. */
export const keys = { desired: keyOf(1), next: keyOf(2), stranger: keyOf(3) } as const;

export const self: Self = {
  fleetId: 'f1',
  clusterUid: 'c1',
  desired: { keys: [keys.desired.publicKey, keys.next.publicKey], threshold: 1 },
  features: new Set(),
};

/** A document of a history: `content` is what distinguishes two of one fence. */
export interface Document {
  readonly fence: HashedFence;
  readonly payload: Uint8Array;
}

export function documentOf(fence: { epoch: number; generation: number }, before: readonly Document[], change: Partial<DesiredState> = {}, content = 'v1'): Document {
  const state: DesiredState = {
    fleetId: self.fleetId,
    clusterUid: self.clusterUid,
    ...fence,
    ancestors: before
      .filter((d) => d.fence.epoch === fence.epoch && d.fence.generation < fence.generation)
      .toSorted((a, b) => b.fence.generation - a.fence.generation)
      .slice(0, 64)
      .map((d) => ({ generation: d.fence.generation, hash: Buffer.from(d.fence.hash.subarray(0, ancestorHashBytes)) })),
    keysetVersion: 1,
    requires: [],
    assignments: [assignmentOf(content)],
    ...change,
  };
  const payload = encodeDesired(state);
  return { payload, fence: { ...fence, hash: sha256(payload) } };
}

const assignmentOf = (content: string): DesiredState['assignments'][number] => ({
  uid: 'p1',
  tenant: 'payments',
  app: 'ledger',
  environment: 'prod',
  state: AssignmentState.ASSIGNMENT_STATE_ACTIVE,
  mode: AssignmentMode.ASSIGNMENT_MODE_ENFORCE,
  revision: digestOf(`revision ${content}`),
  indexDigest: digestOf(`index ${content}`),
  variant: { repository: 'registry.example/payments/ledger', digest: digestOf(`manifest ${content}`), layerHash: digestOf(`layer ${content}`) },
  inputs: Buffer.from('{}'),
  takesOver: [],
  requires: [],
  deletionPolicy: DeletionPolicy.DELETION_POLICY_UNSPECIFIED,
  pruneApproval: undefined,
  cause: undefined,
});

export const sealed = (payload: Uint8Array, key: SigningKey = keys.desired, type: string = desiredPayloadType): Buffer => sealEnvelope(payload, type, [key]);

/** Generations 1..`length` of one epoch; `content` makes it a history of its own from generation `from` on, the same as every other before. */
export function historyOf(epoch: number, length: number, content = 'main', from = 1): Document[] {
  const history: Document[] = [];
  for (let generation = 1; generation <= length; generation++) {
    const line = generation < from ? 'main' : content;
    history.push(documentOf({ epoch, generation }, history, {}, `${line} ${generation}`));
  }
  return history;
}
