import { fastify, type FastifyInstance, type FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { AddressInfo } from 'node:net';
import type { Clock } from '#shared/clock/mod.ts';
import { CodedError } from '#shared/kernel/mod.ts';
import type { Log } from '#shared/telemetry/mod.ts';
import type { HealthService } from '#hub/health/mod.ts';
import type { Identities } from '#hub/identity/mod.ts';
import type { Store } from '#hub/store/mod.ts';
import { problemOf } from './problems.ts';
import { subjectOf } from './tokens.ts';
import { clusterPage, pageMax, releasePage, targetPage } from './views.ts';

export class ApiError extends CodedError<'UNAUTHENTICATED' | 'REQUEST_INVALID' | 'NOT_FOUND'> {
  override readonly name = 'ApiError';
}

/** What applying a set of resources did: one line per resource. */
export interface Applied {
  /** Kind/name, Kind/tenant/name. */
  readonly subject: string;
  readonly action: 'created' | 'configured' | 'unchanged';
}

export interface ApiOptions {
  readonly host: string;
  readonly port: number;
  readonly store: Store;
  readonly health: HealthService;
  readonly identities: Identities;
  /** Validates and applies a YAML text; rejects with every problem at once. */
  readonly apply: (yaml: string, who: { actor: string; reason: string; dryRun: boolean }) => Promise<readonly Applied[]>;
  /** Looks at the Git source of an app now. */
  readonly pollNow: (tenant: string, app: string) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

const prefix = '/v1alpha1';
const page = z.object({ after: z.string().max(64).optional(), limit: z.coerce.number().int().min(1).max(pageMax).default(100) });
const change = z.object({ reason: z.string().max(1024).default(''), dryRun: z.stringbool().default(false) });
const joinToken = z.object({
  ttlMs: z
    .number()
    .int()
    .min(1_000)
    .max(7 * 24 * 3_600_000)
    .default(3_600_000),
  accepted: z.boolean().default(false),
  reason: z.string().max(1024).default(''),
});
const named = z.object({ name: z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/) });
const appNamed = z.object({ tenant: named.shape.name, app: named.shape.name });

/** Serves the hub's API. Every request but /healthz and /readyz needs a bearer token; errors are problem+json with stable codes. */
export async function serveApi(options: ApiOptions): Promise<{ port: number; stop(): Promise<void> }> {
  const server = fastify({ bodyLimit: 1024 * 1024, forceCloseConnections: true, requestTimeout: 30_000 });
  const subjects = new WeakMap<FastifyRequest, string>();
  server.addContentTypeParser('application/yaml', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  server.setErrorHandler(async (error, request, reply) => {
    const problem = problemOf(error);
    if (problem.status >= 500) options.log.error('request failed', { method: request.method, path: request.routeOptions.url, error });
    return reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem));
  });
  server.setNotFoundHandler((request) => {
    throw new ApiError('NOT_FOUND', `${request.method} ${request.url.slice(0, 200)}: there is nothing here`);
  });
  server.addHook('onRequest', async (request) => {
    if (request.url === '/healthz' || request.url === '/readyz') return;
    const subject = await subjectOf(options.store, request.headers.authorization, options.clock.now());
    if (subject === undefined)
      throw new ApiError('UNAUTHENTICATED', 'a valid bearer token is needed: see DATA/keys/admin.token on the hub');
    subjects.set(request, subject);
  });
  const actorOf = (request: FastifyRequest): string => `user:${subjects.get(request) ?? 'nobody'}`;
  reads(server, options);
  changes(server, options, actorOf);
  await server.listen({ host: options.host, port: options.port });
  return { port: (server.server.address() as AddressInfo).port, stop: () => server.close() };
}

function reads(server: FastifyInstance, { store, health }: ApiOptions): void {
  server.get('/healthz', async () => ({ ok: true }));
  server.get('/readyz', async () => ({
    ok: true,
    settling: health.settling !== undefined,
    recordBehind: health.recordBehind?.message ?? null,
  }));
  server.get(`${prefix}/clusters`, async (request) => {
    const { after, limit } = checked(page, request.query);
    return clusterPage(store.read, health, after ?? '', limit);
  });
  server.get(`${prefix}/targets`, async (request) => {
    const { after, limit } = checked(page, request.query);
    return targetPage(store.read, cursor(after, 0), limit);
  });
  server.get(`${prefix}/releases`, async (request) => {
    const { after, limit } = checked(page, request.query);
    return releasePage(store.read, cursor(after, Number.MAX_SAFE_INTEGER), limit);
  });
}

function changes(server: FastifyInstance, options: ApiOptions, actorOf: (request: FastifyRequest) => string): void {
  const { identities } = options;
  server.post(`${prefix}/apply`, async (request) => {
    if (typeof request.body !== 'string') throw new ApiError('REQUEST_INVALID', 'send YAML as application/yaml');
    const { reason, dryRun } = checked(change, request.query);
    return { items: await options.apply(request.body, { actor: actorOf(request), reason, dryRun }) };
  });
  server.post(`${prefix}/clusters/:name/join-token`, async (request) => {
    const { name } = checked(named, request.params);
    const token = await identities.createJoinToken(name, { ...checked(joinToken, request.body ?? {}), actor: actorOf(request) });
    return { token: token.reveal() };
  });
  server.post(`${prefix}/clusters/:name/accept`, async (request) => {
    const { name } = checked(named, request.params);
    await identities.accept(name, actorOf(request), checked(change, request.query).reason);
    return {};
  });
  server.post(`${prefix}/apps/:tenant/:app/sync`, async (request) => {
    const { tenant, app } = checked(appNamed, request.params);
    await options.pollNow(tenant, app);
    return {};
  });
}

function checked<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'request'}: ${issue.message}`);
  throw new ApiError('REQUEST_INVALID', problems.join('; '));
}

function cursor(after: string | undefined, start: number): number {
  if (after === undefined) return start;
  const value = Number(after);
  if (!Number.isSafeInteger(value)) throw new ApiError('REQUEST_INVALID', 'after: not a cursor that this hub gave out');
  return value;
}
