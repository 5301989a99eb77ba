import type { Assignment } from '../../proto/mod.ts';
import type { Drift } from '../drift/mod.ts';
import type { AssignmentRecord } from './port.ts';

/** What one visit is to do. */
export type Step =
  /** In the desired state there is nothing about it: it is kept as it is, and said so. */
  | { readonly do: 'keep' }
  | { readonly do: 'suspend' }
  | { readonly do: 'refuse'; readonly reason: 'Unsupported'; readonly message: string }
  | { readonly do: 'remove' }
  | { readonly do: 'observe' }
  /** Everything, or only what drifted. */
  | { readonly do: 'apply'; readonly because: 'NewRevision' | 'Unfinished' }
  | { readonly do: 'correct' }
  /** All is written; how it fares, and what may be pruned. */
  | { readonly do: 'watch' };

export interface Situation {
  /** undefined: absent from the desired state. */
  readonly assignment: Assignment | undefined;
  readonly record: AssignmentRecord | undefined;
  readonly drift: readonly Drift[];
}

/** Features of an assignment that this spoke understands. */
export const knownFeatures: readonly string[] = [];

/** From what is wanted, what was done and what is seen to the one next step. Pure: a visit after a crash decides from the same. */
export function decide({ assignment, record, drift }: Situation): Step {
  if (!assignment) return { do: 'keep' };
  const unknown = assignment.requires.filter((feature) => !knownFeatures.includes(feature));
  if (unknown.length > 0)
    return { do: 'refuse', reason: 'Unsupported', message: `this spoke does not know ${unknown.join(', ')}: it stays at what it has` };
  if (assignment.mode === 'ASSIGNMENT_MODE_SUSPENDED') return { do: 'suspend' };
  const policies = ['DELETION_POLICY_DELETE', 'DELETION_POLICY_ORPHAN'];
  if (assignment.state === 'ASSIGNMENT_STATE_REMOVED' && !policies.includes(assignment.deletionPolicy))
    return { do: 'refuse', reason: 'Unsupported', message: `this spoke does not know ${assignment.deletionPolicy}: nothing is deleted` };
  if (assignment.state === 'ASSIGNMENT_STATE_REMOVED')
    return assignment.mode === 'ASSIGNMENT_MODE_OBSERVE' ? { do: 'observe' } : { do: 'remove' };
  if (assignment.state !== 'ASSIGNMENT_STATE_ACTIVE' || !['ASSIGNMENT_MODE_ENFORCE', 'ASSIGNMENT_MODE_OBSERVE'].includes(assignment.mode))
    return { do: 'refuse', reason: 'Unsupported', message: `this spoke does not know ${assignment.state}, ${assignment.mode}` };
  // Half of it would be worse than none: the objects of the other would belong to nobody, or go with its tombstone before this one is healthy.
  if (assignment.takesOver.length > 0 && record?.applied?.revision !== assignment.revision)
    return {
      do: 'refuse',
      reason: 'Unsupported',
      message: `this spoke cannot take over the objects of ${assignment.takesOver.join(', ')}: nothing is written, and theirs stay`,
    };
  if (assignment.mode === 'ASSIGNMENT_MODE_OBSERVE') return { do: 'observe' };
  if (record?.applied?.revision !== assignment.revision) return { do: 'apply', because: 'NewRevision' };
  // Another revision was begun and given up: what is there is of both.
  if (record.applying) return { do: 'apply', because: 'Unfinished' };
  return { do: drift.length > 0 ? 'correct' : 'watch' };
}
