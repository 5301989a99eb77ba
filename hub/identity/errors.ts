import { CodedError } from '#shared/kernel/mod.ts';

export type IdentityCode =
  | 'KEYS_MISSING'
  | 'RECORD_MISSING'
  | 'KEYS_UNREADABLE'
  | 'NO_SUCH_CLUSTER'
  | 'TOKEN_INVALID'
  | 'TOKEN_EXPIRED'
  | 'TOKEN_USED'
  | 'CLUSTER_EXISTS'
  | 'CLONE_REFUSED'
  | 'ENROLLED_ELSEWHERE'
  | 'REVOKED'
  | 'CERTIFICATE_UNKNOWN'
  | 'CERTIFICATE_TOO_OLD'
  | 'KEY_MISMATCH'
  | 'REQUEST_INVALID';

export class IdentityError extends CodedError<IdentityCode> {
  override readonly name = 'IdentityError';
}
