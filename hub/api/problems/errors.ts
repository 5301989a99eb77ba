import { CodedError } from '#shared/kernel/mod.ts';

/** What the API itself refuses; every code stands in the catalogue. */
export type ApiCode =
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'TOO_MANY_FAILURES'
  | 'REQUEST_INVALID'
  | 'NOT_FOUND'
  | 'FIELD_UNKNOWN'
  | 'SELECTOR_INVALID'
  | 'CURSOR_INVALID'
  | 'CURSOR_EXPIRED'
  | 'WATCH_EXPIRED'
  | 'TOO_MANY_WATCHERS'
  | 'IDEMPOTENCY_KEY_REUSED'
  | 'IDEMPOTENCY_KEY_BUSY'
  | 'NO_SUCH_CLUSTER'
  | 'NOT_ASKED'
  | 'TOKEN_EXISTS'
  | 'TOKEN_IS_LOCAL'
  | 'TOO_MANY_TOKENS';

export class ApiError extends CodedError<ApiCode> {
  override readonly name = 'ApiError';
  /** More of the problem, for machines. */
  readonly more: Readonly<Record<string, unknown>>;
  constructor(code: ApiCode, message: string, more: Readonly<Record<string, unknown>> = {}) {
    super(code, message);
    this.more = more;
  }
}
