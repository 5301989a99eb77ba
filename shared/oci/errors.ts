import { CodedError } from '../kernel/mod.ts';

export type OciCode =
  | 'BAD_REFERENCE'
  | 'NOT_FOUND'
  | 'UNAUTHORIZED'
  | 'DENIED'
  | 'TOO_MANY_REQUESTS'
  | 'REGISTRY_UNAVAILABLE'
  | 'TIMED_OUT'
  | 'TRUNCATED'
  | 'SIZE_EXCEEDED'
  | 'DIGEST_MISMATCH'
  | 'REDIRECT_REFUSED'
  | 'CONTENT_REFUSED'
  | 'BAD_RESPONSE';

export type OciOperation = 'parse' | 'resolve' | 'fetch' | 'push' | 'tag';

/** Which side broke: what was asked for, the way there, the registry, or the server that hands out its tokens. */
export type OciSide = 'caller' | 'network' | 'registry' | 'token-server';

export class OciError extends CodedError<OciCode> {
  override readonly name = 'OciError';
  readonly operation: OciOperation;
  readonly side: OciSide;
  /** How long the registry asked to be left alone. */
  readonly retryAfterMs: number | undefined;
  constructor(
    code: OciCode,
    operation: OciOperation,
    side: OciSide,
    message: string,
    options: ErrorOptions & { readonly retryAfterMs?: number | undefined } = {},
  ) {
    super(code, `${operation}: ${message}`, options);
    this.operation = operation;
    this.side = side;
    this.retryAfterMs = options.retryAfterMs;
  }
}
