import type { Hops } from '../../proto/mod.ts';
import type { InventoryEntry } from '../plan/mod.ts';

/** What was verified and applied (or is being applied): enough to name it, and to do it again without hub and registry. */
export interface ContentRecord {
  readonly revision: string;
  readonly indexDigest: string;
  readonly layerHash: string;
  /** The very bytes of the assignment. */
  readonly inputs: Uint8Array;
  /** The layer as served (gzipped tar); absent when it does not fit into the record: then it is only in the cache. */
  readonly layer?: Uint8Array;
  /** Wall time when the revision was fully applied, epoch milliseconds: what the health time-out counts from. 0: not yet. */
  readonly appliedAtMs: number;
  /** Objects that the inventory did not have before this revision was begun: the brake counts what it drops against the others. Absent: not recorded. */
  readonly added?: number;
  /** While it is being applied: the inventory says what of it has been written. Absent: a process may have died before it could say so. */
  readonly reached?: true;
  /** How long each hop took; present once it has been healthy. */
  readonly healthy?: Hops;
}

/** Everything durable about one assignment. */
export interface AssignmentRecord {
  readonly inventory: readonly InventoryEntry[];
  /** Put together again after it was lost, and not every kind could be listed: there may be more of ours. Nothing is pruned until all could. */
  readonly rebuilding?: true;
  /** Present from before the first write of a revision until all of it is applied. */
  readonly applying?: ContentRecord;
  readonly applied?: ContentRecord;
}

/**
 * Where records are kept. Every method rejects when the API server does not answer clearly: `undefined` is only ever its own "there is none".
 */
export interface AssignmentStore {
  /** Uids of all records there are. */
  list(signal: AbortSignal): Promise<readonly string[]>;
  load(uid: string, signal: AbortSignal): Promise<AssignmentRecord | undefined>;
  /** Durable when it resolves. May leave out `layer` of either content when the whole would not fit. */
  save(uid: string, record: AssignmentRecord, signal: AbortSignal): Promise<void>;
  remove(uid: string, signal: AbortSignal): Promise<void>;
}
