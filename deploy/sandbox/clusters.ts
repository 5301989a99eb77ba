import { createHmac, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { join } from 'node:path';
import type { Clock } from '#shared/clock/mod.ts';
import { explain } from '#shared/kernel/mod.ts';
import { Api, type Answer, type Target } from './answers/api.ts';
import { AuditLog } from './answers/audits.ts';
import { ApiError, badRequest } from './errors.ts';
import { StateFile } from './objects/files.ts';
import { Kinds } from './objects/kinds.ts';
import { Store } from './objects/store.ts';
import { Writes } from './objects/writes.ts';
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

const admin = 'kubernetes-admin';

/** One cluster: its objects, its controllers, its API behind a port of its own. */
export class Cluster {
  readonly name: string;
  readonly dir: string;
  readonly kubeconfig: string;
  readonly auditLog: string;
  readonly #options: ClusterOptions;
  readonly #secret: Buffer;
  readonly #file: StateFile;
  readonly #player: Player;
  readonly #api: Api;
  readonly #audit: AuditLog;
  readonly #server: Server;
  #port = 0;

  constructor(options: ClusterOptions) {
    const { name, dir, clock, delayMs, log } = options;
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    [this.name, this.dir, this.#options] = [name, dir, options];
    this.kubeconfig = join(dir, 'kubeconfig');
    this.auditLog = join(dir, 'audit.log');
    this.#audit = new AuditLog(this.auditLog);
    this.#secret = secretIn(join(dir, 'secret'));
    this.#file = new StateFile(dir);
    const store = this.#file.open(() => new Store(initialObjects(clock.now()), 100));
    const kinds = new Kinds();
    const writes = new Writes(store, kinds, clock);
    this.#player = new Player(writes, clock, delayMs, options.tls.ca, (error) => log(`cluster ${name}: ${explain(error)}`));
    this.#api = new Api(writes, clock, () => `127.0.0.1:${this.#port}`);
    this.#server = createServer(
      { ...options.tls, keepAliveTimeout: 60_000, requestTimeout: 60_000 },
      (request, response) => void this.#handle(request, response),
    );
  }

  get url(): string {
    return `https://127.0.0.1:${this.#port}`;
  }

  /** Rejects with EADDRINUSE when the port is taken. */
  async listen(port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ port, host: '127.0.0.1', backlog: 1024 }, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
    this.#port = port;
    writeFileSync(this.kubeconfig, this.kubeconfigFor(admin), { mode: 0o600 });
  }

  async stop(): Promise<void> {
    this.#player.stop();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    this.#file.close();
  }

  /** A bearer token for that user: nothing is kept, its signature is checked. */
  tokenFor(user: string): string {
    const name = Buffer.from(user).toString('base64url');
    return `${name}.${createHmac('sha256', this.#secret).update(name).digest('base64url')}`;
  }

  /** A kubeconfig with one context, named like the cluster, and everything inside it. */
  kubeconfigFor(user: string): string {
    const { name } = this;
    return JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': name,
      clusters: [
        { name, cluster: { server: this.url, 'certificate-authority-data': Buffer.from(this.#options.tls.ca).toString('base64') } },
      ],
      users: [{ name, user: { token: this.tokenFor(user) } }],
      contexts: [{ name, context: { cluster: name, user: name } }],
    });
  }

  #userOf(request: IncomingMessage): string {
    const token = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    const user = Buffer.from(token.split('.')[0] ?? '', 'base64url').toString();
    const [given, wanted] = [Buffer.from(token), Buffer.from(this.tokenFor(user))];
    if (given.length === wanted.length && timingSafeEqual(given, wanted)) return user;
    throw new ApiError(401, 'Unauthorized', 'Unauthorized');
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const received = this.#options.clock.now();
    response.setHeader('audit-id', randomUUID());
    response.setHeader('cache-control', 'no-cache, private');
    let [user, target]: [string, Target | undefined] = ['', undefined];
    try {
      user = this.#userOf(request);
      const url = new URL(request.url ?? '/', this.url);
      target = this.#api.target(url.pathname);
      const answer = await this.#api.answer(request, url, target, response);
      if (answer) send(response, answer);
    } catch (error) {
      if (!(error instanceof ApiError)) this.#options.log(`cluster ${this.name}: ${request.method} ${request.url}: ${explain(error)}`);
      const { code, status } = error instanceof ApiError ? error : refusalOf(error);
      if (response.headersSent) response.destroy();
      else {
        const retry = docAt(status, 'details')['retryAfterSeconds'];
        if (retry !== undefined) response.setHeader('retry-after', Number(retry));
        send(response, { code, body: status });
      }
    }
    this.#note(request, response, { user, target, received });
  }

  #note(
    request: IncomingMessage,
    response: ServerResponse,
    { user, target, received }: { user: string; target: Target | undefined; received: number },
  ): void {
    const verb = target ? verbOf(request, target) : '';
    if (!target || verb === 'watch') return;
    const { kind, namespace, name, subresource } = target;
    const impersonated = request.headers['impersonate-user'];
    const objectRef = {
      resource: kind.resource,
      apiVersion: kind.version,
      ...(kind.group === '' ? {} : { apiGroup: kind.group }),
      ...(namespace === '' ? {} : { namespace }),
      ...(name === '' ? {} : { name }),
      ...(subresource === '' ? {} : { subresource }),
    };
    this.#audit.write({
      kind: 'Event',
      apiVersion: 'audit.k8s.io/v1',
      level: 'Metadata',
      auditID: response.getHeader('audit-id'),
      stage: 'ResponseComplete',
      requestURI: request.url,
      verb,
      user: { username: user },
      ...(impersonated === undefined ? {} : { impersonatedUser: { username: impersonated } }),
      userAgent: request.headers['user-agent'],
      objectRef,
      responseStatus: { code: response.statusCode },
      requestReceivedTimestamp: new Date(received).toISOString(),
    });
  }
}

