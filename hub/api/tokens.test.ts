import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { put, remove } from '#hub/store/mod.ts';
import { askOf } from './ask.ts';
import { tokensMax } from './auth/issued.ts';
import { sessionsIn } from './auth/sessions.ts';
import { adminToken } from './auth/tokens.ts';
import { operationsOf, startRig, type Answer, type Rig } from './testing/rig.ts';

const path = '/v1alpha1/tokens';
const clusters = '/v1alpha1/clusters';
const dayMs = 24 * 3_600_000;

const make = (rig: Rig, body: object, { query = '', ...init }: { query?: string; token?: string; headers?: Record<string, string> } = {}) =>
  rig.call('POST', path + query, { ...init, body: JSON.stringify(body) });
const made = async (rig: Rig, body: object, query?: string): Promise<{ id: string; name: string; token: string; expiresAt: string }> => {
  const answer = await make(rig, body, query === undefined ? {} : { query });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return answer.body;
};
const refusal = ({ status, body }: Answer): readonly unknown[] => [status, body.code];
const list = async (rig: Rig): Promise<{ id: string; name: string; scope: string }[]> => (await rig.get(path)).body.items;
const audited = (rig: Rig) =>
  rig.store.read
    .selectFrom('audit')
    .select(['actor', 'action', 'subject', 'reason', 'detail'])
    .where('action', 'like', '%.token')
    .where('subject', '!=', 'Token/local-admin')
    .orderBy('id')
    .execute();

const reach: readonly (readonly [scope: string, method: string, path: string, status: number])[] = [
  ['read', 'GET', clusters, 200],
  ['read', 'POST', '/v1alpha1/apply', 403],
  ['read', 'POST', '/v1alpha1/tenants/team-0/apps/app-0/sync', 403],
  ['read', 'GET', path, 403],
  ['operate', 'POST', '/v1alpha1/tenants/team-0/apps/app-0/sync', 200],
  ['operate', 'POST', path, 403],
  ['operate', 'DELETE', `${path}/1`, 403],
  ['admin', 'GET', path, 200],
];
test('a token that was made reaches as far as the scope it was made with', async () => {
  await using rig = await startRig();
  const tokens = new Map<string, string>();
  for (const scope of ['read', 'operate', 'admin']) tokens.set(scope, (await made(rig, { scope })).token);
  for (const [scope, method, where, status] of reach)
    assert.equal((await rig.call(method, where, { token: tokens.get(scope) ?? '' })).status, status, `${scope} ${method} ${where}`);
});

test('it is good for thirty days, or as long as was said, by the clock of the hub', async () => {
  await using rig = await startRig();
  const usual = await made(rig, { scope: 'read' });
  assert.equal(Date.parse(usual.expiresAt) - rig.clock.now(), 30 * dayMs);
  const { token, name } = await made(rig, { scope: 'read', ttlMs: 60_000, name: 'short' });
  await rig.clock.advance(59_999);
  assert.equal((await rig.call('GET', clusters, { token })).status, 200);
  await rig.clock.advance(1);
  assert.equal((await rig.call('GET', clusters, { token })).status, 401);
  assert.ok(!(await list(rig)).some((one) => one.name === name));
  // Its name is free again, and its row goes.
  const { id } = await made(rig, { scope: 'read', name: 'short' });
  const rows = await rig.store.read.selectFrom('tokens').select('id').where('subject', '=', 'short').execute();
  assert.deepEqual(rows, [{ id: Number(id) }]);
});

test('who is revoked is out at once, and so are the browsers that were let in by that name', async () => {
  await using rig = await startRig();
  const { id, token } = await made(rig, { scope: 'read', name: 'ci' });
  const other = await made(rig, { scope: 'read', name: 'other' });
  const sessionsOf = (subject: string) =>
    rig.store.read.selectFrom('tokens').select('id').where('scope', '=', 'page').where('subject', '=', subject).execute();
  const sessions = sessionsIn(rig.store, rig.clock, rig.options.random);
  for (const by of [id, other.id]) assert.ok(await sessions.open(Number(by)));
  assert.deepEqual([(await sessionsOf('ci')).length, (await sessionsOf('other')).length], [1, 1]);
  assert.equal((await rig.call('DELETE', `${path}/${id}?dryRun=true`)).status, 200);
  assert.equal((await rig.call('GET', clusters, { token })).status, 200);
  assert.equal((await rig.call('DELETE', `${path}/${id}?reason=leaked`)).status, 200);
  assert.equal((await rig.call('GET', clusters, { token })).status, 401);
  assert.equal((await rig.call('GET', clusters, { token: other.token })).status, 200);
  assert.deepEqual([(await sessionsOf('ci')).length, (await sessionsOf('other')).length], [0, 1]);
  assert.deepEqual(refusal(await rig.call('DELETE', `${path}/${id}`)), [404, 'NOT_FOUND']);
});

