import { CodedError } from '../../shared/kernel/mod.ts';

export type ContentCode =
  /** No trust policy lets this tenant's releases in. */
  | 'NOT_TRUSTED'
  /** The signed index does not list that variant for that environment. */
  | 'NOT_LISTED'
  /** Verified content that is not what the assignment names. */
  | 'MISMATCH'
  /** A registry, or something before it, served other bytes than those of the digest: it may serve the right ones later. */
  | 'CORRUPT'
  /** Bytes that are what was named, and no release. */
  | 'MALFORMED'
  | 'NOT_FOUND'
  | 'DENIED'
  | 'UNAVAILABLE';

export class ContentError extends CodedError<ContentCode> {
  override readonly name = 'ContentError';
}

/** Whether another try may find something else: what was named by digest does not change, what answers for it does. */
export const isContentRetryable = (error: unknown): boolean =>
  error instanceof ContentError && ['UNAVAILABLE', 'NOT_FOUND', 'DENIED', 'CORRUPT'].includes(error.code);
