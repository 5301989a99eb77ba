import { CodedError } from '#shared/kernel/mod.ts';

export type KubeCode =
  | 'GO_MISSING' // no Go on this machine
  | 'GO_TOO_OLD'
  | 'BUILD_FAILED'
  | 'BUILD_BUSY' // another process has been building for too long
  | 'NAME_INVALID'
  | 'START_FAILED' // a part ended by itself
  | 'START_TIMEOUT'
  | 'REQUEST_FAILED';

/** What can go wrong between this module and the processes that it starts. */
export class KubeError extends CodedError<KubeCode> {
  override readonly name = 'KubeError';
}
