import { CodedError } from '#shared/kernel/mod.ts';

export type ServerCode =
  | 'NOT_FOUND' // neither on this machine nor to be had; the message says what to install
  | 'BAD_NAME' // a repository or file name that is refused
  | 'GIT_FAILED'; // the Git command answered with an error

/** What can go wrong with the servers of a local fleet; how their processes fail is a ProcessError. */
export class ServerError extends CodedError<ServerCode> {
  override readonly name = 'ServerError';
}
