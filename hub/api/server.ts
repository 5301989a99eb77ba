import { fastify, type FastifyInstance, type FastifyRequest } from 'fastify';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { z } from 'zod';
import type { Random } from '#shared/kernel/mod.ts';
import type { Log } from '#shared/telemetry/mod.ts';
import { Failures } from './auth/failures.ts';
import { includes } from './auth/scopes.ts';
import { Revocations } from './auth/revocations.ts';
import { callerOf, type Caller } from './auth/tokens.ts';
import { askOf, type Asking } from './ask.ts';
import { Cursors } from './lists/cursors.ts';
import { changeOperations, type ChangeOptions } from './operations/changes.ts';
import { clusterOperations, type ClusterOptions } from './operations/clusters.ts';
import { holdOperations, type HoldOptions } from './operations/holds.ts';
import { Idempotency } from './operations/idempotency.ts';
import { fleetOperations } from './operations/fleet.ts';
import { pageOperations } from './operations/page.ts';
import { isStreamed, type Asked, type Operation } from './operations/operation.ts';
import { promoteOperations, type PromoteOptions } from './operations/promotions.ts';
import { readOperations } from './operations/reads.ts';
import { tokenOperations } from './operations/tokens.ts';
import { syncOperations, type SyncOptions } from './operations/syncs.ts';
import { keeping } from './kinds/kept.ts';
import { momentOf, type Fleet } from './kinds/moments.ts';
import { whenAborted } from './watch/ends.ts';
import type { Feed } from './watch/feed.ts';
import { mountPage, type Page } from './page.ts';
import { ApiError } from './problems/errors.ts';
import { openApiOf } from './openapi.ts';
import { problemOf } from './problems/problem.ts';

export interface ApiOptions extends ChangeOptions, ClusterOptions, HoldOptions, PromoteOptions, Omit<SyncOptions, 'health'> {
  readonly host: string;
  readonly port: number;
  readonly health: Fleet &
    SyncOptions['health'] & { readonly settling: unknown; readonly recordBehind: { readonly message: string } | undefined };
  /** What has changed, for watchers. */
  readonly feed: Feed;
  readonly random: Random;
  /** What people see in a browser; absent: nothing. */
  readonly page?: Page;
  /** Of this hub. */
  readonly version: string;
  readonly log: Log;
}

/** Everything that can be asked of a hub. */
export function operationsOf(options: ApiOptions): readonly Operation[] {
  const { store, health, clock, random, sourceOf, feed } = options;
  const reads = { store, fleet: health, cursors: new Cursors(random), clock, sourceOf, feed };
  const trouble = () => ({ settling: health.settling !== undefined, recordBehind: health.recordBehind?.message ?? null });
  const operations = [
    ...readOperations(reads),
    ...fleetOperations(reads, trouble),
    ...changeOperations(options),
    ...clusterOperations(options),
    ...promoteOperations(options),
    ...syncOperations(options),
    ...holdOperations(options),
    ...tokenOperations(options),
    ...(options.page ? pageOperations(options.page) : []),
  ];
  const document = openApiOf([...operations, documentation(() => ({}))], options.version);
  return [...operations, documentation(() => document)];
}

const documentation = (document: () => object): Operation => ({
  id: 'openApi',
  method: 'GET',
  path: '/openapi.json',
  scope: 'none',
  summary: 'This document',
  params: z.object({}),
  query: z.object({}),
  answer: z.object({}).loose(),
  handle: async () => document(),
});

const bodyBytesMax = 1024 * 1024;
const open: Caller = { id: 0, subject: 'nobody', scope: 'read', expiresAt: Infinity };

/** Serves the hub's API. Operations are tried in the order of the table; errors are problem+json with stable codes. */
export async function serveApi(options: ApiOptions): Promise<{ port: number; stop(): Promise<void> }> {
  const server = fastify({ bodyLimit: bodyBytesMax, forceCloseConnections: true, requestTimeout: 30_000 });
  const text = { parseAs: 'string' as const };
  server.removeAllContentTypeParsers();
  for (const type of ['application/yaml', 'application/json'])
    server.addContentTypeParser(type, text, (_request, body, done) => done(null, body));
  server.setErrorHandler(async (error, request, reply) => {
    const problem = problemOf(error);
    const retryAfter = (problem as { retryAfterSeconds?: number }).retryAfterSeconds;
    if (retryAfter !== undefined) void reply.header('retry-after', String(retryAfter));
    if (problem.status === 401) void reply.header('www-authenticate', 'Bearer');
    if (problem.status >= 500) options.log.error('request failed', { method: request.method, path: request.routeOptions.url, error });
    return reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem));
  });
  server.setNotFoundHandler((request) => {
    throw new ApiError('NOT_FOUND', `${request.method} ${request.url.slice(0, 200)}: there is nothing here`);
  });
  const authorize = authorizer(options);
  const revocations = new Revocations(options.store);
  const stays: Stays = {
    isGood: async ({ headers }) => (await callerOf(options.store, headers.authorization, options.clock.now())) !== undefined,
    onRevoked: (listener) => revocations.listen(listener),
  };
  const idempotency = new Idempotency(options.clock);
  const operations = operationsOf(options);
  for (const operation of operations) route(server, operation, authorize, stays, idempotency);
  if (options.page) await mountPage(server, options.page, askingOf(operations, options));
  await server.listen({ host: options.host, port: options.port });
  return { port: (server.server.address() as AddressInfo).port, stop: () => server.close() };
}

