import { CodedError } from '#shared/kernel/mod.ts';

export type KubeCode =
  | 'GO_MISSING' // no Go on this machine
  | 'GO_TOO_OLD'
  | 'BUILD_FAILED'
  | 'NAME_INVALID' // a cluster's name, or one that there is not
  | 'START_FAILED'; // a part, or a tool that starting needs, did not do its work

/** What can go wrong between this module and the programs that it builds and runs. Each message says what to do about it. */
export class KubeError extends CodedError<KubeCode> {
  override readonly name = 'KubeError';
}
