import { ancestorHashBytes, decodeDesired, DecodeError, desiredPayloadType, documentFeatures, type DesiredState } from '#proto/mod.ts';
import { compareFence, type Fence, fenceText, sha256 } from '#shared/kernel/mod.ts';
import { openEnvelope, type Trusted } from '#shared/signing/mod.ts';

/** A fence together with the sha256 of the payload bytes that it was read from: two documents of one fence are told apart by it. */
export interface HashedFence extends Fence {
  readonly hash: Uint8Array;
}

/** What the hub said over an authenticated channel: enrolment reply, then each Welcome. */
export interface Floor {
  /** The cluster's fence in the record; at generation 0 nothing has been dispatched yet, and the hash is empty. */
  readonly fence: HashedFence;
  /** The fence that the spoke named and that the record's history knows. Holds for the stream that said so; forget it when that ends. */
  readonly confirmed?: HashedFence;
}

/** Who judges. */
export interface Self {
  readonly fleetId: string;
  readonly clusterUid: string;
  /** The keyset's `desired` role. */
  readonly desired: Trusted;
  /** Format features that are understood; by default those of this version. */
  readonly features?: ReadonlySet<string>;
}

export type RefusalOutcome = 'Older' | 'Forked' | 'NotMine' | 'BadSignature' | 'Malformed' | 'Unsupported' | 'NoFloor';
export type Judgement =
  | { readonly outcome: 'Accept'; readonly state: DesiredState; readonly fence: HashedFence }
  | { readonly outcome: 'Same'; readonly fence: HashedFence }
  | {
      readonly outcome: RefusalOutcome;
      readonly message: string;
      /** What the refused document says of itself, if it could be read; worth reporting, never worth acting on. */
      readonly seen?: Fence & { readonly hash?: Uint8Array };
    };

/**
 * Whether what came from NATS is this cluster's next desired state. The one gate: nothing is applied that it did not accept, and accepting only ever moves
 * the fence up. `stored` is what was accepted last, undefined on a spoke that never accepted anything; it is then the floor that keeps an old document out.
 */
export function judge(stored: HashedFence | undefined, received: Uint8Array, self: Self, floor: Floor | undefined): Judgement {
  const opened = openEnvelope(received, desiredPayloadType, self.desired);
  if (!opened.ok) return { outcome: opened.code === 'BAD_SIGNATURE' ? 'BadSignature' : 'Malformed', message: opened.message };
  const hash = sha256(opened.payload);
  if (stored && equal(hash, stored.hash)) return { outcome: 'Same', fence: stored };
  let state: DesiredState;
  try {
    state = decodeDesired(opened.payload, self.features ?? documentFeatures);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    const seen = error.seen && { seen: { ...error.seen, hash } };
    return { outcome: error.code === 'UNSUPPORTED' ? 'Unsupported' : 'Malformed', message: error.message, ...seen };
  }
  const fence = { epoch: state.epoch, generation: state.generation, hash };
  const wrong = notMine(state, self) ?? (stored ? notNext(state, fence, stored, floor?.confirmed) : belowFloor(fence, floor?.fence));
  return wrong ? { ...wrong, seen: fence } : { outcome: 'Accept', state, fence };
}

interface Wrong {
  readonly outcome: RefusalOutcome;
  readonly message: string;
}

function notMine(state: DesiredState, self: Self): Wrong | undefined {
  if (state.fleetId !== self.fleetId) return { outcome: 'NotMine', message: `of fleet ${state.fleetId}, this is ${self.fleetId}` };
  if (state.clusterUid !== self.clusterUid)
    return { outcome: 'NotMine', message: `for cluster ${state.clusterUid}, this is ${self.clusterUid}` };
  return undefined;
}

/** A spoke that holds nothing cannot tell old from new, so it waits until the hub has said how far the record is. */
function belowFloor(fence: HashedFence, floor: HashedFence | undefined): Wrong | undefined {
  if (!floor) return { outcome: 'NoFloor', message: 'nothing is held and the hub has not said yet where the record is' };
  const order = compareFence(fence, floor);
  if (order < 0) return { outcome: 'Older', message: `${fenceText(fence)} is below the floor ${fenceText(floor)}` };
  return order === 0 ? sameFence(fence, floor) : undefined;
}

function notNext(state: DesiredState, fence: HashedFence, stored: HashedFence, confirmed: HashedFence | undefined): Wrong | undefined {
  const order = compareFence(fence, stored);
  if (order < 0) return { outcome: 'Older', message: `${fenceText(fence)} is older than ${fenceText(stored)}` };
  if (order === 0) return sameFence(fence, stored);
  if (fence.epoch > stored.epoch) return undefined;
  const ancestor = state.ancestors.find((a) => a.generation === stored.generation);
  // Asked before the confirmation: a document that names another hash for our generation is of another history, whoever confirmed ours.
  if (ancestor && !equal(ancestor.hash, stored.hash.subarray(0, ancestorHashBytes))) {
    return { outcome: 'Forked', message: `${fenceText(fence)} descends from another ${fenceText(stored)} than the one held` };
  }
  if (ancestor || (confirmed && equal(confirmed.hash, stored.hash))) return undefined;
  return {
    outcome: 'Forked',
    message: `${fenceText(fence)} does not name ${fenceText(stored)} among its ancestors, and the hub has not confirmed it`,
  };
}

/** Reached only with other bytes than `held` stands for, unless its hash is not known. */
function sameFence(fence: HashedFence, held: HashedFence): Wrong | undefined {
  if (held.hash.byteLength === 0 || equal(fence.hash, held.hash)) return undefined;
  return { outcome: 'Forked', message: `two documents have the fence ${fenceText(fence)}` };
}

const equal = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
