import assert from 'node:assert/strict';
import { readFileSync, globSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { seededRandom, VirtualClock } from '#shared/clock/mod.ts';
import { CodedError } from '#shared/kernel/mod.ts';
import { openSqliteStore } from '#hub/store/mod.ts';
import { Failures } from './auth/failures.ts';
import { adminToken, callerOf } from './auth/tokens.ts';
import { catalogue } from './problems/catalogue.ts';
import { problemOf } from './problems/problem.ts';
import { operationsOf, startRig } from './testing/rig.ts';

const rows: readonly (readonly [scope: string, method: string, path: string, status: number])[] = [
  ['read', 'GET', '/v1alpha1/clusters', 200],
  ['read', 'GET', '/v1alpha1/status', 200],
  ['read', 'POST', '/v1alpha1/tenants/team-0/apps/app-0/sync', 403],
  ['read', 'POST', '/v1alpha1/apply', 403],
  ['operate', 'POST', '/v1alpha1/tenants/team-0/apps/app-0/sync', 200],
  ['operate', 'POST', '/v1alpha1/apply', 403],
  ['operate', 'DELETE', '/v1alpha1/clusters/c-00000', 403],
  ['operate', 'POST', '/v1alpha1/clusters/c-00000/join-token', 403],
  ['admin', 'POST', '/v1alpha1/clusters/c-00000/join-token', 200],
  ['nonsense', 'GET', '/v1alpha1/clusters', 403],
];
test('a token reaches as far as its scope', async () => {
  await using rig = await startRig();
  for (const [scope, method, path, status] of rows)
    assert.equal(
      (await rig.call(method, path, { token: await rig.tokenOf(scope, 3_600_000 + rows.findIndex((row) => row[2] === path)) })).status,
      status,
      `${scope} ${method} ${path}`,
    );
});

test('everything but what is meant for everybody needs a token', async () => {
  await using rig = await startRig();
  const open = operationsOf(rig.options).filter(({ scope }) => scope === 'none');
  assert.deepEqual(open.map(({ path }) => path).toSorted(), ['/healthz', '/openapi.json', '/readyz']);
  for (const { path } of open) assert.equal((await rig.call('GET', path, { token: null })).status, 200);
  const { status, headers, body } = await rig.call('GET', '/v1alpha1/clusters', { token: null });
  assert.deepEqual([status, body.code, headers.get('www-authenticate')], [401, 'UNAUTHENTICATED', 'Bearer']);
});

test('a token ends', async () => {
  await using rig = await startRig();
  const token = await rig.tokenOf('read', 60_000);
  assert.equal((await rig.call('GET', '/v1alpha1/clusters', { token })).status, 200);
  await rig.clock.advance(60_000);
  assert.equal((await rig.call('GET', '/v1alpha1/clusters', { token })).status, 401);
});

test('the record holds no token, and no answer does', async () => {
  await using rig = await startRig();
  const stored = JSON.stringify(await rig.store.read.selectFrom('tokens').selectAll().execute());
  assert.ok(!stored.includes(rig.token));
  for (const path of ['audit', 'events', 'clusters', 'status']) {
    const text = JSON.stringify((await rig.get(`/v1alpha1/${path}`)).body);
    assert.ok(!text.includes(rig.token) && !text.includes('whapi_'), path);
  }
});

test('guessing is slow: after 20 wrong tokens a minute has to pass; a right one of the same address is not kept waiting', async () => {
  await using rig = await startRig();
  const wrong = 'whapi_wrongwrongwrongwrong';
  for (let i = 0; i < 20; i++) assert.equal((await rig.call('GET', '/v1alpha1/clusters', { token: wrong })).status, 401);
  const { status, headers, body } = await rig.call('GET', '/v1alpha1/clusters', { token: wrong });
  assert.deepEqual([status, body.code, headers.get('retry-after')], [429, 'TOO_MANY_FAILURES', '60']);
  assert.equal((await rig.get('/v1alpha1/clusters')).status, 200);
  await rig.clock.advance(60_000);
  assert.equal((await rig.call('GET', '/v1alpha1/clusters', { token: wrong })).status, 401);
});

test('only so many addresses are remembered', () => {
  const failures = new Failures();
  for (let address = 0; address < 1_001; address++) for (let i = 0; i < 20; i++) failures.failed(String(address), 0);
  assert.equal(failures.waitMs('0', 1), 0);
  assert.ok(failures.waitMs('1', 1) > 0);
});

const refused: readonly (readonly [what: string, path: string, status: number, code: string])[] = [
  ['an unknown path', '/v1alpha1/nothing', 404, 'NOT_FOUND'],
  ['an unknown resource', '/v1alpha1/clusters/nobody', 404, 'NOT_FOUND'],
  ['a name of another tenant', '/v1alpha1/tenants/team-1/apps/app-9', 404, 'NOT_FOUND'],
  ['an unknown parameter', '/v1alpha1/clusters?lmit=5', 400, 'REQUEST_INVALID'],
  ['too much at once', '/v1alpha1/clusters?limit=501', 400, 'REQUEST_INVALID'],
  ['none at all', '/v1alpha1/clusters?limit=0', 400, 'REQUEST_INVALID'],
  ['a tenant of what has none', '/v1alpha1/clusters?tenant=team-0', 400, 'REQUEST_INVALID'],
  ['an unknown field', '/v1alpha1/clusters?fieldSelector=status.helth=Healthy', 400, 'FIELD_UNKNOWN'],
  ['an unknown order', '/v1alpha1/clusters?sort=size', 400, 'FIELD_UNKNOWN'],
  ['an order of Object itself', '/v1alpha1/clusters?sort=constructor', 400, 'FIELD_UNKNOWN'],
  ['a word that health never is', '/v1alpha1/clusters?fieldSelector=status.health=Fine', 400, 'SELECTOR_INVALID'],
  ['a selector that is none', '/v1alpha1/clusters?labelSelector=a%3D%3D%3Db', 400, 'SELECTOR_INVALID'],
  ['a quote in a key', '/v1alpha1/clusters?labelSelector=a%22b', 400, 'SELECTOR_INVALID'],
  ['labels of what has none', '/v1alpha1/releases?labelSelector=a', 400, 'SELECTOR_INVALID'],
  ['a cursor that nobody gave out', '/v1alpha1/clusters?continue=abc', 400, 'CURSOR_INVALID'],
  ['a watch from nowhere', '/v1alpha1/clusters?watch=true&resourceVersion=abc.1', 410, 'WATCH_EXPIRED'],
];
test('what cannot be answered is a problem with a code and a next step', async () => {
  await using rig = await startRig();
  for (const [what, path, status, code] of refused) {
    const { body, headers, ...answer } = await rig.get(path);
    assert.deepEqual([answer.status, body.status, body.code], [status, status, code], what);
    assert.ok(body.title && body.detail && body.next, what);
    assert.match(headers.get('content-type') ?? '', /^application\/problem\+json/);
  }
  const large = await rig.call('POST', '/v1alpha1/apply', { body: 'x'.repeat(1024 * 1024 + 1) });
  assert.equal(large.body.code, 'BODY_TOO_LARGE');
  const strange = await rig.call('POST', '/v1alpha1/apply', { body: 'x', headers: { 'content-type': 'text/html' } });
  assert.equal(strange.body.code, 'MEDIA_TYPE_UNKNOWN');
});

test('what the hub did not expect is INTERNAL, and says nothing of the inside', () => {
  assert.deepEqual(
    [problemOf(new Error('secret')).code, JSON.stringify(problemOf(new Error('secret'))).includes('secret')],
    ['INTERNAL', false],
  );
  assert.equal(problemOf(new CodedError('NO_SUCH_CODE', 'secret')).code, 'INTERNAL');
});

test('every code is in problems.md with its status, and every code there is one', () => {
  const text = readFileSync(join(import.meta.dirname, 'problems.md'), 'utf8');
  const documented = [...text.matchAll(/^\| `([A-Z_]+)`\s*\| (\d{3})\s*\| (.+?)\s*\| (.+?)\s*\|$/gm)].map(
    ([, code, status, title, next]) => [code, Number(status), title, next],
  );
  assert.deepEqual(
    documented,
    Object.entries(catalogue).map(([code, { status, title, next }]) => [code, status, title, next]),
  );
});

test('every code of the catalogue is thrown somewhere, and every one that the API throws is in it', () => {
  const hub = join(import.meta.dirname, '..');
  const sources = globSync('{api,declarations,health,holds,identity,resources,store}/**/*.ts', {
    cwd: hub,
    exclude: (name) => name.endsWith('.test.ts'),
  });
  const code = new Map(sources.map((file) => [file, readFileSync(join(hub, file), 'utf8')]));
  const thrown = new Set<string>();
  for (const [, text] of code)
    for (const [, one] of text
      .matchAll(/(?:new \w*Error\(|super\(|return of\(|\?\? )\s*'([A-Z_]+)'|FST_ERR_\w+: '([A-Z_]+)'/g)
      .map((m) => [m[0], m[1] ?? m[2]]))
      thrown.add(one ?? '');
  for (const one of Object.keys(catalogue)) assert.ok(thrown.has(one), `${one} is thrown nowhere`);
  for (const [file, text] of code)
    if (file.startsWith('api/'))
      for (const [, one = ''] of text.matchAll(/new ApiError\(\s*'([A-Z_]+)'/g)) assert.ok(one in catalogue, one);
});

test('the token in the file lets its owner in also after the year that it is good for: the hub starts again', async (t) => {
  const clock = new VirtualClock(Date.UTC(2026, 0, 1));
  const random = seededRandom(1);
  await using store = await openSqliteStore({ file: ':memory:', clock, random });
  const folder = await mkdtemp(join(tmpdir(), 'token-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'admin.token');
  await adminToken(store, file, random);
  const token = `Bearer ${(await readFile(file, 'utf8')).trim()}`;
  const scope = async (): Promise<string | undefined> => (await callerOf(store, token, clock.now()))?.scope;
  assert.equal(await scope(), 'admin');
  await clock.advance(366 * 24 * 3_600_000);
  assert.equal(await scope(), undefined, 'not while nobody who may start the hub has done so');
  await adminToken(store, file, random);
  assert.equal(await scope(), 'admin');
});
