import { CodedError } from '../../shared/kernel/mod.ts';
import { isKubeError, isTransient } from '../kube/mod.ts';

export type StateCode =
  /** Somebody else writes what is ours alone: another process of this spoke, or a person. Stop. */
  | 'LOST_RACE'
  /** It is there and cannot be understood. Never treated as absent. */
  | 'UNREADABLE'
  /** The API server did not answer clearly: nothing is known, not even whether a write happened. Try again. */
  | 'UNAVAILABLE'
  /** The API server will not have it as it is: rights, quota, validation. */
  | 'REFUSED'
  /** What would have to be kept does not fit. */
  | 'TOO_LARGE';

/** The one error of this module. Names the Secret; never what is in it. */
export class StateError extends CodedError<StateCode> {
  override readonly name = 'StateError';
}

/** A failure of the API server's side in our words; anything that is no KubeError (a signal's reason) stays what it is. */
export function stateError(error: unknown, what: string): unknown {
  if (!isKubeError(error)) return error;
  if (isTransient(error)) return new StateError('UNAVAILABLE', `${what}: the API server did not answer clearly`, { cause: error });
  if (isKubeError(error, 'TOO_LARGE')) return new StateError('TOO_LARGE', `${what}: too large for the API server`, { cause: error });
  return new StateError('REFUSED', `${what}: the API server refused`, { cause: error });
}
