import { CodedError } from '#shared/kernel/mod.ts';

export type SourceCode =
  | 'UNREACHABLE'
  | 'TIMED_OUT'
  | 'UNAUTHORIZED'
  | 'CREDENTIALS_MISSING'
  | 'REPOSITORY_MISSING'
  | 'REDIRECTED'
  | 'INSECURE'
  | 'REF_MISSING'
  | 'MOVED'
  | 'PATH_MISSING'
  | 'UNSUPPORTED_ENTRY'
  | 'TOO_LARGE'
  | 'BAD_RESPONSE';

/** A source could not be read. Never taken for an empty one. Messages name the repository, never a credential. */
export class SourceError extends CodedError<SourceCode> {
  override readonly name = 'SourceError';
}

const ofCommit: readonly SourceCode[] = ['PATH_MISSING', 'UNSUPPORTED_ENTRY', 'TOO_LARGE'];

/** It is the commit that is wrong: reading it again gives the same, only another commit (or another app) helps. */
export const isOfCommit = (error: unknown): error is SourceError => error instanceof SourceError && ofCommit.includes(error.code);
