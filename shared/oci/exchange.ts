import type { Clock } from '../clock/mod.ts';
import { explain } from '../kernel/mod.ts';
import { OciError, type OciOperation, type OciSide } from './errors.ts';

export interface Wire {
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  /** Until the headers of an answer. */
  readonly answerMaxMs: number;
  /** From there to the end of its body. */
  readonly bodyMaxMs: number;
}

export interface Request {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/** Where an exchange belongs, for what is said when it fails. */
export interface Purpose {
  readonly operation: OciOperation;
  readonly side: OciSide;
  readonly signal: AbortSignal;
}

/** A URL as messages may hold it: the query of a redirect or an upload is a secret. */
export const shown = (url: URL): string => `${url.origin}${url.pathname}`;

/**
 * One request and the reading of its answer, under two time limits. Redirects come back as answers: whether to follow is the caller's to decide. Whatever
 * is left of the body is given up. Foreign errors are translated here and nowhere else.
 */
export async function exchange<T>(wire: Wire, request: Request, purpose: Purpose, read: (response: Response) => Promise<T>): Promise<T> {
  const { signal } = purpose;
  signal.throwIfAborted();
  const late = new AbortController();
  const what = `${request.method} ${shown(request.url)}`;
  const arm = (ms: number): (() => void) =>
    wire.clock.after(ms, () => late.abort(new OciError('TIMED_OUT', purpose.operation, 'network', `${what}: no end after ${ms} ms`)));
  let disarm = arm(wire.answerMaxMs);
  let answered = false;
  try {
    const response = await wire.fetch(request.url, {
      method: request.method,
      // Compression on the way would put other bytes on the wire than the digest is of.
      headers: { 'user-agent': 'wheelhouse', 'accept-encoding': 'identity', ...request.headers },
      ...(request.body ? { body: request.body as Uint8Array<ArrayBuffer> } : {}),
      redirect: 'manual',
      signal: AbortSignal.any([signal, late.signal]),
    });
    answered = true;
    disarm();
    disarm = arm(wire.bodyMaxMs);
    try {
      return await read(response);
    } finally {
      await response.body?.cancel().catch(() => {});
    }
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (late.signal.aborted) throw late.signal.reason;
    // Not explained by its whole chain: the chain of a failed fetch may repeat the URL with its query.
    if (error instanceof TypeError)
      throw answered
        ? new OciError('TRUNCATED', purpose.operation, 'network', `${what}: the answer was cut (${reasonOf(error)})`, { cause: error })
        : new OciError('REGISTRY_UNAVAILABLE', purpose.operation, 'network', `${what}: no answer (${reasonOf(error)})`, { cause: error });
    throw error;
  } finally {
    disarm();
  }
}

function reasonOf(error: Error): string {
  const { cause } = error;
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code;
  return explain(cause instanceof Error ? cause : error, 1);
}
