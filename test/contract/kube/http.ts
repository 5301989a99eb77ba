import { Agent, request } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { Request, Target, WatchEvent } from './types.ts';

const requestMaxMs = 60_000;
const answerBytesMax = 32 * 1024 * 1024;

/** The headers of an answer that somebody decides on. Content-Type only when it is not plain JSON. */
const kept = ['warning', 'retry-after', 'allow', 'www-authenticate'] as const;

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Parsed when it is JSON, else the text. undefined for a stream. */
  readonly body: unknown;
  readonly stream?: IncomingMessage;
}

export interface Sender {
  /** Sends a request whose placeholders are filled. With `stream` an answer of 200 is left open. Throws when there is no answer in time. */
  send(asked: Request, options?: { stream?: boolean }): Promise<Answer>;
}

/** One API server, over connections of its own. */
export class Server implements Sender, Disposable {
  readonly #target: Target;
  readonly #agent: Agent;

  constructor(target: Target) {
    this.#target = target;
    const { ca, cert, key } = target;
    this.#agent = new Agent({ keepAlive: true, ...(ca ? { ca } : {}), ...(cert ? { cert } : {}), ...(key ? { key } : {}) });
  }

  async send(asked: Request, options: { stream?: boolean } = {}): Promise<Answer> {
    const url = new URL(asked.path, this.#target.url);
    for (const [name, value] of Object.entries(asked.query ?? {})) url.searchParams.set(name, value);
    const body = asked.body === undefined ? undefined : typeof asked.body === 'string' ? asked.body : JSON.stringify(asked.body);
    const contentType = asked.contentType ?? (body === undefined ? undefined : 'application/json');
    const headers = {
      accept: asked.accept ?? 'application/json',
      'user-agent': 'contract',
      ...(contentType ? { 'content-type': contentType } : {}),
      ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }), // Node sends none with a DELETE by itself
      ...(this.#target.token ? { authorization: `Bearer ${this.#target.token}` } : {}),
      ...asked.headers,
    };
    const response = await this.#open(url, asked.method, headers, body);
    const status = response.statusCode ?? 0;
    if (options.stream && status === 200) return { status, headers: headersOf(response), body: undefined, stream: response };
    return { status, headers: headersOf(response), body: parsed(await textOf(response)) };
  }

  #open(url: URL, method: string, headers: Record<string, string>, body: string | undefined): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const sent = request(url, { method, headers, agent: this.#agent, timeout: requestMaxMs }, resolve);
      // An answer may come before the whole of a large body is taken; what follows it is of no interest.
      sent.on('error', reject);
      sent.on('timeout', () => sent.destroy(new Error(`no answer within ${requestMaxMs} ms`)));
      sent.end(body);
    });
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

function headersOf(response: IncomingMessage): Record<string, string> {
  const found = kept.flatMap((name) => {
    const value = response.headers[name];
    return value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]];
  });
  const type = response.headers['content-type'] ?? '';
  return Object.fromEntries(type === 'application/json' ? found : [...found, ['content-type', type]]) as Record<string, string>;
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = '';
  response.setEncoding('utf8');
  for await (const chunk of response) {
    text += chunk as string;
    if (text.length > answerBytesMax) throw new Error(`an answer of more than ${answerBytesMax} bytes`);
  }
  return text;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** The events of an open watch, one after the other. */
export class Events implements Disposable {
  readonly #stream: IncomingMessage;
  readonly #lines: AsyncGenerator<string>;

  constructor(stream: IncomingMessage) {
    this.#stream = stream;
    this.#lines = linesOf(stream);
  }

  /** The next event; undefined when the server has ended the stream. Throws when nothing comes in time. */
  async next(withinMs: number): Promise<WatchEvent | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no event within ${withinMs} ms`)), withinMs);
    });
    try {
      const { done, value } = await Promise.race([this.#lines.next(), late]);
      return done ? undefined : (JSON.parse(value) as WatchEvent);
    } finally {
      clearTimeout(timer);
    }
  }

  [Symbol.dispose](): void {
    this.#stream.on('error', () => {});
    this.#stream.destroy();
  }
}

async function* linesOf(stream: IncomingMessage): AsyncGenerator<string> {
  let rest = '';
  stream.setEncoding('utf8');
  for await (const chunk of stream) {
    const lines = (rest + (chunk as string)).split('\n');
    rest = lines.pop() ?? '';
    yield* lines.filter((line) => line.trim() !== '');
  }
}
