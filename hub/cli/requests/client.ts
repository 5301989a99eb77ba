import { codeOf, explain } from '#shared/kernel/mod.ts';
import type { Problem } from '#hub/api/mod.ts';
import { CliError, exitOf, exits } from '../exits.ts';
import type { Io } from '../io.ts';
import { eventsOf, type StreamEvent } from './stream.ts';

/** One thing to ask of the hub: what a command plans before anything is sent. */
export interface Ask {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  /** What is undefined or '' is left out. */
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: string;
  readonly type?: 'application/json';
  readonly headers?: Readonly<Record<string, string>>;
  /** What it is about, for errors: cluster/dev-1. */
  readonly object?: string;
  /** How long the hub was asked to wait before it answers. */
  readonly waitMs?: number;
}

export interface Answer<T> {
  readonly body: T;
  /** The hub's wall time when it answered, epoch milliseconds, to whole seconds: ages are told by its clock, not by this machine's. */
  readonly at: number;
}

/** How a hub is reached: what a context says. */
export interface Connection {
  readonly url: string;
  readonly token: string;
}

const answerWaitMs = 30_000;
const answerMaxChars = 64 * 1024 * 1024;

/** The path with its query; parameters in the order in which they were planned. */
export function targetOf({ path, query = {} }: Pick<Ask, 'path' | 'query'>): string {
  const given = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined && pair[1] !== '');
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given).toString()}`;
}

/** A person's way to the hub. Every error is a CliError with the exit code that goes with it. */
export class Client {
  readonly #connection: Connection;
  readonly #io: Pick<Io, 'fetch' | 'clock' | 'stop'>;

  constructor(connection: Connection, io: Pick<Io, 'fetch' | 'clock' | 'stop'>) {
    this.#connection = connection;
    this.#io = io;
  }

  get url(): string {
    return this.#connection.url;
  }

  async send<T>(ask: Ask): Promise<Answer<T>> {
    const response = await this.#fetch(ask, AbortSignal.any([this.#io.stop, AbortSignal.timeout(answerWaitMs + (ask.waitMs ?? 0))]));
    const text = await this.#textOf(response);
    if (!response.ok) throw refusal(ask, response.status, text);
    return { body: parsed(ask, text) as T, at: this.#timeOf(response) };
  }

  /** Follows a collection until the hub, or `signal`, ends it. */
  async *follow(ask: Ask, signal: AbortSignal): AsyncGenerator<StreamEvent> {
    const headers = { ...ask.headers, accept: 'text/event-stream' };
    const response = await this.#fetch({ ...ask, headers }, signal);
    if (!response.ok || !response.body) throw refusal(ask, response.status, await this.#textOf(response));
    try {
      yield* eventsOf(response.body);
    } catch (error) {
      if (!signal.aborted) throw this.#unreachable(error);
    }
  }

  #timeOf(response: Response): number {
    const said = Date.parse(response.headers.get('date') ?? '');
    return Number.isNaN(said) ? this.#io.clock.now() : said;
  }

  async #fetch(ask: Ask, signal: AbortSignal): Promise<Response> {
    const { url, token } = this.#connection;
    const headers = {
      accept: 'application/json',
      ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
      ...(ask.type ? { 'content-type': ask.type } : {}),
      ...ask.headers,
    };
    const init = { method: ask.method, headers, signal, redirect: 'error' as const, ...(ask.body === undefined ? {} : { body: ask.body }) };
    try {
      return await this.#io.fetch(url.replace(/\/+$/, '') + targetOf(ask), init);
    } catch (error) {
      throw this.#unreachable(error);
    }
  }

  async #textOf(response: Response): Promise<string> {
    const text = await response.text().catch((error: unknown) => {
      throw this.#unreachable(error);
    });
    if (text.length > answerMaxChars)
      throw new CliError('ANSWER_TOO_LARGE', `the hub answered with ${text.length} characters`, { next: 'ask for less with --limit' });
    return text;
  }

  #unreachable(cause: unknown): CliError {
    if (this.#io.stop.aborted) return new CliError('STOPPED', 'stopped', { cause });
    const why = cause instanceof Error && cause.name === 'TimeoutError' ? `no answer within ${answerWaitMs / 1000} s` : reasonOf(cause);
    return new CliError('HUB_UNREACHABLE', `${this.#connection.url} does not answer: ${why}`, {
      exit: exits.unreachable,
      next: 'start the hub, or choose another with --context; wheelhouse doctor says more',
      cause,
    });
  }
}

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there (ECONNREFUSED)',
  ENOTFOUND: 'its name is not known (ENOTFOUND)',
  ECONNRESET: 'it closed the connection (ECONNRESET)',
};

/** The innermost cause: fetch itself says only "fetch failed". */
function reasonOf(error: unknown): string {
  const inner = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return words[codeOf(inner) ?? ''] ?? explain(inner, 1);
}

function refusal(ask: Ask, status: number, text: string): CliError {
  const problem = problemIn(text);
  if (!problem)
    return new CliError(`HTTP_${status}`, `${ask.method} ${ask.path} was answered with ${status}, not by a Wheelhouse hub`, {
      exit: exitOf({ status, code: '' }),
      next: 'check the URL of the context: wheelhouse context list',
    });
  const { code, detail, next } = problem;
  const more = 'known' in problem && Array.isArray(problem.known) ? `; known: ${problem.known.join(', ')}` : '';
  return new CliError(code, detail + more, {
    exit: exitOf({ status, code }),
    next,
    object: ask.object ?? '',
    cause: problem,
  });
}

function problemIn(text: string): Problem | undefined {
  try {
    const value = JSON.parse(text) as Partial<Problem>;
    if (typeof value.code !== 'string' || typeof value.detail !== 'string') return undefined;
    return { type: '', title: '', status: 0, next: '', ...value, code: value.code, detail: value.detail };
  } catch {
    return undefined;
  }
}

function parsed(ask: Ask, text: string): unknown {
  try {
    return JSON.parse(text === '' ? '{}' : text);
  } catch (cause) {
    throw new CliError('ANSWER_INVALID', `${ask.method} ${ask.path} was not answered with JSON`, {
      next: 'check the URL of the context',
      cause,
    });
  }
}
