import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom, VirtualClock } from '#shared/clock/mod.ts';
import { digestBytes, digestOf } from '#shared/kernel/mod.ts';
import type { Log } from '#shared/telemetry/mod.ts';
import { Holds } from '#hub/holds/mod.ts';
import { PromotionService } from '#hub/promotion/mod.ts';
import { FleetPage } from '#hub/page/mod.ts';
import { openSqliteStore, put, type Store } from '#hub/store/mod.ts';
import { drawContacts, generateFleet, StillFleet, type FleetSize } from '#test/bench/mod.ts';
import { sessionsIn } from '../auth/sessions.ts';
import { adminToken } from '../auth/tokens.ts';
import { operationsOf, serveApi, type ApiOptions } from '../server.ts';
import { Feed } from '../watch/feed.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // Whatever was answered: a test looks into it.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: any;
}

export interface Rig extends AsyncDisposable {
  readonly store: Store;
  readonly clock: VirtualClock;
  readonly fleet: StillFleet;
  readonly feed: Feed;
  readonly options: ApiOptions;
  readonly base: string;
  readonly token: string;
  readonly clusterIds: readonly number[];
  readonly synced: number[];
  readonly call: (
    method: string,
    path: string,
    init?: { body?: string; headers?: Record<string, string>; token?: string | null },
  ) => Promise<Answer>;
  readonly get: (path: string) => Promise<Answer>;
  /** A token of that scope. */
  readonly tokenOf: (scope: string, ttlMs?: number) => Promise<string>;
}

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} } as unknown as Log;

export const size: FleetSize = { clusters: 30, tenants: 2, apps: 2 };

/** The API over a generated record, contacts held still, and a clock that moves when told. */
export async function startRig(options: { seed?: number; size?: FleetSize; settling?: boolean } = {}): Promise<Rig> {
  const dir = await mkdtemp(join(tmpdir(), 'wheelhouse-api-'));
  const clock = new VirtualClock();
  const random = seededRandom(options.seed ?? 1);
  const store = await openSqliteStore({ file: ':memory:', clock, random });
  const { clusterIds } = await generateFleet(store, options.size ?? size, random);
  const fleet = new StillFleet(drawContacts(clusterIds, random), { settling: options.settling ?? false });
  await adminToken(store, join(dir, 'token'), random);
  const token = (await readFile(join(dir, 'token'), 'utf8')).trim();
  await rm(dir, { recursive: true });
  const synced: number[] = [];
  const promotion = new PromotionService({ store, watch: fleet });
  const feed = new Feed({
    store,
    clock,
    random,
    onError: (error) => {
      throw error;
    },
  });
  const holds = new Holds({
    store,
    clock,
    onError: (error) => {
      throw error;
    },
  });
  const apiOptions: ApiOptions = {
    host: '127.0.0.1',
    port: 0,
    store,
    health: fleet,
    identities: {
      createJoinToken: async (name) => ({ reveal: () => `secret-of-${name}` }) as never,
      accept: async () => {},
    },
    onDeclared: async () => {},
    holds,
    promote: (targetId, releaseId, asked) => promotion.promote(targetId, releaseId, asked),
    pollNow: (appId) => void synced.push(appId),
    sourceOf: () => undefined,
    feed,
    page: new FleetPage({ sessions: sessionsIn(store, clock, random), names: ['hub.example'], clock, random, log: silent }),
    clock,
    random,
    version: '0.0.0',
    log: silent,
  };
  const api = await serveApi(apiOptions);
  const base = `http://127.0.0.1:${api.port}`;
  const call: Rig['call'] = async (method, path, init = {}) => {
    const authorization = init.token === null ? {} : { authorization: `Bearer ${init.token ?? token}` };
    const response = await fetch(base + path, {
      method,
      headers: { ...authorization, ...(init.body === undefined ? {} : { 'content-type': 'application/yaml' }), ...init.headers },
      ...(init.body === undefined ? {} : { body: init.body }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') ?? false;
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
  };
  return {
    store,
    clock,
    fleet,
    feed,
    options: apiOptions,
    base,
    token,
    clusterIds,
    synced,
    call,
    get: (path) => call('GET', path),
    tokenOf: (scope, ttlMs = 3_600_000) => makeToken(store, scope, clock.now() + ttlMs),
    [Symbol.asyncDispose]: async () => {
      await api.stop();
      holds.stop();
      await store[Symbol.asyncDispose]();
    },
  };
}

async function makeToken(store: Store, scope: string, expiresAt: number): Promise<string> {
  const token = `whapi_${'x'.repeat(20)}_${scope}_${expiresAt}`;
  await store.decide(
    async () => undefined,
    (_, { now, newId }) => ({
      result: undefined,
      writes: [
        put('tokens', {
          id: newId(),
          kind: 'Api',
          hash: digestBytes(digestOf(token)),
          subject: `${scope}-person`,
          scope,
          bound_key: null,
          expires_at: expiresAt,
          created_at: now,
        }),
      ],
      audit: { actor: 'system:test', action: 'create.token', subject: `Token/${scope}` },
    }),
  );
  return token;
}

export { operationsOf };
