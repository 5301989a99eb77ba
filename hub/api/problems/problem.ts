import { CodedError } from '#shared/kernel/mod.ts';
import { catalogue, isKnown, type ProblemCode } from './catalogue.ts';
import { ApiError } from './errors.ts';

/** application/problem+json (RFC 9457) with a stable code. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly next: string;
  readonly problems?: readonly unknown[];
}

const of = (code: ProblemCode, detail: string): Problem => {
  const { status, title, next } = catalogue[code];
  return { type: `https://wheelhouse.dev/problems/${code}`, title, status, code, detail, next };
};

/** fastify's own codes, in our words. */
const translated: Readonly<Record<string, ProblemCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'BODY_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'MEDIA_TYPE_UNKNOWN',
};

/** What a caller may know of an error: what is in the catalogue says its sentence, the rest is for the log. */
export function problemOf(error: unknown): Problem {
  if (error instanceof CodedError && isKnown(error.code)) {
    const problems = 'problems' in error && Array.isArray(error.problems) ? { problems: error.problems as unknown[] } : {};
    const detail = error.code === 'RESOURCES_INVALID' ? (error.message.split('\n', 1)[0] ?? '') : error.message;
    return { ...of(error.code, detail), ...problems, ...(error instanceof ApiError ? error.more : {}) };
  }
  const { statusCode, code, message } = error as { statusCode?: number; code?: string; message?: string };
  if (statusCode !== undefined && statusCode < 500) return of(translated[code ?? ''] ?? 'REQUEST_INVALID', message ?? '');
  return of('INTERNAL', 'the hub could not answer; its log says why');
}
