import { ContentError, isContentRetryable, type ContentCode } from '../fetch/mod.ts';
import { explain } from '../../shared/kernel/mod.ts';
import { isKubeError, isTransient } from '../kube/mod.ts';
import { PlanError, type PlanCode } from '../plan/mod.ts';
import { TenancyError } from '../tenancy/mod.ts';
import type { Failure } from '../apply/mod.ts';
import type { Problem } from './reports.ts';

/** Thrown inside a visit that cannot go on; becomes what is reported. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.message);
    this.problem = problem;
  }
}

const contentReasons: Readonly<Record<ContentCode, string>> = {
  NOT_TRUSTED: 'NotTrusted',
  NOT_LISTED: 'NotListed',
  MISMATCH: 'ContentMismatch',
  CORRUPT: 'ContentCorrupt',
  MALFORMED: 'ContentMalformed',
  NOT_FOUND: 'ContentNotFound',
  DENIED: 'ContentDenied',
  UNAVAILABLE: 'ContentUnavailable',
};
const planReasons: Readonly<Record<PlanCode, string>> = {
  MALFORMED: 'ContentMalformed',
  NOT_ALLOWED: 'NotAllowed',
  OWNED_BY_ANOTHER: 'OwnedByAnother',
};

/** The one place that says what an error means for an assignment. Pure. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  if (error instanceof ContentError) {
    const retryable = isContentRetryable(error);
    // Trust comes with a new keyset, which is no change of the assignment.
    return {
      reason: contentReasons[error.code],
      message: error.message,
      waits: retryable,
      retryable: retryable || error.code === 'NOT_TRUSTED',
    };
  }
  if (error instanceof PlanError)
    return { reason: planReasons[error.code], message: error.message, waits: false, retryable: error.code === 'OWNED_BY_ANOTHER' };
  if (error instanceof TenancyError) {
    const waits = error.code === 'NOT_SERVED';
    return { reason: waits ? 'NotServed' : 'NotAllowed', message: error.message, waits, retryable: error.code !== 'CLOSED_NAMESPACE' };
  }
  if (isKubeError(error) && !isTransient(error)) return { reason: 'ApiRefused', message: error.message, waits: false, retryable: true };
  return { reason: 'ApiUnavailable', message: explain(error, 3), waits: true, retryable: true };
}

/** Of an apply that failed in part: the worst speaks, the others are counted. */
export function problemOfFailures(failures: readonly Failure[]): Problem {
  const worst = failures[0];
  const more = failures.length > 1 ? ` (and ${failures.length - 1} more)` : '';
  return {
    reason: worst?.reason ?? 'Unavailable',
    message: `${worst?.message ?? 'nothing is known'}${more}`,
    waits: failures.every(({ reason }) => reason === 'Unavailable' || reason === 'NotServed' || reason === 'NotReady'),
    retryable: failures.every(({ retryable }) => retryable),
  };
}