test('a session is opened by a token that is good, for no longer than that is; by nothing else', async () => {
  await using rig = await startRig();
  const sessions = sessionsIn(rig.store, rig.clock, rig.options.random);
  const long = await made(rig, { scope: 'read', name: 'long' });
  const short = await made(rig, { scope: 'read', name: 'short', ttlMs: 60_000 });
  assert.equal((await sessions.open(Number(long.id)))?.goodForMs, dayMs);
  await rig.clock.advance(20_000);
  const session = await sessions.open(Number(short.id));
  assert.equal(session?.goodForMs, 40_000);
  await rig.clock.advance(39_999);
  assert.equal(await sessions.find(session.token), 'short');
  await rig.clock.advance(1);
  assert.equal(await sessions.find(session.token), undefined);
  const [own] = await rig.store.read.selectFrom('tokens').select('id').where('scope', '=', 'page').execute();
  // What lets a cluster in lets no browser in, not even the cluster that is called like a scope.
  const join = await rig.store.decide(
    async () => undefined,
    (_, { newId, now }) => {
      const id = newId();
      const row = { kind: 'Join' as const, hash: new Uint8Array(32), subject: 'read', scope: 'read', bound_key: null, created_at: now };
      const audit = { actor: 'system:test', action: 'create.token', subject: 'Cluster/read' };
      return { result: id, writes: [put('tokens', { id, ...row, expires_at: now + dayMs })], audit };
    },
  );
  for (const id of [Number(short.id), own?.id ?? 0, join, 0, 999_999]) assert.equal(await sessions.open(id), undefined, String(id));
});

/** A watch of clusters that has said what is there. */
async function watch(rig: Rig, { token }: { readonly token: string }) {
  const answer = await fetch(`${rig.base}${clusters}?watch=true&limit=1`, {
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(30_000),
  });
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  let heard = '';
  while (!heard.includes('event: bookmark')) heard += (await reader?.read())?.value ?? '';
  return reader;
}

const fresh = 'apiVersion: wheelhouse.dev/v1alpha1\nkind: Cluster\nmetadata: {name: fresh}\nspec: {labels: {env: none}}\n';

/** What a watch says next, while time passes. */
async function saidBy(rig: Rig, reader: Awaited<ReturnType<typeof watch>>): Promise<string> {
  const said = reader?.read();
  for (let i = 0; i < 20; i++) {
    await setImmediate();
    await rig.clock.advance(250);
  }
  return (await said)?.value ?? '';
}

test('a watch ends at once with its token, while others go on', { timeout: 60_000 }, async () => {
  await using rig = await startRig();
  const [one, other] = [await made(rig, { scope: 'read' }), await made(rig, { scope: 'read' })];
  const [ends, stays] = [await watch(rig, one), await watch(rig, other)];
  // No time passes.
  await rig.call('DELETE', `${path}/${one.id}`);
  assert.equal((await ends?.read())?.done, true);
  await rig.call('POST', '/v1alpha1/apply', { body: fresh });
  assert.match(await saidBy(rig, stays), /fresh/);
  await stays?.cancel();
});

const revokeIn = (rig: Rig, id: number) =>
  rig.store.decide(
    async () => undefined,
    () => ({
      result: undefined,
      writes: [remove('tokens', { id })],
      audit: { actor: 'system:test', action: 'revoke.token', subject: `Token/${id}` },
    }),
  );

