import { compareFence, fenceText, type Fence } from '#shared/kernel/mod.ts';

/** A fence with the hash of its payload, as the record and a spoke's messages carry it. */
export interface HashedFence extends Fence {
  readonly hash: Uint8Array;
}

/** What a spoke's fence says about the record. Ahead and Forked: the record is an old one that was restored, if it can be proven. */
export type FenceJudgement =
  | { readonly outcome: 'Confirmed' | 'Unconfirmed' }
  | { readonly outcome: 'Ahead' | 'Forked'; readonly message: string };

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** `history` is the record's hash at the claimed fence, if it has one. Pure. */
export function judgeFence(claimed: HashedFence | undefined, record: HashedFence, history: Uint8Array | undefined): FenceJudgement {
  if (!claimed || claimed.generation === 0) return { outcome: 'Unconfirmed' };
  const order = compareFence(claimed, record);
  if (order > 0) return { outcome: 'Ahead', message: `a spoke is at ${fenceText(claimed)}, the record only at ${fenceText(record)}` };
  const known = order === 0 ? record.hash : history;
  if (!known) return { outcome: 'Unconfirmed' };
  if (sameBytes(known, claimed.hash)) return { outcome: 'Confirmed' };
  return { outcome: 'Forked', message: `a spoke holds another state than the record at ${fenceText(claimed)}` };
}
