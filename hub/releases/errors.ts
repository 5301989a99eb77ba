import { CodedError } from '#shared/kernel/mod.ts';

export type ReleaseCode = 'APP_CHANGED';

export class ReleaseError extends CodedError<ReleaseCode> {
  override readonly name = 'ReleaseError';
}
