import { CodedError } from '#shared/kernel/mod.ts';

export type ProcessCode =
  | 'NOT_STARTED' // the command could not be run at all
  | 'ENDED_EARLY' // it ended before it was ready
  | 'NOT_READY' // it ran, but was not ready, or not done, in time
  | 'FAILED' // a command ended with an error
  | 'LOCKED'; // another process holds a lock for too long

/** What can go wrong between this process and those that it starts. */
export class ProcessError extends CodedError<ProcessCode> {
  override readonly name = 'ProcessError';
}