test('a watch is not ended because nobody can say whether its token is good', { timeout: 60_000 }, async () => {
  await using rig = await startRig();
  const [one, other] = [await made(rig, { scope: 'read' }), await made(rig, { scope: 'read' })];
  const stays = await watch(rig, one);
  let refused = 0;
  const away = (): never => {
    refused++;
    throw new Error('the record is away');
  };
  Object.assign(rig.store.read, { selectFrom: away });
  await revokeIn(rig, Number(other.id));
  for (let turn = 0; turn < 100; turn++) await setImmediate();
  assert.ok(refused > 0, 'it has looked');
  Reflect.deleteProperty(rig.store.read, 'selectFrom');
  await rig.call('POST', '/v1alpha1/apply', { body: fresh });
  assert.match(await saidBy(rig, stays), /fresh/);
  await stays?.cancel();
});

test('a watch that was begun before is told nothing more', async () => {
  await using rig = await startRig();
  const { id, token } = await made(rig, { scope: 'read' });
  const headers = { authorization: `Bearer ${token}` };
  const signal = AbortSignal.timeout(30_000);
  const watching = await fetch(`${rig.base}${clusters}?watch=true&limit=1`, { headers, signal });
  const reader = watching.body?.pipeThrough(new TextDecoderStream()).getReader();
  let heard = '';
  while (!heard.includes('event: bookmark')) heard += (await reader?.read())?.value ?? '';
  await rig.call('DELETE', `${path}/${id}`);
  const declared = 'apiVersion: wheelhouse.dev/v1alpha1\nkind: Cluster\nmetadata: {name: secret}\nspec: {labels: {env: none}}\n';
  assert.equal((await rig.call('POST', '/v1alpha1/apply', { body: declared })).status, 200);
  const ended = new AbortController();
  const moving = (async () => {
    while (!ended.signal.aborted) {
      await rig.clock.advance(5_000);
      await setImmediate();
    }
  })();
  for (;;) {
    const { done = true, value = '' } = (await reader?.read()) ?? {};
    if (done) break;
    heard += value;
  }
  ended.abort();
  await moving;
  assert.ok(!heard.includes('secret'));
});

test('the record and its lists have the hash and nothing else of it', async () => {
  await using rig = await startRig();
  const { token, id } = await made(rig, { scope: 'operate', name: 'ci' });
  assert.match(token, /^whapi_[A-Za-z0-9_-]{43}$/);
  const { hash } = await rig.store.read.selectFrom('tokens').select('hash').where('id', '=', Number(id)).executeTakeFirstOrThrow();
  assert.equal(hash.length, 32);
  for (const table of ['tokens', 'audit'] as const)
    assert.ok(!JSON.stringify(await rig.store.read.selectFrom(table).selectAll().execute()).includes(token), table);
  for (const where of [path, '/v1alpha1/audit', '/v1alpha1/events']) {
    const text = JSON.stringify((await rig.get(where)).body);
    assert.ok(!text.includes(token) && !text.includes(Buffer.from(hash).toString('hex')), where);
  }
});

test('each is in the audit log once, with its actor and its reason; what is refused or only tried is not', async () => {
  await using rig = await startRig();
  const { id } = await made(rig, { scope: 'read', name: 'ci', ttlMs: 60_000 }, '?reason=pipeline');
  const expiresAt = rig.clock.now() + 60_000;
  const tried = await made(rig, { scope: 'admin' }, '?dryRun=true');
  assert.equal(tried.token, '');
  assert.equal((await make(rig, { scope: 'read', name: 'ci' })).status, 409);
  await rig.call('DELETE', `${path}/${id}?reason=leaked`);
  await rig.call('DELETE', `${path}/${id}?reason=again`);
  const rows = (await audited(rig)).map(({ detail, ...row }) => ({ ...row, detail: JSON.parse(detail) as unknown }));
  const of = { actor: 'user:local-admin', subject: 'Token/ci' };
  assert.deepEqual(rows, [
    { ...of, action: 'create.token', reason: 'pipeline', detail: { id: Number(id), scope: 'read', expiresAt } },
    { ...of, action: 'revoke.token', reason: 'leaked', detail: { id: Number(id), scope: 'read' } },
  ]);
});

