import { CodedError } from '#shared/kernel/mod.ts';

/**
 * - NOT_FOUND: there is no such thing to hold.
 * - HOLD_INVALID: no reason was given, or it would end in the past.
 * - ROLLOUT_ENDED: the rollout starts nothing any more.
 */
export type HoldCode = 'NOT_FOUND' | 'HOLD_INVALID' | 'ROLLOUT_ENDED';

export class HoldError extends CodedError<HoldCode> {
  override readonly name = 'HoldError';
}