function send(response: ServerResponse, { code, body, type = 'application/json' }: Answer): void {
  const text = typeof body === 'string' ? body : `${JSON.stringify(body)}\n`;
  response.writeHead(code, { 'content-type': type, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

const refusalOf = (error: unknown): ApiError =>
  error instanceof URIError ? badRequest('the path is not a path') : new ApiError(500, 'InternalError', 'the sandbox failed to answer');

const verbs: Readonly<Record<string, string>> = { POST: 'create', PUT: 'update', PATCH: 'patch' };

function verbOf({ method = 'GET', url = '' }: IncomingMessage, { name }: Target): string {
  if (method === 'DELETE') return name === '' ? 'deletecollection' : 'delete';
  if (method !== 'GET') return verbs[method] ?? method.toLowerCase();
  return /[?&]watch=(true|1)/.test(url) ? 'watch' : name === '' ? 'list' : 'get';
}

function secretIn(path: string): Buffer {
  if (!existsSync(path)) writeFileSync(path, randomBytes(32), { mode: 0o600 });
  return readFileSync(path);
}

/** What every cluster begins with: the namespaces that are always there, and two nodes in two zones. */
function* initialObjects(now: number): Generator<readonly [string, Stored]> {
  let version = 0;
  const head = (name: string, labels: Readonly<Record<string, string>>) => ({
    metadata: { name, uid: randomUUID(), resourceVersion: String(++version), creationTimestamp: timestamp(now), labels },
  });
  for (const name of ['default', 'kube-system', 'kube-public', 'kube-node-lease'])
    yield [
      '/namespaces',
      {
        apiVersion: 'v1',
        kind: 'Namespace',
        ...head(name, { 'kubernetes.io/metadata.name': name }),
        spec: { finalizers: ['kubernetes'] },
        status: { phase: 'Active' },
      },
    ];
  for (const namespace of ['default', 'kube-system', 'kube-public', 'kube-node-lease'])
    yield ['/serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { ...head('default', {}).metadata, namespace } }];
  for (const zone of ['a', 'b']) {
    const name = `node-${zone}`;
    const place = { 'topology.kubernetes.io/region': 'local', 'topology.kubernetes.io/zone': `zone-${zone}` };
    const machine = { 'kubernetes.io/arch': 'amd64', 'kubernetes.io/os': 'linux', 'node.kubernetes.io/instance-type': 'fake' };
    const ready = { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' };
    const room = { cpu: '1k', memory: '1Ti', pods: '1M' };
    yield [
      '/nodes',
      {
        apiVersion: 'v1',
        kind: 'Node',
        ...head(name, { ...machine, ...place, 'kubernetes.io/hostname': name }),
        spec: {},
        status: {
          allocatable: room,
          capacity: room,
          conditions: [{ ...ready, lastHeartbeatTime: timestamp(now), lastTransitionTime: timestamp(now) }],
          nodeInfo: {
            architecture: 'amd64',
            operatingSystem: 'linux',
            kubeletVersion: 'sandbox',
            containerRuntimeVersion: 'sandbox',
            kernelVersion: 'sandbox',
          },
        },
      },
    ];
  }
}