const wrong: readonly (readonly [what: string, body: object, status: number, code: string])[] = [
  ['no scope', {}, 400, 'REQUEST_INVALID'],
  ['a scope of browsers', { scope: 'page' }, 400, 'REQUEST_INVALID'],
  ['too short', { scope: 'read', ttlMs: 59_999 }, 400, 'REQUEST_INVALID'],
  ['too long', { scope: 'read', ttlMs: 365 * dayMs + 1 }, 400, 'REQUEST_INVALID'],
  ['a name with a slash', { scope: 'read', name: 'a/b' }, 400, 'REQUEST_INVALID'],
  ['a word that nobody knows', { scope: 'read', ttl: 1 }, 400, 'REQUEST_INVALID'],
  ['a name that is taken', { scope: 'read', name: 'ci' }, 409, 'TOKEN_EXISTS'],
  ['the name of the one beside the keys', { scope: 'read', name: 'local-admin' }, 409, 'TOKEN_EXISTS'],
];
test('what no token can be is refused', async () => {
  await using rig = await startRig();
  await made(rig, { scope: 'read', name: 'ci' });
  for (const [what, body, status, code] of wrong) assert.deepEqual(refusal(await make(rig, body)), [status, code], what);
  assert.deepEqual(refusal(await rig.call('DELETE', `${path}/abc`)), [400, 'REQUEST_INVALID']);
  assert.equal((await list(rig)).length, 2);
});

test('nobody takes the name of the one beside the keys when that has ended', async () => {
  await using rig = await startRig();
  await rig.clock.advance(dayMs);
  const { token } = await made(rig, { scope: 'admin', ttlMs: 365 * dayMs });
  await rig.clock.advance(364 * dayMs);
  assert.equal((await rig.get(path)).status, 401);
  assert.deepEqual(refusal(await make(rig, { scope: 'admin', name: 'local-admin' }, { token })), [409, 'TOKEN_EXISTS']);
});

test('only so many are good at a time', async () => {
  await using rig = await startRig();
  for (let i = 1; i < tokensMax; i++) await made(rig, { scope: 'read', ttlMs: 60_000 });
  assert.equal((await list(rig)).length, tokensMax);
  assert.deepEqual(refusal(await make(rig, { scope: 'read' })), [409, 'TOO_MANY_TOKENS']);
  await rig.clock.advance(60_000);
  await made(rig, { scope: 'read' });
  assert.equal((await list(rig)).length, 2);
});

test('the one beside the keys stays, whoever asks; an earlier one whose file has been replaced may go', async () => {
  await using rig = await startRig();
  const [local] = await list(rig);
  assert.equal(local?.name, 'local-admin');
  const { token } = await made(rig, { scope: 'admin', name: 'second' });
  for (const by of [rig.token, token])
    assert.deepEqual(refusal(await rig.call('DELETE', `${path}/${local.id}`, { token: by })), [409, 'TOKEN_IS_LOCAL']);
  const dir = await mkdtemp(join(tmpdir(), 'wheelhouse-api-'));
  await adminToken(rig.store, join(dir, 'token'), rig.options.random);
  const renewed = (await readFile(join(dir, 'token'), 'utf8')).trim();
  await rm(dir, { recursive: true });
  assert.equal((await rig.call('DELETE', `${path}/${local.id}`, { token: renewed })).status, 200);
  assert.equal((await rig.get(clusters)).status, 401);
  const [now] = (await rig.call('GET', path, { token: renewed })).body.items.filter((one: { name: string }) => one.name === 'local-admin');
  assert.deepEqual(refusal(await rig.call('DELETE', `${path}/${now.id}`, { token })), [409, 'TOKEN_IS_LOCAL']);
});

test('the same request again, its answer lost, makes one token', async () => {
  await using rig = await startRig();
  const headers = { 'idempotency-key': 'once' };
  const [first, again] = [await make(rig, { scope: 'read' }, { headers }), await make(rig, { scope: 'read' }, { headers })];
  assert.deepEqual(again.body, first.body);
  assert.equal((await list(rig)).length, 2);
});

test('the page, which sees what read shows, cannot ask for them', async () => {
  await using rig = await startRig();
  const ask = askOf(operationsOf(rig.options), (_, params, query) => ({ params, query }) as never);
  await assert.rejects(ask(path), { code: 'NOT_FOUND' });
  await ask('/v1alpha1/status');
});
