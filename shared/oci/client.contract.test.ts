import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type TestContext } from 'node:test';
import { VirtualClock, systemClock } from '../clock/mod.ts';
import { digestOf } from '../kernel/mod.ts';
import { RegistryClient, type ClientOptions } from './client.ts';
import { fails, sample } from './contract.ts';
import { OciError, type OciCode } from './errors.ts';
import { mediaTypes } from './media-types.ts';
import type { Content, Descriptor } from './ports.ts';
import { parseRepository, type Repository } from './reference.ts';

// Registries that lie, break off, go on for ever or send elsewhere: real sockets, because that is where such things happen.

type Handler = (request: IncomingMessage, response: ServerResponse, serial: number) => void;

interface Evil {
  readonly client: RegistryClient;
  readonly repository: Repository;
  readonly host: string;
  readonly seen: {
    readonly line: string;
    readonly authorization: string | undefined;
    readonly accept: string | undefined;
    readonly body: Buffer;
  }[];
}

async function listen(t: TestContext, handler: Handler, seen: Evil['seen'] = []): Promise<string> {
  const server: Server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const { authorization, accept } = request.headers;
      seen.push({ line: `${request.method} ${request.url}`, authorization, accept, body: Buffer.concat(parts) });
      handler(request, response, seen.length);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function evil(t: TestContext, handler: Handler, options: Partial<ClientOptions> = {}): Promise<Evil> {
  const seen: Evil['seen'] = [];
  const host = await listen(t, handler, seen);
  return { client: new RegistryClient({ clock: systemClock, ...options }), repository: parseRepository(`${host}/acme/shop`), host, seen };
}

const { blobs, manifest, index } = sample('evil');
const blob: Content = blobs[0] ?? assert.fail();
const lines = (e: Evil): string[] => e.seen.map(({ line }) => line);
const limited = { timeout: 20_000 };

const served: readonly (readonly [name: string, content: Content, handler: Handler, code: OciCode])[] = [
  ['one byte flipped', blob, (_, r) => r.end(flipped(blob.bytes)), 'DIGEST_MISMATCH'],
  ['one byte of a manifest flipped', manifest, (_, r) => r.end(flipped(manifest.bytes)), 'DIGEST_MISMATCH'],
  [
    'another, valid manifest',
    manifest,
    (_, r) => r.end(sample('other').manifest.bytes.slice(0, manifest.bytes.byteLength)),
    'DIGEST_MISMATCH',
  ],
  ['a byte too many', blob, (_, r) => r.end(Buffer.concat([blob.bytes, Buffer.from('x')])), 'SIZE_EXCEEDED'],
  ['a body without end', blob, (_, r) => endless(r), 'SIZE_EXCEEDED'],
  ['a byte too few', blob, (_, r) => r.end(blob.bytes.slice(0, -1)), 'TRUNCATED'],
  ['nothing', blob, (_, r) => r.end(), 'TRUNCATED'],
  ['a body cut by a broken connection', blob, (_, r) => cut(r, blob), 'TRUNCATED'],
  ['a part of it (206)', blob, (_, r) => r.writeHead(206).end(blob.bytes), 'BAD_RESPONSE'],
  [
    'a page of HTML in its place',
    blob,
    (_, r) => r.end('<html>'.padEnd(blob.bytes.byteLength).slice(0, blob.bytes.byteLength)),
    'DIGEST_MISMATCH',
  ],
  ['no answer but a closed connection', blob, (q) => q.socket.destroy(), 'REGISTRY_UNAVAILABLE'],
  ['an error 500 without end', blob, (_, r) => endless(r.writeHead(500)), 'REGISTRY_UNAVAILABLE'],
  ['an error 404 that is no JSON', blob, (_, r) => r.writeHead(404).end('<html>'), 'NOT_FOUND'],
  ['a redirect for a manifest', manifest, (_, r) => r.writeHead(307, { location: '/elsewhere' }).end(), 'REDIRECT_REFUSED'],
  ['a redirect to itself', blob, (q, r) => r.writeHead(307, { location: q.url }).end(), 'REDIRECT_REFUSED'],
  ['a redirect to nowhere', blob, (_, r) => r.writeHead(307).end(), 'BAD_RESPONSE'],
  ['a redirect to a file', blob, (_, r) => r.writeHead(307, { location: 'file:///etc/passwd' }).end(), 'REDIRECT_REFUSED'],
  ['a redirect with credentials', blob, (_, r) => r.writeHead(307, { location: 'http://a:b@127.0.0.1/' }).end(), 'REDIRECT_REFUSED'],
];

function flipped(bytes: Uint8Array): Uint8Array {
  const other = Uint8Array.from(bytes);
  other[3] = (other[3] ?? 0) ^ 1;
  return other;
}

function endless(response: ServerResponse): void {
  const write = (): void => {
    if (response.destroyed) return;
    response.write(Buffer.alloc(64 * 1024, 'x'), () => setImmediate(write));
  };
  write();
}

function cut(response: ServerResponse, { bytes }: Content): void {
  response.writeHead(200, { 'content-length': bytes.byteLength });
  response.write(bytes.slice(0, 4), () => response.destroy());
}

for (const [name, content, handler, code] of served)
  test(`fetch never accepts ${name}`, limited, async (t) => {
    const { client, repository } = await evil(t, handler);
    await assert.rejects(client.fetch(repository, content.descriptor, t.signal), fails(code));
  });

test('what a descriptor may cost is bounded before anything is asked for', limited, async (t) => {
  const e = await evil(t, (_, r) => endless(r));
  const huge = { ...blob.descriptor, size: Number.MAX_SAFE_INTEGER };
  await assert.rejects(e.client.fetch(e.repository, huge, t.signal), fails('SIZE_EXCEEDED'));
  await assert.rejects(e.client.fetch(e.repository, { ...manifest.descriptor, size: 5 * 1024 * 1024 }, t.signal), fails('SIZE_EXCEEDED'));
  await assert.rejects(e.client.fetch(e.repository, { ...blob.descriptor, size: Number.NaN }, t.signal), fails('SIZE_EXCEEDED'));
  assert.deepEqual(e.seen, []);
});

type Said = { status?: number; headers?: Record<string, string | number>; body?: Uint8Array };
const tagged = { tag: 'v1' } as const;
const said = (d: Descriptor): Record<string, string | number> => ({
  'content-type': d.mediaType,
  'docker-content-digest': d.digest,
  'content-length': d.size,
});

/** Answers HEAD and GET of a manifest apart. */
const answers =
  (head: Said, get: Said): Handler =>
  (request, response) => {
    const { status = 200, headers = {}, body } = request.method === 'HEAD' ? head : get;
    response.writeHead(status, headers).end(body);
  };

test('resolve asks once when HEAD says everything, with every media type that it can read', limited, async (t) => {
  const e = await evil(t, answers({ headers: said(index.descriptor) }, {}));
  assert.deepEqual(await e.client.resolve({ ...e.repository, ...tagged }, t.signal), index.descriptor);
  assert.deepEqual(lines(e), ['HEAD /v2/acme/shop/manifests/v1']);
  assert.match(e.seen[0]?.accept ?? '', /oci\.image\.index\.v1\+json.*oci\.image\.manifest\.v1\+json/);
});

const gets: readonly (readonly [name: string, head: Said])[] = [
  ['does not know HEAD', { status: 405 }],
  ['leaves out the digest', { headers: { 'content-type': mediaTypes.index, 'content-length': index.descriptor.size } }],
  [
    'leaves out the length',
    { headers: { 'content-type': mediaTypes.index, 'docker-content-digest': index.descriptor.digest, 'transfer-encoding': 'chunked' } },
  ],
  ['sends a digest that is none', { headers: { ...said(index.descriptor), 'docker-content-digest': 'sha256:x' } }],
];
for (const [name, head] of gets)
  test(`resolve reads the manifest itself when the registry ${name}`, limited, async (t) => {
    const e = await evil(t, answers(head, { headers: { 'content-type': `${mediaTypes.index}; charset=utf-8` }, body: index.bytes }));
    assert.deepEqual(await e.client.resolve({ ...e.repository, ...tagged }, t.signal), index.descriptor);
    assert.deepEqual(lines(e), ['HEAD /v2/acme/shop/manifests/v1', 'GET /v2/acme/shop/manifests/v1']);
  });

const misled: readonly (readonly [name: string, head: Said, get: Said, digest: boolean, code: OciCode])[] = [
  ['another digest than was asked for', { headers: said(index.descriptor) }, {}, true, 'DIGEST_MISMATCH'],
  ['another manifest than was asked for', { status: 405 }, { headers: said(index.descriptor), body: index.bytes }, true, 'DIGEST_MISMATCH'],
  [
    'bytes that are not the digest it names',
    { status: 405 },
    { headers: { ...said(manifest.descriptor), 'content-length': index.descriptor.size }, body: index.bytes },
    false,
    'DIGEST_MISMATCH',
  ],
  ['a manifest of a gigabyte', { headers: { ...said(index.descriptor), 'content-length': 2 ** 30 } }, {}, false, 'SIZE_EXCEEDED'],
  [
    'a manifest without end',
    { status: 405 },
    { headers: { 'content-type': mediaTypes.index }, body: Buffer.alloc(4 * 1024 * 1024 + 1) },
    false,
    'SIZE_EXCEEDED',
  ],
  ['no media type', { status: 405 }, { body: index.bytes }, false, 'BAD_RESPONSE'],
  ['a redirect', { status: 302, headers: { location: '/login' } }, {}, false, 'REDIRECT_REFUSED'],
  ['an error', { status: 503 }, {}, false, 'REGISTRY_UNAVAILABLE'],
  ['a closed door', { status: 403 }, {}, false, 'DENIED'],
];
for (const [name, head, get, byDigest, code] of misled)
  test(`resolve refuses ${name}`, limited, async (t) => {
    const { client, repository } = await evil(t, answers(head, get));
    const reference = byDigest ? { digest: manifest.descriptor.digest } : tagged;
    await assert.rejects(client.resolve({ ...repository, ...reference }, t.signal), fails(code));
  });

test('a registry in trouble is never taken for one that has nothing', limited, async (t) => {
  for (const status of [400, 401, 403, 429, 500, 502, 503]) {
    const { client, repository } = await evil(t, (_, r) => r.writeHead(status).end());
    await assert.rejects(client.resolve({ ...repository, ...tagged }, t.signal), { name: 'OciError' });
  }
});

test('a blob is followed to storage on another host, which sees no credential', limited, async (t) => {
  const seen: Evil['seen'] = [];
  const storage = await listen(t, (_, r) => r.end(blob.bytes), seen);
  const e = await evil(
    t,
    (q, r) => {
      if (q.headers.authorization === undefined) r.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end();
      else r.writeHead(307, { location: `http://${storage}/signed?key=hunter2` }).end();
    },
    { credentials: () => Promise.resolve({ basic: { username: 'ada', password: 'hunter2' } }) },
  );
  assert.deepEqual(Buffer.from(await e.client.fetch(e.repository, blob.descriptor, t.signal)), Buffer.from(blob.bytes));
  assert.deepEqual(
    seen.map(({ line, authorization }) => [line, authorization]),
    [['GET /signed?key=hunter2', undefined]],
  );
});

test('an HTTPS registry is not followed to plain HTTP', limited, async (t) => {
  const asHttps: typeof fetch = () =>
    Promise.resolve(new Response(null, { status: 307, headers: { location: 'http://storage.example/x' } }));
  const client = new RegistryClient({ clock: systemClock, fetch: asHttps });
  await assert.rejects(client.fetch(parseRepository('registry.example/shop'), blob.descriptor, t.signal), fails('REDIRECT_REFUSED'));
});

test('no message holds the query of a URL or a credential', limited, async (t) => {
  const secret = 'hunter2';
  const e = await evil(
    t,
    (q, r) => {
      if (q.url?.startsWith('/signed')) q.socket.destroy();
      else if (q.headers.authorization === undefined) r.writeHead(401, { 'www-authenticate': 'Basic' }).end();
      else r.writeHead(307, { location: `/signed?key=${secret}` }).end();
    },
    { credentials: () => Promise.resolve({ basic: { username: 'ada', password: secret } }) },
  );
  await assert.rejects(e.client.fetch(e.repository, blob.descriptor, t.signal), (error) => {
    assert.ok(error instanceof OciError);
    assert.equal(error.code, 'REGISTRY_UNAVAILABLE');
    assert.ok(!JSON.stringify([error.message, String(error.cause), String((error.cause as Error).cause)]).includes(secret));
    return true;
  });
});

test('what a registry says about an error is one bounded line', limited, async (t) => {
  const body = JSON.stringify({ errors: [{ code: 'MANIFEST_INVALID', message: `line one\nline two ${'x'.repeat(5000)}` }] });
  const { client, repository } = await evil(t, (q, r) => r.writeHead(q.method === 'HEAD' ? 404 : 400).end(body));
  await assert.rejects(client.push(repository, manifest, t.signal), (error) => {
    assert.ok(error instanceof OciError && error.code === 'CONTENT_REFUSED' && error.side === 'registry' && error.operation === 'push');
    assert.match(error.message, /^push: .*400 MANIFEST_INVALID line one line two x+$/);
    assert.ok(error.message.length < 600);
    return true;
  });
});

test('a registry that is not there is UNAVAILABLE, by the network', limited, async (t) => {
  const { client, repository } = await evil(t, (q) => q.socket.destroy());
  await assert.rejects(
    client.resolve({ ...repository, ...tagged }, t.signal),
    (e) => e instanceof OciError && e.code === 'REGISTRY_UNAVAILABLE' && e.side === 'network',
  );
});

const silent: readonly (readonly [name: string, handler: Handler, reached: 'asked' | 'answered', afterMs: number])[] = [
  ['never answers', () => {}, 'asked', 30_000],
  ['stops in the middle', (_, r) => r.writeHead(200).write(blob.bytes.slice(0, 2)), 'answered', 300_000],
];
for (const [name, handler, reached, afterMs] of silent)
  test(`a registry that ${name} is TIMED_OUT, in virtual time`, limited, async (t) => {
    const clock = new VirtualClock();
    const reach = { asked: Promise.withResolvers<void>(), answered: Promise.withResolvers<void>() };
    const watched: typeof fetch = async (...request) => {
      const response = await fetch(...request);
      reach.answered.resolve();
      return response;
    };
    const e = await evil(
      t,
      (q, r, serial) => {
        handler(q, r, serial);
        reach.asked.resolve();
      },
      { clock, fetch: watched },
    );
    const outcome = e.client.fetch(e.repository, blob.descriptor, t.signal).catch((error: unknown) => error);
    await reach[reached].promise;
    await clock.advance(0);
    await clock.advance(afterMs - 1);
    assert.equal(await Promise.race([outcome, Promise.resolve('still waiting')]), 'still waiting');
    await clock.advance(1);
    const error = await outcome;
    assert.ok(fails('TIMED_OUT')(error));
    assert.match(String(error), new RegExp(`no end after ${afterMs} ms`));
  });

test('a stop in the middle of a body stops, with its reason', limited, async (t) => {
  const stop = new AbortController();
  // A TypeError, as a failed fetch gives: whose error it is must not be guessed from its class.
  const reason = new TypeError('shut down');
  const e = await evil(t, (_, r) => r.writeHead(200).write(blob.bytes.slice(0, 2), () => stop.abort(reason)));
  await assert.rejects(e.client.fetch(e.repository, blob.descriptor, stop.signal), (error) => error === reason);
});

// Pushing

/** A registry that accepts an upload the way `put` says. */
const accepting =
  (location: (q: IncomingMessage) => string | undefined, put: Said): Handler =>
  (request, response) => {
    if (request.method === 'HEAD') return void response.writeHead(404).end();
    if (request.method === 'POST') {
      const to = location(request);
      return void response.writeHead(202, to === undefined ? {} : { location: to }).end();
    }
    return void response.writeHead(put.status ?? 201, put.headers ?? {}).end();
  };

test('push is HEAD, POST, one PUT with all of it', limited, async (t) => {
  const e = await evil(
    t,
    accepting(() => '/v2/acme/shop/blobs/uploads/1?state=a', { headers: { 'docker-content-digest': blob.descriptor.digest } }),
  );
  assert.equal(await e.client.push(e.repository, blob, t.signal), 'pushed');
  const { digest } = blob.descriptor;
  assert.deepEqual(lines(e), [
    `HEAD /v2/acme/shop/blobs/${digest}`,
    'POST /v2/acme/shop/blobs/uploads/',
    `PUT /v2/acme/shop/blobs/uploads/1?state=a&digest=${encodeURIComponent(digest)}`,
  ]);
  assert.equal(digestOf(e.seen[2]?.body ?? ''), digest);
});

test('an upload goes on at the registry itself when a proxy made it take itself for another scheme or port', limited, async (t) => {
  const e = await evil(
    t,
    accepting(() => 'https://127.0.0.1/v2/up/1', {}),
  );
  assert.equal(await e.client.push(e.repository, blob, t.signal), 'pushed');
  assert.match(lines(e)[2] ?? '', /^PUT \/v2\/up\/1\?digest=/);
});

const pushes: readonly (readonly [name: string, content: Content, handler: Handler, code: OciCode])[] = [
  [
    'says it stored another digest',
    blob,
    accepting(() => '/up', { headers: { 'docker-content-digest': manifest.descriptor.digest } }),
    'DIGEST_MISMATCH',
  ],
  [
    'says it stored another manifest',
    manifest,
    accepting(() => '/up', { headers: { 'docker-content-digest': blob.descriptor.digest } }),
    'DIGEST_MISMATCH',
  ],
  ['does not say where the upload goes on', blob, accepting(() => undefined, {}), 'BAD_RESPONSE'],
  ['sends the upload to another host', blob, accepting(() => 'http://localhost/up', {}), 'REDIRECT_REFUSED'],
  ['redirects the upload', blob, accepting(() => '/up', { status: 307, headers: { location: '/there' } }), 'REDIRECT_REFUSED'],
  ['only says OK', blob, accepting(() => '/up', { status: 200 }), 'BAD_RESPONSE'],
  ['is full', blob, accepting(() => '/up', { status: 507 }), 'REGISTRY_UNAVAILABLE'],
  ['finds it too large', manifest, accepting(() => '/up', { status: 413 }), 'CONTENT_REFUSED'],
  ['is read-only', blob, (q, r) => r.writeHead(q.method === 'HEAD' ? 404 : 405).end(), 'CONTENT_REFUSED'],
];
for (const [name, content, handler, code] of pushes)
  test(`push to a registry that ${name} is ${code}`, limited, async (t) => {
    const { client, repository } = await evil(t, handler);
    await assert.rejects(client.push(repository, content, t.signal), fails(code));
  });

test('Retry-After is handed to whoever decides', limited, async (t) => {
  const { client, repository } = await evil(t, (_, r) => r.writeHead(429, { 'retry-after': '7' }).end());
  await assert.rejects(
    client.resolve({ ...repository, ...tagged }, t.signal),
    (e) => e instanceof OciError && e.code === 'TOO_MANY_REQUESTS' && e.retryAfterMs === 7000,
  );
});

// Authorization

/** A registry that gives a token to whoever `mayHave` it, and content to whoever shows it. */
const guarded =
  (mayHave: (q: IncomingMessage) => boolean = () => true, realm = '/token', answer?: string): Handler =>
  (request, response, serial) => {
    const url = new URL(request.url ?? '', `http://${request.headers.host}`);
    if (url.pathname === '/token') {
      if (!mayHave(request)) return void response.writeHead(401).end();
      return void response.end(answer ?? JSON.stringify({ token: `t${serial}` }));
    }
    if (/^Bearer t\d+$/.test(request.headers.authorization ?? '')) return void response.end(blob.bytes);
    const at = realm.startsWith('/') ? `http://${request.headers.host}${realm}` : realm;
    return void response.writeHead(401, { 'www-authenticate': `Bearer realm="${at}",service="s",scope="repository:acme/shop:pull"` }).end();
  };

test('a Bearer challenge is answered with an anonymous token, which is used again', limited, async (t) => {
  const e = await evil(t, guarded());
  for (const _ of [1, 2]) assert.equal(digestOf(await e.client.fetch(e.repository, blob.descriptor, t.signal)), blob.descriptor.digest);
  const path = `GET /v2/acme/shop/blobs/${blob.descriptor.digest}`;
  assert.deepEqual(lines(e), [path, 'GET /token?service=s&scope=repository%3Aacme%2Fshop%3Apull', path, path]);
  assert.deepEqual(
    e.seen.map((s) => s.authorization),
    [undefined, undefined, 'Bearer t2', 'Bearer t2'],
  );
});

test('a token that no longer holds is replaced once', limited, async (t) => {
  let refuse = false;
  const handler = guarded();
  const e = await evil(t, (q, r, serial) => {
    if (refuse && q.headers.authorization === 'Bearer t2') delete q.headers.authorization;
    handler(q, r, serial);
  });
  await e.client.fetch(e.repository, blob.descriptor, t.signal);
  refuse = true;
  assert.equal(digestOf(await e.client.fetch(e.repository, blob.descriptor, t.signal)), blob.descriptor.digest);
  assert.equal(e.seen.length, 6);
});

test('a token is for its repository and access alone', limited, async (t) => {
  const e = await evil(t, guarded());
  await e.client.fetch(e.repository, blob.descriptor, t.signal);
  await e.client.fetch({ ...e.repository, path: 'acme/other' }, blob.descriptor, t.signal);
  assert.equal(lines(e).filter((line) => line.startsWith('GET /token')).length, 2);
});

test('a registry that refuses the token it gave is UNAUTHORIZED, after one try', limited, async (t) => {
  const handler = guarded();
  const e = await evil(t, (q, r, serial) => {
    delete q.headers.authorization;
    handler(q, r, serial);
  });
  await assert.rejects(e.client.fetch(e.repository, blob.descriptor, t.signal), fails('UNAUTHORIZED'));
  assert.equal(e.seen.length, 3);
});

test('credentials get a token, from the registry itself or from a host that its address names', limited, async (t) => {
  const basic = `Basic ${Buffer.from('ada:hunter2').toString('base64')}`;
  const credentials = (): Promise<{ basic: { username: string; password: string } }> =>
    Promise.resolve({ basic: { username: 'ada', password: 'hunter2' } });
  const own = await evil(
    t,
    guarded((q) => q.headers.authorization === basic),
    { credentials },
  );
  assert.equal((await own.client.fetch(own.repository, blob.descriptor, t.signal)).byteLength, blob.descriptor.size);

  const seen: Evil['seen'] = [];
  const other = await listen(t, guarded(), seen);
  const stranger = await evil(t, guarded(undefined, `http://${other}/token`), { credentials });
  await stranger.client.fetch(stranger.repository, blob.descriptor, t.signal);
  assert.deepEqual(
    seen.map((s) => s.authorization),
    [undefined],
  );

  const named = new RegistryClient({ clock: systemClock, credentials, registries: [{ address: stranger.host, tokenHosts: [other] }] });
  await named.fetch(stranger.repository, blob.descriptor, t.signal);
  assert.deepEqual(
    seen.map((s) => s.authorization),
    [undefined, basic],
  );
});

test('a bearer credential is shown as it is', limited, async (t) => {
  const e = await evil(t, guarded(), { credentials: () => Promise.resolve({ bearer: 't99' }) });
  await e.client.fetch(e.repository, blob.descriptor, t.signal);
  assert.deepEqual(
    e.seen.map((s) => s.authorization),
    [undefined, 'Bearer t99'],
  );
});

const tokens: readonly (readonly [name: string, handler: Handler, code: OciCode])[] = [
  ['a realm that is no URL', guarded(undefined, 'nowhere'), 'UNAUTHORIZED'],
  ['a realm that is a file', guarded(undefined, 'file:///etc/passwd'), 'UNAUTHORIZED'],
  ['a token server that refuses', guarded(() => false), 'UNAUTHORIZED'],
  [
    'a token server that is not there',
    (q, r, n) => (q.url?.startsWith('/token') ? q.socket.destroy() : guarded()(q, r, n)),
    'REGISTRY_UNAVAILABLE',
  ],
  ['a token that is no JSON', guarded(undefined, '/token', 'token'), 'BAD_RESPONSE'],
  ['a token that is no text', guarded(undefined, '/token', '{"token":1}'), 'BAD_RESPONSE'],
  ['a token with a new line', guarded(undefined, '/token', JSON.stringify({ token: 'a\r\nb' })), 'BAD_RESPONSE'],
  ['a token of 64 KiB', guarded(undefined, '/token', JSON.stringify({ token: 'a'.repeat(64 * 1024) })), 'BAD_RESPONSE'],
  ['a challenge of an unknown kind', (_, r) => r.writeHead(401, { 'www-authenticate': 'Negotiate' }).end(), 'UNAUTHORIZED'],
  ['no challenge', (_, r) => r.writeHead(401).end(), 'UNAUTHORIZED'],
  ['Basic, without credentials', (_, r) => r.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end(), 'UNAUTHORIZED'],
];
for (const [name, handler, code] of tokens)
  test(`authorization fails on ${name}`, limited, async (t) => {
    const { client, repository } = await evil(t, handler);
    await assert.rejects(client.fetch(repository, blob.descriptor, t.signal), fails(code));
  });

test('an HTTPS registry may not name a realm of plain HTTP', limited, async (t) => {
  const asHttps: typeof fetch = () =>
    Promise.resolve(new Response(null, { status: 401, headers: { 'www-authenticate': 'Bearer realm="http://auth.example/token"' } }));
  const client = new RegistryClient({ clock: systemClock, fetch: asHttps });
  await assert.rejects(client.fetch(parseRepository('registry.example/shop'), blob.descriptor, t.signal), fails('UNAUTHORIZED'));
});
