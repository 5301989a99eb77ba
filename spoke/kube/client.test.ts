import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { HttpKubeClient } from './client.ts';
import { configMap, configMaps } from './contract.ts';
import type { Credentials } from './credentials.ts';
import type { KubeLimits } from './limits.ts';
import type { KubeCode } from './port.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const { signal } = new AbortController();
const json =
  (value: unknown, status = 200, headers: Record<string, string> = {}): Answer =>
  (_, response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));
const text =
  (body: string, status = 200): Answer =>
  (_, response) =>
    response.writeHead(status).end(body);
const failure = (code: number, reason: string, details: object = {}) => ({ kind: 'Status', apiVersion: 'v1', code, reason, details });
const object = configMap('shop', 'a', { x: '1' });

/** A server that answers as told, the last answer for ever, and a client of it. */
async function serve(t: TestContext, answers: readonly Answer[], limits: Partial<KubeLimits> = {}) {
  const requests: { url: string; headers: IncomingMessage['headers']; method: string | undefined; body: string }[] = [];
  const refused: boolean[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const parts: Uint8Array[] = [];
      for await (const part of request as AsyncIterable<Uint8Array>) parts.push(part);
      const { url = '', headers, method } = request;
      requests.push({ url, headers, method, body: Buffer.concat(parts).toString() });
      answers[Math.min(requests.length, answers.length) - 1]?.(request, response);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const credentials: Credentials = {
    server: `http://127.0.0.1:${(server.address() as AddressInfo).port}/base/`,
    current: async (wasRefused) => {
      refused.push(wasRefused);
      return { headers: { Authorization: `Bearer t${refused.length}` }, tls: {} };
    },
  };
  const client = new HttpKubeClient(credentials, { limits: { requestTimeoutMs: 500, listTimeoutMs: 500, ...limits } });
  t.after(async () => {
    await client[Symbol.asyncDispose]();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { client, requests, refused };
}

const noAbsence: readonly { what: string; answer: Answer; code: KubeCode }[] = [
  { what: 'an empty answer', answer: text(''), code: 'BAD_RESPONSE' },
  { what: 'a page', answer: text('<html>sign in</html>'), code: 'BAD_RESPONSE' },
  { what: 'an empty object', answer: json({}), code: 'BAD_RESPONSE' },
  { what: 'null', answer: json(null), code: 'BAD_RESPONSE' },
  { what: 'another object', answer: json({ ...object, metadata: { ...object.metadata, name: 'b' } }), code: 'BAD_RESPONSE' },
  { what: 'another namespace', answer: json({ ...object, metadata: { ...object.metadata, namespace: 'other' } }), code: 'BAD_RESPONSE' },
  { what: 'another kind', answer: json({ ...object, kind: 'Secret' }), code: 'BAD_RESPONSE' },
  { what: 'a Status with 200', answer: json(failure(404, 'NotFound', { name: 'a', kind: 'configmaps' })), code: 'BAD_RESPONSE' },
  { what: 'a 404 of a proxy', answer: text('not found', 404), code: 'BAD_RESPONSE' },
  { what: 'a 404 of the path', answer: text('404 page not found\n', 404), code: 'NO_SUCH_KIND' },
  { what: 'a broken gateway', answer: text('', 503), code: 'SERVER_UNAVAILABLE' },
  { what: 'a closed connection', answer: (request) => request.socket.destroy(), code: 'SERVER_UNAVAILABLE' },
  { what: 'silence', answer: () => undefined, code: 'SERVER_UNAVAILABLE' },
  { what: 'too much', answer: text('x'.repeat(20_000)), code: 'TOO_LARGE' },
  {
    what: 'half an answer',
    answer: (_, response) => {
      response.writeHead(200, { 'content-length': '5000' });
      response.write('{"kind":"ConfigMap"');
      setImmediate(() => response.destroy());
    },
    code: 'BAD_RESPONSE',
  },
  {
    what: 'an answer that never ends',
    answer: (_, response) => {
      response.writeHead(200);
      response.write('{');
    },
    code: 'SERVER_UNAVAILABLE',
  },
];
for (const { what, answer, code } of noAbsence)
  test(`${what} is ${code}, and says nothing about the object`, async (t) => {
    const { client } = await serve(t, [answer], { bodyMaxBytes: 10_000 });
    await assert.rejects(client.get(configMaps, 'shop', 'a', signal), { name: 'KubeError', code });
    await assert.rejects(client.list(configMaps, { namespace: 'shop' }, signal), { name: 'KubeError' });
  });

test('only the API server itself can say that an object does not exist', async (t) => {
  const { client } = await serve(t, [json(failure(404, 'NotFound', { name: 'a', kind: 'configmaps' }), 404)]);
  assert.equal(await client.get(configMaps, 'shop', 'a', signal), undefined);
});

test('a write is sent as it is, by our manager, as whom it is for, and only the name is impersonated', async (t) => {
  const { client, requests } = await serve(t, [json(object)]);
  const sent = { ...object, nobodyKnows: { deep: [1, null] } };
  await client.apply(configMaps, sent, { as: 'system:serviceaccount:wheelhouse-tenants:shop', dryRun: true, force: true }, signal);
  const [request] = requests;
  assert.equal(
    `${request?.method} ${request?.url}`,
    'PATCH /base/api/v1/namespaces/shop/configmaps/a?fieldManager=wheelhouse&dryRun=All&force=true',
  );
  assert.equal(request?.headers['content-type'], 'application/apply-patch+yaml');
  assert.equal(request?.headers['impersonate-user'], 'system:serviceaccount:wheelhouse-tenants:shop');
  assert.equal(request?.headers['impersonate-group'], undefined);
  assert.deepEqual(JSON.parse(request?.body ?? ''), sent);
});

test('a delete names the object that it means', async (t) => {
  const { client, requests } = await serve(t, [json({ kind: 'Status', apiVersion: 'v1', status: 'Success' })]);
  const ref = { group: '', kind: 'ConfigMap', namespace: 'shop', name: 'a' };
  await client.delete(configMaps, ref, { uid: 'u', resourceVersion: '7', propagation: 'Orphan' }, signal);
  const { preconditions, propagationPolicy } = JSON.parse(requests[0]?.body ?? '') as Record<string, unknown>;
  assert.deepEqual([preconditions, propagationPolicy], [{ uid: 'u', resourceVersion: '7' }, 'Orphan']);
  await assert.rejects(client.delete(configMaps, ref, { uid: '' }, signal), { code: 'INVALID' });
  await assert.rejects(client.delete(configMaps, { ...ref, name: '' }, { uid: 'u' }, signal), { code: 'INVALID' });
  assert.equal(requests.length, 1);
});

test('a delete that answers with nothing is not believed', async (t) => {
  const { client } = await serve(t, [json({})]);
  const ref = { group: '', kind: 'ConfigMap', namespace: 'shop', name: 'a' };
  await assert.rejects(client.delete(configMaps, ref, { uid: 'u' }, signal), { code: 'BAD_RESPONSE' });
});

test('names cannot climb out of their path', async (t) => {
  const { client, requests } = await serve(t, [text('', 500)]);
  await assert.rejects(client.get(configMaps, 'shop', '..', signal), RangeError);
  await assert.rejects(client.get(configMaps, 'shop', 'a/../b?x', signal), { code: 'SERVER_UNAVAILABLE' });
  assert.deepEqual(
    requests.map(({ url }) => url),
    ['/base/api/v1/namespaces/shop/configmaps/a%2F..%2Fb%3Fx'],
  );
});

test('a refused credential is asked for anew, once', async (t) => {
  const { client, requests, refused } = await serve(t, [
    json(failure(401, 'Unauthorized'), 401),
    json(object),
    json(failure(401, 'Unauthorized'), 401),
  ]);
  assert.ok(await client.get(configMaps, 'shop', 'a', signal));
  assert.deepEqual(
    [refused, requests.map(({ headers }) => headers.authorization)],
    [
      [false, true],
      ['Bearer t1', 'Bearer t2'],
    ],
  );
  await assert.rejects(client.get(configMaps, 'shop', 'a', signal), { code: 'UNAUTHORIZED' });
  assert.equal(requests.length, 4);
});

test('being throttled is waited out, within bounds', async (t) => {
  const throttled = json(failure(429, 'TooManyRequests'), 429, { 'retry-after': '3600' });
  const { client, requests } = await serve(t, [throttled, json(object), throttled], { retryAfterMaxMs: 5 });
  assert.ok(await client.get(configMaps, 'shop', 'a', signal));
  assert.equal(requests.length, 2);
  await assert.rejects(client.get(configMaps, 'shop', 'a', signal), { code: 'TOO_MANY_REQUESTS' });
  assert.equal(requests.length, 5);
});

test('no more requests at once than allowed, and connections are kept', async (t) => {
  let inside = 0;
  let most = 0;
  const sockets = new Set<unknown>();
  const slow: Answer = (request, response) => {
    sockets.add(request.socket);
    most = Math.max(most, ++inside);
    setTimeout(() => {
      inside -= 1;
      json(object)(request, response);
    }, 5);
  };
  const { client } = await serve(t, [slow], { requestsConcurrentMax: 3 });
  await Promise.all(Array.from({ length: 30 }, async () => await client.get(configMaps, 'shop', 'a', signal)));
  assert.equal(most, 3);
  assert.ok(sockets.size < 10, `${sockets.size} connections`);
});

test('who stops waiting gets its own reason, before and while a request is under way', async (t) => {
  const { client } = await serve(t, [() => undefined], { requestsConcurrentMax: 1 });
  const reason = new Error('stopped');
  const stop = new AbortController();
  const both = [client.get(configMaps, 'shop', 'a', stop.signal), client.get(configMaps, 'shop', 'b', stop.signal)];
  stop.abort(reason);
  for (const result of await Promise.allSettled(both)) assert.equal((result as PromiseRejectedResult).reason, reason);
});

test('a server without aggregated discovery is asked group by group; one that fails makes it incomplete', async (t) => {
  const answers: Record<string, unknown> = {
    '/base/api': { kind: 'APIVersions', versions: ['v1'] },
    '/base/apis': {
      kind: 'APIGroupList',
      groups: [
        { name: 'apps', versions: [{ version: 'v1' }] },
        { name: 'dead', versions: [{ version: 'v1' }] },
      ],
    },
    '/base/api/v1': { kind: 'APIResourceList', resources: [{ name: 'configmaps', kind: 'ConfigMap', namespaced: true, verbs: [] }] },
    '/base/apis/apps/v1': {
      kind: 'APIResourceList',
      resources: [{ name: 'deployments', kind: 'Deployment', namespaced: true, verbs: [] }],
    },
  };
  const { client } = await serve(t, [
    (request, response) => (answers[request.url ?? ''] ? json(answers[request.url ?? '']) : text('', 503))(request, response),
  ]);
  const { kinds, complete, failedGroups } = await client.discover(signal);
  assert.deepEqual([kinds.map(({ kind }) => kind), complete, failedGroups], [['ConfigMap', 'Deployment'], false, ['dead']]);
  delete answers['/base/apis'];
  await assert.rejects(client.discover(signal), { code: 'SERVER_UNAVAILABLE' });
});

test('a watch asks for bookmarks and an end, from its version', async (t) => {
  const { client, requests } = await serve(t, [text(`${JSON.stringify({ type: 'ADDED', object })}\n`)]);
  for await (const event of client.watch(configMaps, { namespace: 'shop', labelSelector: 'a=b', resourceVersion: '7' }, signal)) {
    assert.equal(event.type, 'ADDED');
    break;
  }
  const query = new URL(requests[0]?.url ?? '', 'http://x').searchParams;
  assert.deepEqual(
    ['watch', 'allowWatchBookmarks', 'resourceVersion', 'labelSelector'].map((name) => query.get(name)),
    ['true', 'true', '7', 'a=b'],
  );
  assert.ok(Math.abs(Number(query.get('timeoutSeconds')) - 290) <= 9);
  assert.equal(client.watchHealth().watches, 0);
});

test('a watch that has to be listed again counts as behind until its owner gives up', async (t) => {
  const { client } = await serve(t, [json(failure(410, 'Expired'), 410)]);
  const stop = new AbortController();
  const seen: string[] = [];
  for await (const { type } of client.watch(configMaps, { resourceVersion: '7' }, stop.signal)) seen.push(type);
  assert.deepEqual([seen, client.watchHealth().watches], [['RESYNC'], 1]);
  stop.abort();
  assert.equal(client.watchHealth().watches, 0);
});

test('a closed client opens no connection again', async (t) => {
  const { client, requests } = await serve(t, [json(object)]);
  assert.ok(await client.get(configMaps, 'shop', 'a', signal));
  await client[Symbol.asyncDispose]();
  await assert.rejects(client.get(configMaps, 'shop', 'a', signal), { code: 'SERVER_UNAVAILABLE' });
  assert.equal(requests.length, 1);
});