function askingOf(operations: readonly Operation[], { store, health, clock }: ApiOptions): Asking {
  const check: Parameters<typeof askOf>[1] = (operation, params, query) => ({
    params: checked(operation.params, params, 'path') as Record<string, string>,
    query: checked(operation.query, query, 'query'),
  });
  return {
    ask: askOf(operations, check),
    together: (look) => {
      const atMs = clock.monotonicMs();
      return keeping(store.read, momentOf(health, clock.now()), (moment) => look(askOf(operations, check, moment), atMs));
    },
  };
}

type Authorize = (request: FastifyRequest, operation: Operation) => Promise<Caller>;

/** Whether the token of a request is still good. */
interface Stays {
  isGood(request: FastifyRequest): Promise<boolean>;
  /** Some token has been taken back, maybe this one; the answer ends it. */
  onRevoked(listener: () => void): () => void;
}

function authorizer({ store, clock }: ApiOptions): Authorize {
  const failures = new Failures();
  return async (request, { scope }) => {
    if (scope === 'none') return open;
    const caller = await callerOf(store, request.headers.authorization, clock.now());
    if (!caller) throw failed(failures, request.ip, clock.monotonicMs());
    if (!includes(caller.scope, scope)) throw new ApiError('FORBIDDEN', `this needs a token of scope ${scope}, not ${caller.scope}`);
    return caller;
  };
}

/** A right token is never kept waiting: somebody else at the same address may be the one who guesses, and 256 bits are not guessed. */
function failed(failures: Failures, address: string, nowMs: number): ApiError {
  const waitMs = failures.waitMs(address, nowMs);
  if (waitMs > 0) return new ApiError('TOO_MANY_FAILURES', 'too many wrong tokens', { retryAfterSeconds: Math.ceil(waitMs / 1000) });
  failures.failed(address, nowMs);
  return new ApiError('UNAUTHENTICATED', 'a valid bearer token is needed');
}

function route(server: FastifyInstance, operation: Operation, authorize: Authorize, stays: Stays, idempotency: Idempotency): void {
  const url = operation.path.replaceAll(/\{(\w+)\}/g, ':$1');
  server.route({
    method: operation.method,
    url,
    handler: async (request, reply) => {
      // Before anything is waited for: nobody is told later that the caller went meanwhile.
      const gone = new AbortController();
      reply.raw.once('close', () => gone.abort(new Error('the caller has gone')));
      const caller = await authorize(request, operation);
      const asked: Asked = {
        params: checked(operation.params, request.params, 'path') as Record<string, string>,
        query: checked(operation.query, request.query, 'query'),
        body: bodyOf(operation, request.body),
        actor: `user:${caller.subject}`,
        caller: caller === open ? undefined : caller,
        headers: request.headers as Record<string, string | undefined>,
        signal: gone.signal,
      };
      const key = operation.changes ? keyOf(request, caller) : undefined;
      const text = typeof request.body === 'string' ? request.body : '';
      const again = [request.method, request.url, text, asked.headers['if-match'] ?? ''];
      const done = key === undefined ? undefined : await idempotency.once(key, again, () => operation.handle(asked));
      const answer = done ? done.answer : await operation.handle(asked);
      if (done?.replayed) void reply.header('idempotency-replayed', 'true');
      if (!isStreamed(answer)) return reply.type('application/json').send(JSON.stringify(answer));
      void reply.header('cache-control', 'no-store').type('text/event-stream');
      const isGood = (): Promise<boolean> => stays.isGood(request);
      whenAborted(
        gone.signal,
        stays.onRevoked(() => void endUnless(isGood, gone)),
      );
      return reply.send(Readable.from(whileGood(answer.stream, isGood)));
    },
  });
}

/** Ends a stream with the token that it was begun with, also while there is nothing to say. That the record cannot be asked is no reason: nothing is told then. */
async function endUnless(isGood: () => Promise<boolean>, stream: AbortController): Promise<void> {
  if (!(await isGood().catch(() => true))) stream.abort(new Error('its token has been taken back'));
}

/** A stream outlives its request: whose token has ended or was revoked meanwhile is told nothing more. */
async function* whileGood(stream: AsyncIterable<string>, good: () => Promise<boolean>): AsyncGenerator<string> {
  for await (const text of stream) {
    if (!(await good())) return;
    yield text;
  }
}

/** Keys of one caller are not another's. */
function keyOf({ headers }: FastifyRequest, { subject }: Caller): string | undefined {
  const key = headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key !== 'string' || !/^[\x21-\x7e]{1,128}$/.test(key))
    throw new ApiError('REQUEST_INVALID', 'Idempotency-Key: 1 to 128 printable characters without spaces');
  return `${subject} ${key}`;
}

function bodyOf({ body }: Operation, given: unknown): unknown {
  if (body === undefined) return undefined;
  if (body === 'set') {
    if (typeof given !== 'string') throw new ApiError('REQUEST_INVALID', 'send resources as application/yaml or application/json');
    return given;
  }
  return checked(body, json(given), 'body');
}

function json(given: unknown): unknown {
  if (typeof given !== 'string' || given === '') return {};
  try {
    return JSON.parse(given);
  } catch {
    throw new ApiError('REQUEST_INVALID', 'body: is not JSON');
  }
}

/** Strict: a parameter that nobody knows is a mistake that would otherwise go unnoticed. */
function checked<T extends z.ZodType>(schema: T, value: unknown, where: string): z.output<T> {
  const strict = 'strict' in schema && typeof schema.strict === 'function' ? (schema as unknown as z.ZodObject).strict() : schema;
  const parsed = strict.safeParse(value ?? {});
  if (parsed.success) return parsed.data as z.output<T>;
  const problems = parsed.error.issues.map((issue) => `${[where, ...issue.path].join('.')}: ${issue.message}`);
  throw new ApiError('REQUEST_INVALID', problems.join('; ').slice(0, 2000));
}
