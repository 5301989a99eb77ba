import type { DeclarationCode } from '#hub/declarations/mod.ts';
import type { CommandCode } from '#hub/health/mod.ts';
import type { HoldCode } from '#hub/holds/mod.ts';
import type { IdentityCode } from '#hub/identity/mod.ts';
import type { StoreCode } from '#hub/store/mod.ts';
import type { ApiCode } from './errors.ts';

export interface Entry {
  readonly status: number;
  /** What it means, without the particulars of one case. */
  readonly title: string;
  /** What to do about it. */
  readonly next: string;
}

/** Codes of other modules that an operation can meet; those of enrolment never come this way. */
type ForeignCode =
  | DeclarationCode
  | HoldCode
  | CommandCode
  | Extract<IdentityCode, 'NO_SUCH_CLUSTER'>
  | Extract<StoreCode, 'NOT_LEADER'>
  | 'RESOURCES_INVALID';

export type ProblemCode = ApiCode | ForeignCode | 'BODY_TOO_LARGE' | 'MEDIA_TYPE_UNKNOWN' | 'INTERNAL';

/** Every code that the API answers with; problems.md is its other half, and a test compares the two. */
export const catalogue: Readonly<Record<ProblemCode, Entry>> = {
  REQUEST_INVALID: {
    status: 400,
    title: 'The request is not one that the hub understands',
    next: 'correct what detail names; /openapi.json has every parameter',
  },
  SELECTOR_INVALID: {
    status: 400,
    title: 'A selector cannot be read, or compares with a word that its field never has',
    next: 'write a=b,c!=d,e in (x,y),f,!f',
  },
  FIELD_UNKNOWN: { status: 400, title: 'There is no such field to select or sort by', next: 'use one of the known ones' },
  CURSOR_INVALID: {
    status: 400,
    title: 'continue is not what the hub gave out for this query',
    next: 'send continue as it was given, with all other parameters unchanged',
  },
  HOLD_INVALID: {
    status: 400,
    title: 'It cannot be frozen or suspended like this',
    next: 'give a reason, and an end that is still to come, or none',
  },
  UNAUTHENTICATED: {
    status: 401,
    title: 'A valid bearer token is needed',
    next: 'send Authorization: Bearer with a token; the first one is in DATA/keys/admin.token on the hub',
  },
  FORBIDDEN: {
    status: 403,
    title: 'The token is valid, but its scope does not reach this far',
    next: 'use a token of the scope that detail names',
  },
  NOT_FOUND: { status: 404, title: 'There is no such thing', next: 'list the collection to see what there is' },
  NOT_DECLARED: { status: 404, title: 'Nothing of that kind and name is declared', next: 'list the collection to see what there is' },
  NO_SUCH_CLUSTER: { status: 404, title: 'No cluster of that name is declared', next: 'apply a Cluster of that name first' },
  IN_USE: {
    status: 409,
    title: 'Something depends on the resource',
    next: 'delete what depends on it first; what runs on clusters has to be retired, which this version cannot do yet',
  },
  ROLLOUT_ENDED: {
    status: 409,
    title: 'The rollout has ended',
    next: 'freeze the environment or the clusters; list rollouts to see what runs now',
  },
  NOT_ASKED: {
    status: 409,
    title: 'No agent has asked to be this cluster',
    next: 'make a join token for it, and give it to the agent',
  },
  TOKEN_EXISTS: {
    status: 409,
    title: 'A token of that name is good already',
    next: 'give another name, or revoke that one first',
  },
  TOKEN_IS_LOCAL: {
    status: 409,
    title: 'The token beside the keys of the hub is never revoked',
    next: 'to replace it, remove DATA/keys/admin.token and start the hub again; then the earlier one can be revoked',
  },
  TOO_MANY_TOKENS: {
    status: 409,
    title: 'As many tokens as the hub keeps are good already',
    next: 'revoke those that nobody uses, or let them end',
  },
  IDEMPOTENCY_KEY_BUSY: {
    status: 409,
    title: 'The first request with this Idempotency-Key is still being worked on',
    next: 'ask again in a moment, with the same key',
  },
  CURSOR_EXPIRED: { status: 410, title: 'The page that continue follows on is too old', next: 'begin the list again without continue' },
  WATCH_EXPIRED: {
    status: 410,
    title: 'What changed since then is not known any more',
    next: 'list again, and watch from the resourceVersion of that list',
  },
  VERSION_MISMATCH: {
    status: 412,
    title: 'The resource has changed since it was read',
    next: 'read it again, make the change on what is there now',
  },
  BODY_TOO_LARGE: { status: 413, title: 'The body has more than 1 MiB', next: 'apply in parts' },
  MEDIA_TYPE_UNKNOWN: {
    status: 415,
    title: 'The body is of a type that is not taken here',
    next: 'send application/yaml or application/json',
  },
  RESOURCES_INVALID: {
    status: 422,
    title: 'The set cannot be taken as it is; nothing of it was',
    next: 'correct everything that problems lists',
  },
  IDEMPOTENCY_KEY_REUSED: {
    status: 422,
    title: 'This Idempotency-Key was used for another request',
    next: 'use a new key for a new request',
  },
  TOO_MANY_FAILURES: {
    status: 429,
    title: 'Too many wrong tokens came from this address',
    next: 'wait as long as Retry-After says, then send a valid token',
  },
  INTERNAL: { status: 500, title: 'The hub could not answer', next: 'look into its log; asking again is harmless' },
  CLUSTER_UNREACHABLE: {
    status: 503,
    title: 'The cluster cannot be asked now',
    next: 'look at its agent and at the network between it and the hub; what it runs goes on',
  },
  COMMAND_TIMED_OUT: { status: 504, title: 'The cluster did not answer in time', next: 'it may still do it: look at what it reports' },
  NOT_LEADER: { status: 503, title: 'Another hub has become the writer', next: 'ask that hub' },
  TOO_MANY_WATCHERS: {
    status: 503,
    title: 'As many watchers as the hub takes are there already',
    next: 'ask again later, or list from time to time',
  },
};

export const isKnown = (code: string): code is ProblemCode => Object.hasOwn(catalogue, code);
