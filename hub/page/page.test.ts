import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { serveApi, sessionsIn, type Ask } from '#hub/api/mod.ts';
import { startRig, type Rig } from '../api/testing/rig.ts';
import { loadAssets } from './assets.ts';
import { pageDocument } from './documents.ts';
import { liveLimits } from './live.ts';
import { FleetPage } from './mod.ts';
import { closerAt, fleetAt, questions } from './questions.ts';
import { invited, letIn, login, messages, see, type Message } from './testing/browsers.ts';

test('the page is what the API answers to a token of scope read, and nothing else', async () => {
  await using rig = await startRig({ size: { clusters: 60, tenants: 3, apps: 3 } });
  const headers = await letIn(rig);
  const token = await rig.tokenOf('read');
  const asked: string[] = [];
  const ask: Ask = async (path) => {
    asked.push(path);
    const { status, body } = await rig.call('GET', path, { token });
    assert.equal(status, 200, path);
    return body as unknown;
  };
  for (const cluster of ['', 'c-00007', 'c-99999']) {
    const { text } = await see(rig.base, `/?cluster=${cluster}`, { headers });
    // Cursors are sealed anew each time; that there is one is what the page looks at.
    const fleet = await fleetAt(ask, rig.clock.monotonicMs());
    const look = cluster === '' ? fleet : await closerAt(cluster, ask, rig.clock, fleet);
    assert.equal(text, pageDocument(look, loadAssets()));
    await rig.clock.advance(liveLimits.slowestMs);
  }
  assert.ok(asked.every((path) => path.startsWith('/v1alpha1/')));
});

