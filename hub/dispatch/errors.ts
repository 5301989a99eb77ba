import { CodedError } from '#shared/kernel/mod.ts';

/**
 * - RECORD_BEHIND: the record is an old one; nothing is published until recover.
 * - NOT_ENCODABLE: the cluster's desired state is over a limit or has a wrong value; the message names what.
 */
export type DispatchCode = 'RECORD_BEHIND' | 'NOT_ENCODABLE';

export class DispatchError extends CodedError<DispatchCode> {
  override readonly name = 'DispatchError';
}
