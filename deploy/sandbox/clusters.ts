import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { join } from 'node:path';
import { systemRandom } from '#shared/clock/mod.ts';
import { codeOf, explain } from '#shared/kernel/mod.ts';
import { ApiError, badRequest, docAt, Kinds, play, Store, type Stored, timestamp, uuidFrom, Writes } from '#shared/kubernetes/mod.ts';
import { Api, type Answer } from './answers/api.ts';
import { storeIn } from './files.ts';
import { form } from './play/forms.ts';
import { rulesOf } from './play/rules.ts';
import type { SandboxCluster, SandboxOptions } from './sandboxes.ts';

/** One cluster: its objects, its controllers, its API behind a port of its own. Rejects when there is no port. */
export async function startCluster(
  name: string,
  tls: { readonly ca: string; readonly cert: string; readonly key: string },
  { dir: sandbox, clock, log, delayMs }: Required<SandboxOptions>,
): Promise<SandboxCluster & { stop(): Promise<void> }> {
  const dir = join(sandbox, 'clusters', name);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const store = storeIn(dir, () => new Store(initialObjects(timestamp(clock.now())), 100));
  const writes = new Writes(store, new Kinds(), clock, systemRandom);
  const fail = (what: string, error: unknown): void => log(`cluster ${name}: ${what}: ${explain(error)}`);

  // Whoever has the token may do everything. It is kept, with the port: kubeconfigs outlive the process.
  const accessFile = join(dir, 'access.json');
  const known = existsSync(accessFile) ? (JSON.parse(readFileSync(accessFile, 'utf8')) as { token: string; port: number }) : undefined;
  const token = known?.token ?? randomBytes(32).toString('base64url');
  const wanted = digestOf(`Bearer ${token}`);
  const api = new Api(writes, clock);
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      if (!timingSafeEqual(digestOf(request.headers.authorization ?? ''), wanted)) throw new ApiError(401, 'Unauthorized', 'Unauthorized');
      const url = URL.parse(`https://localhost${request.url}`);
      if (!url) throw badRequest('the path is not a path');
      const found = await api.answer(request, url, response);
      if (found) send(response, found);
    } catch (error) {
      if (!(error instanceof ApiError) && !(error instanceof URIError)) fail(`${request.method} ${request.url}`, error);
      refuse(response, error);
    }
  };
  const server = createServer({ ...tls, keepAliveTimeout: 60_000, requestTimeout: 60_000 }, (...exchange) => void answer(...exchange));
  const port = await listen(server, known?.port ?? drawn());
  const failed = (error: unknown): void => fail('a controller', error);
  const stopPlaying = play(writes, { rules: rulesOf(tls.ca), clock, delayMs, soon: (look) => clock.after(0, look), failed });

  const [url, kubeconfig] = [`https://127.0.0.1:${port}`, join(dir, 'kubeconfig')];
  const content = form(['kubeconfig'], { name, url, ca: Buffer.from(tls.ca).toString('base64'), token });
  writeFileSync(accessFile, JSON.stringify({ token, port }), { mode: 0o600 });
  writeFileSync(kubeconfig, JSON.stringify(content), { mode: 0o600 });
  const stop = async (): Promise<void> => {
    stopPlaying();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { name, url, kubeconfig, dir, stop };
}

// Below the range from which systems hand out ports of their own accord: one that is recorded today is rarely somebody else's tomorrow.
const ports = { from: 20_000, to: 32_000, attemptsMax: 200 };

const drawn = (): number => ports.from + Math.floor(systemRandom.next() * (ports.to - ports.from));

/** Which port it is in the end. */
async function listen(server: Server, port: number, attemptsLeft = ports.attemptsMax): Promise<number> {
  try {
    await once(server.listen({ port, host: '127.0.0.1', backlog: 1024 }), 'listening');
    return port;
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE' || attemptsLeft === 0) throw error;
    return await listen(server, drawn(), attemptsLeft - 1);
  }
}

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest();

function send(response: ServerResponse, { code, body, type = 'application/json' }: Answer): void {
  const text = typeof body === 'string' ? body : `${JSON.stringify(body)}\n`;
  response.writeHead(code, { 'content-type': type, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

function refuse(response: ServerResponse, error: unknown): void {
  if (response.headersSent) return void response.destroy();
  const unknown =
    error instanceof URIError ? badRequest('the path is not a path') : new ApiError(500, 'InternalError', 'the sandbox failed');
  const { code, status } = error instanceof ApiError ? error : unknown;
  const retry = docAt(status, 'details')['retryAfterSeconds'];
  if (retry !== undefined) response.setHeader('retry-after', Number(retry));
  send(response, { code, body: status });
}

/** The namespaces that are always there, and two nodes in two zones. */
function initialObjects(time: string): readonly (readonly [string, Stored])[] {
  return (form(['cluster'], { time }) as readonly Stored[]).map((object, index) => {
    const metadata = { ...object.metadata, uid: uuidFrom(systemRandom), resourceVersion: String(index + 1), creationTimestamp: time };
    return [`/${object.kind.toLowerCase()}s`, { ...object, metadata }];
  });
}
