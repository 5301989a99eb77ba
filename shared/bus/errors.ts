import { CodedError } from '../kernel/mod.ts';

/**
 * - UNREACHABLE: no answer in time, or nobody there to give one. Worth repeating.
 * - CONFLICT: another write came in between; what is held has to be read again first. Also after an answer that was lost: the write may have happened.
 * - CLOSED: by us, for good.
 */
export type BusCode = 'UNREACHABLE' | 'CONFLICT' | 'TOO_LARGE' | 'REFUSED' | 'BAD_NAME' | 'BAD_KEYS' | 'CLOSED';

export class BusError extends CodedError<BusCode> {
  override readonly name = 'BusError';
}
