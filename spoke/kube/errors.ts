import { CodedError } from '../../shared/kernel/mod.ts';
import type { KindInfo, KubeCode } from './port.ts';

/** What the API server objected to, field by field. */
export interface KubeCause {
  readonly reason: string;
  readonly field: string;
  readonly message: string;
}

export interface KubeErrorDetails extends ErrorOptions {
  readonly httpStatus?: number;
  readonly causes?: readonly KubeCause[];
  readonly retryAfterMs?: number;
}

/** The one error of this module. Its message holds the API server's own words, bounded; never a value of a Secret, a token or a header. */
export class KubeError extends CodedError<KubeCode> {
  override readonly name = 'KubeError';
  readonly httpStatus: number | undefined;
  /** With CONFLICT from an apply: the fields that other managers own, and who. */
  readonly causes: readonly KubeCause[];
  readonly retryAfterMs: number | undefined;
  constructor(code: KubeCode, message: string, details: KubeErrorDetails = {}) {
    super(code, message, details);
    this.httpStatus = details.httpStatus;
    this.causes = details.causes ?? [];
    this.retryAfterMs = details.retryAfterMs;
  }
}

export const isKubeError = (error: unknown, ...codes: readonly KubeCode[]): error is KubeError =>
  error instanceof KubeError && (codes.length === 0 || codes.includes(error.code));

/** Worth trying again as it is, later. Everything else needs a change of the object, of rights or of the cluster first. */
export const isTransient = (error: unknown): boolean =>
  isKubeError(error, 'SERVER_UNAVAILABLE', 'TOO_MANY_REQUESTS', 'BAD_RESPONSE', 'UNAUTHORIZED');

/** What was asked, in words for the message and in parts to check the answer against. */
export interface Asked {
  readonly verb: string;
  readonly kind?: KindInfo;
  readonly namespace?: string;
  readonly name?: string;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly retryAfterMs?: number;
}

const messageMaxChars = 1_000;
const causesMax = 20;

/** The error that an answer outside 2xx stands for. Pure. */
export function errorOf(answer: Answer, asked: Asked): KubeError {
  const status = statusOf(answer.body);
  const code = codeOfAnswer(answer, status, asked);
  const details: KubeErrorDetails = {
    httpStatus: answer.status,
    causes: causesOf(status, asked),
    ...(answer.retryAfterMs === undefined ? {} : { retryAfterMs: answer.retryAfterMs }),
  };
  return new KubeError(code, `${subject(asked)}: ${words(answer, status, asked, code)}`, details);
}

/** "get apps/Deployment shop/web": what was asked, for messages. */
export function subject({ verb, kind, namespace, name }: Asked): string {
  if (!kind) return verb;
  const place = [namespace, name].filter(Boolean).join('/');
  return `${verb} ${kind.group === '' ? '' : `${kind.group}/`}${kind.kind}${place === '' ? '' : ` ${place}`}`;
}

interface Status {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly details: { readonly name: string; readonly kind: string; readonly causes: readonly KubeCause[] };
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const record = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};

/** The Status document in a body; undefined when it is anything else, as a proxy's page or nothing at all. */
export function statusOf(body: string | object): Status | undefined {
  let value: unknown = body;
  if (typeof body === 'string') {
    try {
      value = JSON.parse(body);
    } catch {
      return undefined;
    }
  }
  const status = record(value);
  if (status['kind'] !== 'Status' || status['apiVersion'] !== 'v1') return undefined;
  const details = record(status['details']);
  const causes = Array.isArray(details['causes']) ? details['causes'].slice(0, causesMax).map(record) : [];
  return {
    code: typeof status['code'] === 'number' ? status['code'] : 0,
    reason: text(status['reason']),
    message: text(status['message']),
    details: {
      name: text(details['name']),
      kind: text(details['kind']),
      causes: causes.map((cause) => ({
        reason: text(cause['reason']),
        field: text(cause['field']).slice(0, messageMaxChars),
        message: text(cause['message']).slice(0, messageMaxChars),
      })),
    },
  };
}

function codeOfAnswer({ status: http, body }: Answer, status: Status | undefined, asked: Asked): KubeCode {
  if (http === 429) return 'TOO_MANY_REQUESTS';
  // A patch that does not fit the kind's schema is answered with 500 and a Status without a reason: trying again would never help.
  if (http === 500 && status && status.reason === '' && asked.verb === 'apply') return 'INVALID';
  if (http >= 500) return 'SERVER_UNAVAILABLE';
  if (http === 404) return codeOf404(body, status, asked);
  if (!status) return 'BAD_RESPONSE';
  if (http === 409) return status.reason === 'AlreadyExists' ? 'ALREADY_EXISTS' : 'CONFLICT';
  return byHttpStatus[http] ?? 'BAD_RESPONSE';
}

const byHttpStatus: Readonly<Record<number, KubeCode>> = {
  400: 'INVALID',
  401: 'UNAUTHORIZED',
  403: 'FORBIDDEN',
  405: 'INVALID',
  406: 'INVALID',
  410: 'GONE',
  413: 'TOO_LARGE',
  415: 'INVALID',
  422: 'INVALID',
};

/** A 404 says that the object is absent only if the API server says so, of that object. Absence is what deletes are decided on. */
function codeOf404(body: string, status: Status | undefined, asked: Asked): KubeCode {
  if (!status) return body.trim() === '404 page not found' ? 'NO_SUCH_KIND' : 'BAD_RESPONSE';
  if (status.reason !== 'NotFound') return 'BAD_RESPONSE';
  const { name, kind } = status.details;
  if (name === '') return 'NO_SUCH_KIND';
  if (asked.name !== undefined && name === asked.name && kind === asked.kind?.resource) return 'NOT_FOUND';
  return kind === 'namespaces' && name === asked.namespace ? 'NO_SUCH_NAMESPACE' : 'BAD_RESPONSE';
}

// The API server quotes values in what it says about invalid documents; a Secret's must not get into logs and reports.
const quotesSecret = (asked: Asked): boolean => asked.kind?.kind === 'Secret' && asked.kind.group === '';

function words({ status: http, body }: Answer, status: Status | undefined, asked: Asked, code: KubeCode): string {
  if (!status) return `the answer is no Status of an API server (HTTP ${http}, ${body.length} characters)`;
  if (code === 'INVALID' && quotesSecret(asked))
    return `refused as invalid (HTTP ${http}); its words are withheld because they may quote the Secret`;
  return (status.message || status.reason || `HTTP ${http}`).slice(0, messageMaxChars);
}

function causesOf(status: Status | undefined, asked: Asked): readonly KubeCause[] {
  const causes = status?.details.causes ?? [];
  return quotesSecret(asked) ? causes.map((cause) => ({ ...cause, message: '' })) : causes;
}