test('nothing in it knows a way to the record', () => {
  const files = globSync('**/*.ts', { cwd: import.meta.dirname }).filter((name) => !/test\.ts$|^testing\//.test(name));
  assert.ok(files.length > 10);
  for (const file of files) {
    const asks = [...readFileSync(join(import.meta.dirname, file), 'utf8').matchAll(/from '([^.'][^']*)'/g)].map(([, name]) => name ?? '');
    const allowed = [
      '#hub/api/mod.ts',
      '#hub/resources/mod.ts',
      '#shared/clock/mod.ts',
      '#shared/kernel/mod.ts',
      '#shared/telemetry/mod.ts',
      'node:fs',
      'node:net',
      'node:path',
    ];
    assert.deepEqual(
      asks.filter((name) => !allowed.includes(name)),
      [],
      file,
    );
  }
});

test('a stranger is told how to get in, and nothing about the fleet', async () => {
  await using rig = await startRig();
  for (const path of ['/', '/?cluster=c-00001', '/page/stream', '/page/stream?cluster=c-00001'])
    for (const headers of [{}, { cookie: 'wheelhouse-80=whpage_guess' }, { authorization: `Bearer ${rig.token}` }]) {
      const { status, text } = await see(rig.base, path, { headers });
      assert.equal(status, 401, path);
      assert.match(text, /wheelhouse page/);
      assert.doesNotMatch(text, /c-0000|app-0|team-/);
    }
});

test('a code lets one browser in, once', async () => {
  await using rig = await startRig();
  const code = await invited(rig, await rig.tokenOf('read', 25 * 3_600_000));
  const first = await login(rig, code);
  assert.deepEqual([first.status, first.headers.get('location')], [303, '/']);
  const [cookie = '', ...rules] = (first.headers.get('set-cookie') ?? '').split('; ');
  const port = new URL(rig.base).port;
  assert.match(cookie, new RegExp(`^wheelhouse-${port}=whpage_[\\w-]{43}$`));
  assert.deepEqual(rules, ['Path=/', 'Max-Age=86400', 'HttpOnly', 'SameSite=Strict']);
  assert.equal((await see(rig.base, '/', { headers: { cookie } })).status, 200);
  const again = await login(rig, code);
  assert.deepEqual([again.status, again.headers.get('set-cookie')], [403, null]);
  assert.match(again.text, /not good/);
});

test('a link may be pasted whole', async () => {
  await using rig = await startRig();
  assert.equal((await login(rig, ` ${rig.base}/login#${await invited(rig)} `)).status, 303);
});

// Under a policy of no-referrer a browser says `Origin: null` of every form; and only where it trusts the address (TLS, loopback) does it say Sec-Fetch-Site.
test('a browser that says nothing but where a form comes from is let in: on another machine, without TLS', async () => {
  await using rig = await startRig();
  const code = await invited(rig);
  const { headers } = await see(rig.base, '/login');
  const origin = headers.get('referrer-policy') === 'no-referrer' ? 'null' : rig.base;
  const sent = { 'content-type': 'application/x-www-form-urlencoded', origin };
  const body = new URLSearchParams({ code }).toString();
  assert.equal((await see(rig.base, '/login', { method: 'POST', headers: sent, body })).status, 303);
});

test('behind TLS the cookie stays there', async () => {
  await using rig = await startRig();
  const { headers } = await login(rig, await invited(rig), { origin: `https://${new URL(rig.base).host}` });
  assert.match(headers.get('set-cookie') ?? '', /; Secure$/);
});

test('a session reaches nothing of the API: neither as a cookie nor as a token', async () => {
  await using rig = await startRig();
  const { cookie } = await letIn(rig);
  const token = cookie.split('=')[1] ?? '';
  for (const [method, path] of [
    ['GET', '/v1alpha1/status'],
    ['POST', '/v1alpha1/page/invitations'],
    ['POST', '/v1alpha1/apply'],
    ['DELETE', '/v1alpha1/clusters/c-00000'],
  ] as const) {
    assert.equal((await see(rig.base, path, { method, headers: { cookie } })).status, 401, `${method} ${path}`);
    assert.equal((await rig.call(method, path, { token })).status, 403, `${method} ${path}`);
  }
});

test('a token of the API is no session', async () => {
  await using rig = await startRig();
  const port = new URL(rig.base).port;
  assert.equal((await see(rig.base, '/', { headers: { cookie: `wheelhouse-${port}=${rig.token}` } })).status, 401);
});

test('the record holds no session and no code, only that somebody came in', async () => {
  await using rig = await startRig();
  const code = await invited(rig);
  const { headers } = await login(rig, code);
  const token = /=(whpage_[^;]+)/.exec(headers.get('set-cookie') ?? '')?.[1] ?? '';
  const tables = await Promise.all(
    ['tokens', 'audit'].map((table) =>
      rig.store.read
        .selectFrom(table as 'tokens')
        .selectAll()
        .execute(),
    ),
  );
  const text = JSON.stringify(tables);
  assert.ok(token.length > 40 && !text.includes(token) && !text.includes(code));
  assert.match(text, /open\.page/);
});

test('a session ends after a day, and when it is left', async () => {
  await using rig = await startRig();
  const [one, other] = [await letIn(rig), await letIn(rig)];
  assert.equal((await see(rig.base, '/logout', { method: 'POST', headers: { ...one, 'sec-fetch-site': 'same-origin' } })).status, 303);
  assert.deepEqual(
    [(await see(rig.base, '/', { headers: one })).status, (await see(rig.base, '/', { headers: other })).status],
    [401, 200],
  );
  await rig.clock.advance(24 * 3_600_000);
  assert.equal((await see(rig.base, '/', { headers: other })).status, 401);
});

test('only so many sessions are kept: the oldest end first', async () => {
  await using rig = await startRig();
  const oldest = await letIn(rig);
  for (let i = 0; i < 100; i++) await letIn(rig);
  assert.equal((await see(rig.base, '/', { headers: oldest })).status, 401);
  assert.equal((await see(rig.base, '/', { headers: await letIn(rig) })).status, 200);
});

const refused: readonly (readonly [what: string, path: string, sending: Parameters<typeof see>[2], status: number])[] = [
  ['a name that is not ours', '/', { headers: { host: 'evil.example' } }, 421],
  ['a name that is not ours, for the stream', '/page/stream', { headers: { host: 'evil.example:80' } }, 421],
  ['a form of another site', '/login', { method: 'POST', headers: { 'sec-fetch-site': 'cross-site' } }, 403],
  ['leaving by another site', '/logout', { method: 'POST', headers: { origin: 'https://evil.example' } }, 403],
  ['a file that is not there', '/page/nothing.js', {}, 404],
  ['a file that is elsewhere', '/page/../page.ts', {}, 404],
  ['a file that is elsewhere, hidden', '/page/%2e%2e%2fpage.ts', {}, 404],
  [
    'a form that is too long',
    '/login',
    { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'x'.repeat(5_000) },
    413,
  ],
  ['something else than a form', '/login', { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'x' }, 415],
];
for (const [what, path, sending, status] of refused)
  test(`refused: ${what}`, async () => {
    await using rig = await startRig();
    assert.equal((await see(rig.base, path, sending)).status, status);
  });

test('what the API takes is never what a form can send', async () => {
  await using rig = await startRig();
  const { status, body } = await rig.call('POST', '/v1alpha1/apply', {
    body: 'a=b',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  assert.deepEqual([status, body.code], [415, 'MEDIA_TYPE_UNKNOWN']);
});

test('every answer is guarded', async () => {
  await using rig = await startRig();
  const session = await letIn(rig);
  for (const [path, headers] of [
    ['/', session],
    ['/', {}],
    ['/login', {}],
    ['/page/page.js', {}],
    ['/page/page.css', {}],
    ['/page/ages.js', {}],
    ['/page/icon.svg', {}],
    ['/page/none', {}],
  ] as const) {
    const answer = await see(rig.base, path, { headers });
    const csp = answer.headers.get('content-security-policy') ?? '';
    assert.match(csp, /^default-src 'none'; script-src 'self'; style-src 'self';/, path);
    assert.doesNotMatch(csp, /unsafe|\*|https?:/);
    assert.match(csp, /frame-ancestors 'none'/);
    assert.deepEqual(
      ['referrer-policy', 'x-content-type-options', 'cross-origin-opener-policy'].map((name) => answer.headers.get(name)),
      ['same-origin', 'nosniff', 'same-origin'],
    );
    assert.match(answer.headers.get('cache-control') ?? '', /no-store|no-cache/);
  }
});

test('everything that the page loads is there, and told by the hub', async () => {
  await using rig = await startRig();
  const { text } = await see(rig.base, '/', { headers: await letIn(rig) });
  const loaded = [...text.matchAll(/(?:src|href)="(\/page\/[^"]+)"/g)].map(([, path]) => path ?? '');
  assert.deepEqual(
    loaded.map((path) => path.split('?')[0]),
    ['/page/icon.svg', '/page/page.css', '/page/page.js'],
  );
  for (const path of [...loaded, '/page/ages.js']) assert.equal((await see(rig.base, path)).status, 200, path);
  const { text: ages } = await see(rig.base, '/page/ages.js');
  const { humanAge } = (await import(`data:text/javascript,${encodeURIComponent(ages)}`)) as { humanAge: (ms: number) => string };
  assert.equal(humanAge(125_000), '2m5s');
});

/** Messages up to and with the first of that type. */
async function until(stream: AsyncGenerator<Message>, type: string): Promise<Message[]> {
  const seen: Message[] = [];
  for (;;) {
    const { value, done } = await stream.next();
    if (done) return seen;
    seen.push(value);
    if (value.type === type) return seen;
  }
}

/** Every spoke has just been heard, and time passes for the hub's contacts as well. */
function hearAll(rig: Rig): void {
  const { nowMs } = rig.fleet.timing();
  const began = rig.clock.monotonicMs();
  for (const id of rig.clusterIds)
    rig.fleet.set(id, { connected: true, sinceMs: nowMs - 60_000, beatMs: nowMs, vouchedMs: nowMs, doubt: '', doubtMessage: '' });
  const timing = rig.fleet.timing.bind(rig.fleet);
  rig.fleet.timing = () => ({ ...timing(), nowMs: nowMs + rig.clock.monotonicMs() - began });
}

const names = (seen: readonly Message[]): string[] => seen.map(({ type, data }) => (type === 'section' ? String(data['name']) : type));

test('a browser is sent everything once, then what looks different, then a beat', async () => {
  await using rig = await startRig();
  hearAll(rig);
  const headers = await letIn(rig);
  const stop = new AbortController();
  const stream = messages(rig.base, '/page/stream', headers, stop.signal);
  assert.deepEqual(names(await until(stream, 'beat')), ['hello', 'headline', 'wrong', 'rollouts', 'fleet', 'matrix', 'events', 'beat']);
  const next = until(stream, 'beat');
  await rig.clock.advance(liveLimits.everyMs);
  assert.deepEqual(names(await next), ['beat'], 'only time has passed');
  await rig.call('POST', '/v1alpha1/apply', {
    body: 'apiVersion: wheelhouse.dev/v1alpha1\nkind: Cluster\nmetadata: {name: fresh}\nspec: {labels: {env: none}}\n',
  });
  const changed = until(stream, 'beat');
  await rig.clock.advance(liveLimits.everyMs);
  assert.deepEqual(names(await changed), ['headline', 'wrong', 'fleet', 'events', 'beat']);
  stop.abort();
});

test('when the hub cannot look there is no beat, and it says why', async () => {
  await using rig = await startRig();
  hearAll(rig);
  const headers = await letIn(rig);
  const stop = new AbortController();
  const stream = messages(rig.base, '/page/stream', headers, stop.signal);
  await until(stream, 'beat');
  const timing = rig.fleet.timing.bind(rig.fleet);
  rig.fleet.timing = () => {
    throw new Error('the record is away');
  };
  const next = until(stream, 'trouble');
  await rig.clock.advance(liveLimits.everyMs);
  const seen = await next;
  assert.deepEqual(names(seen), ['trouble']);
  assert.match(String(seen[0]?.data['why']), /the record is away/);
  rig.fleet.timing = timing;
  const back = until(stream, 'beat');
  await rig.clock.advance(liveLimits.everyMs);
  assert.deepEqual(names(await back), ['beat']);
  stop.abort();
});

test('a stream ends with its session', async () => {
  await using rig = await startRig();
  const headers = await letIn(rig);
  const stream = messages(rig.base, '/page/stream', headers, new AbortController().signal);
  await until(stream, 'beat');
  await see(rig.base, '/logout', { method: 'POST', headers: { ...headers, 'sec-fetch-site': 'same-origin' } });
  const rest = until(stream, 'ended');
  await rig.clock.advance(liveLimits.everyMs);
  assert.deepEqual(names(await rest), ['ended']);
  assert.equal((await stream.next()).done, true);
});

/** A token that an admin has made, and how to take it back. */
async function made(rig: Rig, ttlMs = 3_600_000): Promise<{ readonly token: string; readonly revoke: () => Promise<void> }> {
  const { body } = await rig.call('POST', '/v1alpha1/tokens', { body: JSON.stringify({ scope: 'read', name: 'ci', ttlMs }) });
  return {
    token: String(body.token),
    revoke: async () => assert.equal((await rig.call('DELETE', `/v1alpha1/tokens/${body.id}`)).status, 200),
  };
}

test('a stream ends the moment that the token behind it is taken back; those of others go on', { timeout: 60_000 }, async () => {
  await using rig = await startRig();
  hearAll(rig);
  const { token, revoke } = await made(rig);
  const stop = new AbortController();
  // What never ends fails, and is not waited for.
  const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(30_000)]);
  const follow = (headers: { readonly cookie: string }) => messages(rig.base, '/page/stream', headers, signal);
  const headers = await letIn(rig, token);
  const [stream, other] = [follow(headers), follow(await letIn(rig))];
  for (const each of [stream, other]) await until(each, 'beat');
  // No time passes.
  await revoke();
  assert.deepEqual(names(await until(stream, 'ended')), ['ended']);
  assert.equal((await stream.next()).done, true);
  assert.equal((await see(rig.base, '/', { headers })).status, 401);
  const next = until(other, 'beat');
  await rig.clock.advance(liveLimits.everyMs);
  assert.ok(names(await next).includes('beat'));
  stop.abort();
});

test('an invitation ends with its token, also when there is another one of that name', async () => {
  await using rig = await startRig();
  const { token, revoke } = await made(rig);
  const code = await invited(rig, token);
  await revoke();
  const again = await made(rig);
  assert.equal((await login(rig, code)).status, 403);
  assert.equal((await login(rig, await invited(rig, again.token))).status, 303);
});

test('a session ends when the token behind it expires, and its cookie says so', async () => {
  await using rig = await startRig();
  const { token } = await made(rig, 120_000);
  await rig.clock.advance(60_500);
  const { headers } = await login(rig, await invited(rig, token));
  assert.match(headers.get('set-cookie') ?? '', /; Max-Age=59;/);
  const cookie = headers.get('set-cookie')?.split(';')[0] ?? '';
  await rig.clock.advance(59_499);
  assert.equal((await see(rig.base, '/', { headers: { cookie } })).status, 200);
  await rig.clock.advance(1);
  assert.equal((await see(rig.base, '/', { headers: { cookie } })).status, 401);
});

test('a hub that comes back knows its browsers, and tells them everything again', async () => {
  await using rig = await startRig();
  const headers = await letIn(rig);
  // Another process on the same record: nothing but that is shared.
  const page = new FleetPage({
    sessions: sessionsIn(rig.store, rig.clock, rig.options.random),
    names: [],
    clock: rig.clock,
    random: rig.options.random,
    log: rig.options.log,
  });
  const again = await serveApi({ ...rig.options, page });
  try {
    const [, value = ''] = headers.cookie.split('=');
    const base = `http://127.0.0.1:${again.port}`;
    const stop = new AbortController();
    const stream = messages(base, '/page/stream', { cookie: `wheelhouse-${again.port}=${value}` }, stop.signal);
    const seen = await until(stream, 'beat');
    assert.equal(seen.filter(({ type }) => type === 'section').length, 6);
    stop.abort();
  } finally {
    await again.stop();
  }
});

test('as many browsers as may be cost one look; one more is told that there are too many', async () => {
  await using rig = await startRig();
  const headers = await letIn(rig);
  let looks = 0;
  const timing = rig.fleet.timing.bind(rig.fleet);
  await see(rig.base, '/', { headers });
  rig.fleet.timing = () => {
    looks++;
    return timing();
  };
  const stop = new AbortController();
  const streams = Array.from({ length: liveLimits.streamsMax }, () => messages(rig.base, '/page/stream', headers, stop.signal));
  for (const stream of streams) await until(stream, 'beat');
  assert.equal(looks, 0, 'the look before was recent enough');
  assert.equal((await see(rig.base, '/page/stream', { headers })).status, 503);
  stop.abort();
});

test('a look asks all about one moment, so that the fleet is judged once', async () => {
  await using rig = await startRig();
  const headers = await letIn(rig);
  let moments = 0;
  const contacts = rig.fleet.contacts.bind(rig.fleet);
  rig.fleet.contacts = () => {
    moments++;
    return contacts();
  };
  assert.equal((await see(rig.base, '/', { headers })).status, 200);
  assert.equal(moments, 1);
});

test('ages count from when the moment was taken, however long judging it took', async () => {
  await using rig = await startRig();
  const headers = await letIn(rig);
  let passed = 0;
  const monotonicMs = rig.clock.monotonicMs.bind(rig.clock);
  rig.clock.monotonicMs = () => monotonicMs() + 1_000 * ++passed;
  const taken: number[] = [];
  const timing = rig.fleet.timing.bind(rig.fleet);
  rig.fleet.timing = () => {
    taken.push(rig.clock.monotonicMs());
    return timing();
  };
  const { text } = await see(rig.base, '/', { headers });
  assert.equal(taken.length, 1);
  assert.equal(Number(/data-now="(\d+)"/.exec(text)?.[1]), (taken[0] ?? 0) - 1_000);
});

test('whoever looks closer at a cluster costs a look at that cluster, not another one at the fleet', async () => {
  await using rig = await startRig();
  const headers = await letIn(rig);
  const asked: string[] = [];
  const page = new FleetPage({
    sessions: sessionsIn(rig.store, rig.clock, rig.options.random),
    names: [],
    clock: rig.clock,
    random: rig.options.random,
    log: rig.options.log,
  });
  const host = new URL(rig.base).host;
  const look = async (url: string): Promise<string> => {
    const request = { method: 'GET', url, headers: { host, ...headers }, body: '', signal: new AbortController().signal };
    const ask: Ask = async (target) => {
      asked.push(target);
      return (await rig.get(target)).body as unknown;
    };
    const { body } = await page.answer(request, { ask, together: (look) => look(ask, rig.clock.monotonicMs()) });
    return typeof body === 'string' ? body : '';
  };
  await look('/');
  const once = asked.length;
  assert.match(await look('/?cluster=c-00001'), /Cluster<\/span> c-00001/);
  await look('/?cluster=c-00002');
  assert.equal(asked.filter((target) => target === questions.status).length, 1);
  assert.ok(asked.length - once <= 4, `${asked.length - once} more questions`);
});
