import { Agent, ProxyAgent, request, type Dispatcher } from 'undici';
import { explain } from '../../shared/kernel/mod.ts';
import type { Clock } from '../../shared/clock/mod.ts';
import type { Credential, Credentials, TlsMaterial } from './credentials.ts';
import { KubeError, errorOf, subject, type Answer, type Asked } from './errors.ts';
import { Gate } from './gates.ts';
import type { KubeLimits } from './limits.ts';

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  readonly as?: string;
  readonly timeoutMs?: number;
  readonly asked: Asked;
}

/**
 * HTTP to one API server: own connections that are kept, credentials that are renewed, every request bounded in time, size and number. Knows no kinds.
 * HTTP/1.1 on purpose: an aborted request then ends its connection, and a watch that hangs shares its fate with nobody.
 */
export class Transport implements AsyncDisposable {
  readonly #credentials: Credentials;
  readonly #clock: Clock;
  readonly #limits: KubeLimits;
  readonly #gate: Gate;
  #isClosed = false;
  #agent: { readonly key: string; readonly dispatcher: Dispatcher } | undefined;
  #credential: { readonly value: Credential; readonly at: number } | undefined;

  constructor(credentials: Credentials, clock: Clock, limits: KubeLimits) {
    this.#credentials = credentials;
    this.#clock = clock;
    this.#limits = limits;
    this.#gate = new Gate(limits.requestsConcurrentMax);
  }

