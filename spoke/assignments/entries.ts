import type { Assignment, Condition, Fence, Hops } from '../../proto/mod.ts';
import type { Cancel, Clock } from '../../shared/clock/mod.ts';
import { parseInputs, type Inputs } from '../../shared/kernel/mod.ts';
import { noStories, type Stories } from '../drift/mod.ts';
import type { InventoryEntry } from '../plan/mod.ts';
import type { Cause } from './causes.ts';
import type { Problem } from './reports.ts';
import type { AssignmentRecord } from './port.ts';

/** What a running spoke knows of one assignment beside its record; all of it can be lost. */
export interface Entry {
  readonly uid: string;
  /** undefined: absent from the desired state. */
  assignment: Assignment | undefined;
  /** Of the desired state in which this assignment last changed: an unchanged one is not reported anew with each generation. */
  fence: Fence | undefined;
  /** When the wanted revision was received, monotonic. */
  receivedAtMs: number;
  record: AssignmentRecord | undefined;
  loaded: boolean;
  hops: Hops;
  problem: Problem | undefined;
  /** Since when there has been one without a break, monotonic. */
  problemAtMs: number;
  /** What the revision wants is being written, and is not in the record yet: until it is, nobody can tell it from drift. */
  writing?: boolean;
  attempt: number;
  cancelRetry: Cancel | undefined;
  cancelLook: Cancel | undefined;
  conditions: Condition[];
  reported: string;
  wasHealthy: boolean;
  /** Wall time until when it was healthy; 0: not yet in this process. */
  healthyAtMs: number;
  note: string;
  noteAtMs: number;
  /** What others did to its objects. */
  drift: Stories;
  prunePending: number;
  /** What could not be listed when its lost record was put together again; empty: nothing is missing. */
  unlisted: readonly string[];
  /** What the pods of Degraded workloads said, by the workload's name. */
  causes: ReadonlyMap<string, Cause>;
  removed: boolean;
  /** What Observe mode last looked at. */
  observedKey: string;
  visiting: boolean;
  /** Another visit was asked for while this one went on. */
  again: boolean;
  /** The watch said something while it went on. */
  moved: boolean;
}

export const newEntry = (uid: string, nowMs: number): Entry => ({
  uid,
  assignment: undefined,
  fence: undefined,
  receivedAtMs: nowMs,
  record: undefined,
  loaded: false,
  hops: {},
  problem: undefined,
  problemAtMs: 0,
  attempt: 0,
  cancelRetry: undefined,
  cancelLook: undefined,
  conditions: [],
  reported: '',
  wasHealthy: false,
  healthyAtMs: 0,
  note: '',
  noteAtMs: 0,
  drift: noStories,
  prunePending: 0,
  unlisted: [],
  causes: new Map(),
  removed: false,
  observedKey: '',
  visiting: false,
  again: false,
  moved: false,
});

/** Said beside the health, for a while. */
export function say({ clock }: { readonly clock: Clock }, entry: Entry, note: string): void {
  entry.note = note;
  entry.noteAtMs = clock.monotonicMs();
}

/** Thrown inside a visit whose assignment has been replaced meanwhile: what it would still do or say is about what was wanted before. */
export class SupersededError extends Error {
  override readonly name = 'SupersededError';
}

/** Asked before every first write and every deletion. Throws SupersededError. */
export function checkWanted(entry: Entry, assignment: Assignment | undefined): void {
  if (entry.assignment !== assignment) throw new SupersededError('another state of the assignment has arrived');
}

/** Of which revision what stands there is: of the one that was begun last, or of the one before it. */
export const stages = ['applying', 'applied'] as const;
export type StageName = (typeof stages)[number];
export const stageOf = ({ ahead }: InventoryEntry): StageName => (ahead ? 'applying' : 'applied');

/** A recorded revision as it was assigned, when the record holds its content: what drift is corrected to while the wanted one cannot be had. */
export function heldAssignment({ assignment, record }: Entry, stage: StageName): Assignment | undefined {
  const content = record?.[stage];
  if (!assignment?.variant || !content?.layer) return undefined;
  const { revision, indexDigest, layerHash, inputs } = content;
  return { ...assignment, revision, indexDigest, inputs: Buffer.from(inputs), variant: { ...assignment.variant, layerHash } };
}

/** Of what is wanted, else of what is applied; undefined when neither can be read. */
export function inputsOf({ assignment, record }: Pick<Entry, 'assignment' | 'record'>): Inputs | undefined {
  for (const bytes of [assignment?.inputs, record?.applied?.inputs, record?.applying?.inputs]) {
    if (!bytes || bytes.byteLength === 0) continue;
    try {
      return parseInputs(bytes);
    } catch {
      // Said by whoever has to write with them.
    }
  }
  return undefined;
}
