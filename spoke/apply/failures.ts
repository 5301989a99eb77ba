import { explain } from '../../shared/kernel/mod.ts';
import { isKubeError, isTransient, type KubeCode, type KubeError, type ObjectRef } from '../kube/mod.ts';
import { nameOf } from '../health/mod.ts';

export type FailureReason = 'Denied' | 'Conflict' | 'Invalid' | 'NotServed' | 'Unavailable' | 'NotReady';

/** What became of one object that could not be written. */
export interface Failure {
  readonly ref: ObjectRef;
  readonly reason: FailureReason;
  /** Names the object, the account where it matters, and what the API server said. */
  readonly message: string;
  /** Whether the same document may pass later. */
  readonly retryable: boolean;
}

/** Worst first: what somebody has to do something about, before what passes by itself. */
export const failureOrder: readonly FailureReason[] = ['Denied', 'Invalid', 'Conflict', 'NotServed', 'NotReady', 'Unavailable'];

/** The one place that says what a refusal of the API server means for an assignment. */
export function failureOf(ref: ObjectRef, error: unknown, account: string): Failure {
  const say = (reason: FailureReason, message: string, retryable: boolean): Failure => ({
    ref,
    reason,
    message: `${nameOf(ref)}: ${message}`,
    retryable,
  });
  if (!isKubeError(error)) return say('Unavailable', explain(error, 2), true);
  const reason = reasons[error.code] ?? (isTransient(error) ? 'Unavailable' : 'Invalid');
  if (reason === 'Denied') return say(reason, `${account} may not: ${error.message}`, true);
  return say(reason, reason === 'Conflict' ? conflictText(error) : error.message, reason !== 'Invalid');
}

const reasons: Partial<Record<KubeCode, FailureReason>> = {
  // Rights are given by somebody else, and may come later.
  FORBIDDEN: 'Denied',
  CONFLICT: 'Conflict',
  // A namespace or a definition that is on its way: the API server learns of it a moment after it says so.
  NO_SUCH_KIND: 'NotServed',
  NO_SUCH_NAMESPACE: 'NotServed',
  NOT_FOUND: 'NotServed',
};

/** The API server's causes name the other managers: who has to be asked. */
const conflictText = (error: KubeError): string =>
  error.causes.length === 0
    ? error.message
    : `others manage what it sets: ${error.causes
        .slice(0, 5)
        .map(({ field, message }) => `${field} (${message})`)
        .join(', ')}`;
