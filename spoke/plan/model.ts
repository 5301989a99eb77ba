import { CodedError } from '../../shared/kernel/mod.ts';
import type { KindInfo, KubeObject, ObjectRef } from '../kube/mod.ts';

export type PlanCode =
  /** Content that cannot be read as objects. */
  | 'MALFORMED'
  /** An object outside the tenant's namespaces or kinds. */
  | 'NOT_ALLOWED'
  /** An object that belongs to another assignment or another fleet. */
  | 'OWNED_BY_ANOTHER';

/** Everything that was wrong, at once: who has to repair it should not have to come back for the next one. */
export class PlanError extends CodedError<PlanCode> {
  override readonly name = 'PlanError';
  readonly problems: readonly string[];
  constructor(code: PlanCode, problems: readonly string[]) {
    super(code, bounded(problems));
    this.problems = problems;
  }
}

const problemsShownMax = 10;

function bounded(problems: readonly string[]): string {
  const rest = problems.length - problemsShownMax;
  return problems.slice(0, problemsShownMax).join('; ') + (rest > 0 ? `; and ${rest} more` : '');
}

/** Whose objects: what they are labelled with. */
export interface Owner {
  readonly fleetId: string;
  readonly assignmentUid: string;
}

/** One object to be written, as it will be sent. */
export interface Planned {
  readonly ref: ObjectRef;
  /** At the version that the object is written in, which need not be the preferred one. */
  readonly kind: KindInfo;
  readonly object: KubeObject;
}

/** What is applied together; between two stages, CRDs become Established and namespaces Active. */
export type Stage = readonly Planned[];

export type ApplyPlan =
  | { readonly outcome: 'ready'; readonly stages: readonly Stage[] }
  /** Not a refusal: the cluster does not say enough, or not yet. */
  | { readonly outcome: 'wait'; readonly reason: 'KindNotServed' | 'DiscoveryIncomplete'; readonly message: string };

/** One object that an assignment owns. */
export interface InventoryEntry {
  readonly ref: ObjectRef;
  /** Absent: an intent; it was about to be written and has not been read back. */
  readonly uid?: string;
  /** Hash of the fields that `wheelhouse` managed right after it was applied, and when that was: a difference is drift. Absent: what was applied there is not known any more. */
  readonly fields?: string;
  /** Written of the revision that is being applied (`applying`), which the other objects may not have got to: what it is held against and corrected to. */
  readonly ahead?: true;
  /** Absent from the revision that is applied: to be pruned once that is healthy. */
  readonly dropped?: true;
  /** Found by its labels after the inventory was lost; never pruned before it has been applied again. */
  readonly rebuilt?: true;
}

/** What the API server said of one object. `unknown` is everything that is not its own clear answer. */
export type Live = KubeObject | 'absent' | 'unknown';
