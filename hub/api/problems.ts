import { CodedError } from '#shared/kernel/mod.ts';

/** application/problem+json (RFC 9457) with a stable code. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly problems?: readonly unknown[];
}

const statuses: Readonly<Record<string, number>> = {
  UNAUTHENTICATED: 401,
  NOT_FOUND: 404,
  NO_SUCH_CLUSTER: 404,
  REQUEST_INVALID: 400,
  RESOURCES_INVALID: 422,
  CLUSTER_EXISTS: 409,
  NOT_LEADER: 503,
};

/** What a caller may know of an error: coded ones say their sentence, the rest is for the log. */
export function problemOf(error: unknown): Problem {
  const problem = (status: number, code: string, title: string, detail: string): Problem => ({
    type: 'about:blank',
    title,
    status,
    code,
    detail,
  });
  if (error instanceof CodedError) {
    const more = 'problems' in error && Array.isArray(error.problems) ? { problems: error.problems as unknown[] } : {};
    return { ...problem(statuses[error.code] ?? 400, error.code, 'The request was refused', error.message), ...more };
  }
  // fastify's own: bad JSON, too large a body, unknown media type.
  const { statusCode, code, message } = error as { statusCode?: number; code?: string; message?: string };
  if (statusCode !== undefined && statusCode < 500)
    return problem(statusCode, code ?? 'REQUEST_INVALID', 'The request was refused', message ?? '');
  return problem(500, 'INTERNAL', 'The hub could not answer', 'the hub could not answer; its log says why');
}