  /** The text of a 2xx answer; anything else rejects with KubeError, the signal's reason excepted. Waits out 429s within bounds. */
  async text(call: Call, signal: AbortSignal): Promise<string> {
    return await this.#gate.run(signal, async () => {
      for (let attempt = 1; ; attempt++) {
        const answer = await this.#bounded(call, signal);
        if (answer.status >= 200 && answer.status < 300) return answer.body;
        const error = errorOf(answer, call.asked);
        if (error.code !== 'TOO_MANY_REQUESTS' || attempt >= this.#limits.throttledAttemptsMax) throw error;
        await this.#clock.sleep(Math.min(answer.retryAfterMs ?? 1_000, this.#limits.retryAfterMaxMs), signal);
      }
    });
  }

  /** The JSON of a 2xx answer. */
  async json(call: Call, signal: AbortSignal): Promise<Record<string, unknown>> {
    const text = await this.text(call, signal);
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      value = undefined;
    }
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    throw new KubeError('BAD_RESPONSE', `${subject(call.asked)}: the answer is no JSON document (${text.length} characters)`);
  }

  /** The body of a 2xx answer as it comes, for ever; the caller bounds it and ends it with the signal. Only its beginning has a time-out. */
  async stream(call: Call, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const { response, done } = await this.#send(call, signal);
    try {
      if (response.statusCode >= 200 && response.statusCode < 300) return response.body;
      throw errorOf(await this.#answer(response, call, signal), call.asked);
    } finally {
      done();
    }
  }

  /** What is under way rejects, and so does whatever is asked afterwards. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#agent?.dispatcher.destroy();
    this.#agent = undefined;
  }

  async #bounded(call: Call, signal: AbortSignal): Promise<Answer> {
    const { response, done } = await this.#send(call, signal);
    try {
      return await this.#answer(response, call, signal);
    } finally {
      done();
    }
  }

  /** Sends, and once more with another credential if this one was refused. `done` takes the time-out off. */
  async #send(call: Call, signal: AbortSignal): Promise<{ response: Dispatcher.ResponseData; done: () => void }> {
    const sent = await this.#sendOnce(call, await this.#credentialNow(false), signal);
    if (sent.response.statusCode !== 401) return sent;
    await sent.response.body.dump().catch(() => undefined);
    sent.done();
    return await this.#sendOnce(call, await this.#credentialNow(true), signal);
  }

  async #sendOnce(call: Call, credential: Credential, signal: AbortSignal) {
    const deadline = new AbortController();
    const timeoutMs = call.timeoutMs ?? this.#limits.requestTimeoutMs;
    const done = this.#clock.after(timeoutMs, () =>
      deadline.abort(new KubeError('SERVER_UNAVAILABLE', `${subject(call.asked)}: no complete answer within ${timeoutMs} ms`)),
    );
    const url = new URL(`${this.#credentials.server.replace(/\/+$/, '')}${call.path}`);
    for (const [name, value] of Object.entries(call.query ?? {})) url.searchParams.set(name, value);
    try {
      const response = await request(url, {
        dispatcher: this.#dispatcher(credential.tls),
        method: call.method,
        headers: headersOf(call, credential),
        body: call.body === undefined ? null : JSON.stringify(call.body),
        signal: AbortSignal.any([signal, deadline.signal]),
      });
      return { response, done };
    } catch (error) {
      done();
      signal.throwIfAborted();
      throw failure(error, call.asked, 'SERVER_UNAVAILABLE');
    }
  }

  async #answer(response: Dispatcher.ResponseData, { asked }: Call, signal: AbortSignal): Promise<Answer> {
    const parts: Uint8Array[] = [];
    let bytes = 0;
    try {
      for await (const part of response.body as AsyncIterable<Uint8Array>) {
        bytes += part.byteLength;
        if (bytes > this.#limits.bodyMaxBytes)
          throw new KubeError('TOO_LARGE', `${subject(asked)}: the answer is more than ${this.#limits.bodyMaxBytes} bytes`);
        parts.push(part);
      }
    } catch (error) {
      signal.throwIfAborted();
      // Bytes that stopped coming are a truncated answer, whatever the status line promised.
      throw failure(error, asked, 'BAD_RESPONSE');
    }
    const seconds = Number(response.headers['retry-after'] ?? Number.NaN);
    return {
      status: response.statusCode,
      body: Buffer.concat(parts).toString('utf8'),
      ...(Number.isFinite(seconds) && seconds >= 0 ? { retryAfterMs: seconds * 1_000 } : {}),
    };
  }

  async #credentialNow(refused: boolean): Promise<Credential> {
    const now = this.#clock.monotonicMs();
    if (!refused && this.#credential && now - this.#credential.at < this.#limits.credentialMaxAgeMs) return this.#credential.value;
    const value = await this.#credentials.current(refused);
    this.#credential = { value, at: now };
    return value;
  }

  #dispatcher(tls: TlsMaterial): Dispatcher {
    if (this.#isClosed) throw new KubeError('SERVER_UNAVAILABLE', 'the client is closed');
    const key = JSON.stringify(tls);
    if (this.#agent?.key === key) return this.#agent.dispatcher;
    // What runs on the old certificate ends by itself; new requests use the new one.
    void this.#agent?.dispatcher.close().catch(() => undefined);
    const options = { allowH2: false, pipelining: 1, keepAliveTimeout: 30_000, headersTimeout: 0, bodyTimeout: 0 };
    const connect = { ...tls, timeout: this.#limits.connectTimeoutMs, keepAlive: true, keepAliveInitialDelay: 30_000 };
    const { proxy } = this.#credentials;
    const dispatcher =
      proxy === undefined ? new Agent({ ...options, connect }) : new ProxyAgent({ ...options, uri: proxy, requestTls: tls });
    this.#agent = { key, dispatcher };
    return dispatcher;
  }
}

function headersOf(call: Call, credential: Credential): Record<string, string> {
  return {
    ...credential.headers,
    'user-agent': 'wheelhouse-spoke',
    accept: call.accept ?? 'application/json',
    ...(call.body === undefined ? {} : { 'content-type': call.contentType ?? 'application/json' }),
    // Only the name: for a service account the API server adds its groups itself, and asking for groups would need the right to impersonate any.
    ...(call.as === undefined ? {} : { 'Impersonate-User': call.as }),
  };
}

/** A broken exchange in our words; a time-out or a bound is already a KubeError. */
function failure(error: unknown, asked: Asked, code: 'SERVER_UNAVAILABLE' | 'BAD_RESPONSE'): KubeError {
  if (error instanceof KubeError) return error;
  return new KubeError(code, `${subject(asked)}: ${explain(error).slice(0, 300)}`, { cause: error });
}
