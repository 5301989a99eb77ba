import { randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { join } from 'node:path';
import { systemRandom, type Clock } from '#shared/clock/mod.ts';
import { codeOf, explain } from '#shared/kernel/mod.ts';
import { Api, type Answer } from './answers/api.ts';
import { ApiError, badRequest } from './errors.ts';
import { StateFile } from './objects/files.ts';
import { Kinds } from './objects/kinds.ts';
import { Store } from './objects/store.ts';
import { Writes } from './objects/writes.ts';
import { form } from './play/forms.ts';
import { Player } from './play/player.ts';
import { docAt, timestamp, type Stored } from './values.ts';

export interface ClusterOptions {
  readonly name: string;
  readonly dir: string;
  readonly clock: Clock;
  readonly log: (line: string) => void;
  /** How long what a controller or kubelet does takes here. */
  readonly delayMs: number;
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string };
}

interface Access {
  readonly token: string;
  readonly port: number;
}

// Below the range from which systems hand out ports of their own accord: one that is recorded today is rarely somebody else's tomorrow.
const ports = { from: 20_000, to: 32_000, attemptsMax: 200 };

/** One cluster: its objects, its controllers, its API behind a port of its own. */
export class Cluster {
  readonly name: string;
  readonly dir: string;
  readonly kubeconfig: string;
  readonly #options: ClusterOptions;
  readonly #file: StateFile;
  readonly #player: Player;
  readonly #api: Api;
  readonly #server: Server;
  /** Whoever has the token may do everything. Kept with the port: kubeconfigs outlive the process. */
  #access: Access;

  constructor(options: ClusterOptions) {
    const { name, dir, clock, delayMs, log, tls } = options;
    [this.name, this.dir, this.#options, this.kubeconfig] = [name, dir, options, join(dir, 'kubeconfig')];
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const access = join(dir, 'access.json');
    this.#access = existsSync(access)
      ? (JSON.parse(readFileSync(access, 'utf8')) as Access)
      : { token: randomBytes(32).toString('base64url'), port: 0 };
    this.#file = new StateFile(dir);
    const store = this.#file.open(() => new Store(initialObjects(clock.now()), 100));
    const writes = new Writes(store, new Kinds(), clock);
    this.#player = new Player(writes, clock, { delayMs, ca: tls.ca }, (error) => log(`cluster ${name}: ${explain(error)}`));
    this.#api = new Api(writes, clock, () => this.url.slice('https://'.length));
    this.#server = createServer(
      { ...tls, keepAliveTimeout: 60_000, requestTimeout: 60_000 },
      (...exchange) => void this.#handle(...exchange),
    );
  }

  get url(): string {
    return `https://127.0.0.1:${this.#access.port}`;
  }

  /** On the recorded port if that is free; rejects when there is none. */
  async listen(): Promise<void> {
    const { name, dir } = this;
    for (let attempt = 0; ; attempt += 1)
      try {
        const drawn = ports.from + Math.floor(systemRandom.next() * (ports.to - ports.from));
        const port = (attempt === 0 && this.#access.port) || drawn;
        await once(this.#server.listen({ port, host: '127.0.0.1', backlog: 1024 }), 'listening');
        this.#access = { ...this.#access, port };
        break;
      } catch (error) {
        if (codeOf(error) !== 'EADDRINUSE' || attempt === ports.attemptsMax) throw error;
      }
    const { token } = this.#access;
    const kubeconfig = form(['kubeconfig'], { name, url: this.url, ca: Buffer.from(this.#options.tls.ca).toString('base64'), token });
    writeFileSync(join(dir, 'access.json'), JSON.stringify(this.#access), { mode: 0o600 });
    writeFileSync(this.kubeconfig, JSON.stringify(kubeconfig), { mode: 0o600 });
  }

  async stop(): Promise<void> {
    this.#player.stop();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    this.#file.close();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('audit-id', randomUUID());
    response.setHeader('cache-control', 'no-cache, private');
    try {
      const [given, wanted] = [request.headers.authorization ?? '', `Bearer ${this.#access.token}`].map((text) => Buffer.from(text));
      if (!given || !wanted || given.length !== wanted.length || !timingSafeEqual(given, wanted))
        throw new ApiError(401, 'Unauthorized', 'Unauthorized');
      const url = new URL(request.url ?? '/', this.url);
      const answer = await this.#api.answer(request, url, this.#api.target(url.pathname), response);
      if (answer) send(response, answer);
    } catch (error) {
      if (!(error instanceof ApiError)) this.#options.log(`cluster ${this.name}: ${request.method} ${request.url}: ${explain(error)}`);
      const { code, status } = error instanceof ApiError ? error : refusalOf(error);
      if (response.headersSent) return void response.destroy();
      const retry = docAt(status, 'details')['retryAfterSeconds'];
      if (retry !== undefined) response.setHeader('retry-after', Number(retry));
      send(response, { code, body: status });
    }
  }
}

function send(response: ServerResponse, { code, body, type = 'application/json' }: Answer): void {
  const text = typeof body === 'string' ? body : `${JSON.stringify(body)}\n`;
  response.writeHead(code, { 'content-type': type, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

const refusalOf = (error: unknown): ApiError =>
  error instanceof URIError ? badRequest('the path is not a path') : new ApiError(500, 'InternalError', 'the sandbox failed to answer');

/** The namespaces that are always there, and two nodes in two zones. */
function initialObjects(now: number): readonly (readonly [string, Stored])[] {
  const time = timestamp(now);
  return (form(['cluster'], { time }) as readonly Stored[]).map((object, index) => {
    const metadata = { ...object.metadata, uid: randomUUID(), resourceVersion: String(index + 1), creationTimestamp: time };
    return [`/${object.kind.toLowerCase()}s`, { ...object, metadata }];
  });
}
