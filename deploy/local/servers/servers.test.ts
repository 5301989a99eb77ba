import assert from 'node:assert/strict';
import { tmpdir, userInfo } from 'node:os';
import { test } from 'node:test';
import { cacheFolder } from './caches.ts';
import { catalogue, type ServerName } from './catalogue.ts';
import { ServerError } from './errors.ts';
import { commitStream, type CommitRequest } from './git-commits.ts';
import { mayPush, parseHead, parseTarget } from './git-http.ts';

const caches: readonly (readonly [Record<string, string>, string])[] = [
  [{ WHEELHOUSE_CACHE: '/c', XDG_CACHE_HOME: '/x', HOME: '/h' }, '/c'],
  [{ XDG_CACHE_HOME: '/x', HOME: '/h' }, '/x/wheelhouse'],
  [{ HOME: '/h' }, '/h/.cache/wheelhouse'],
  [{ HOME: '' }, `${tmpdir()}/wheelhouse-cache-${userInfo().uid}`],
  [{}, `${tmpdir()}/wheelhouse-cache-${userInfo().uid}`],
];
for (const [env, folder] of caches) {
  test(`the cache with ${JSON.stringify(env)} is ${folder}`, () => assert.equal(cacheFolder(env), folder));
}

const versions: readonly (readonly [ServerName, string, string | undefined])[] = [
  ['nats', 'nats-server: v2.9.10\n', '2.9.10'],
  ['nats', 'nats-server: v2.15.2\n', '2.15.2'],
  ['registry', '/usr/bin/docker-registry github.com/docker/distribution v2.8.2+unknown\n', '2.8.2'],
  ['registry', 'docker-registry github.com/docker/distribution 2.8.2+ds1\n', '2.8.2'],
  ['registry', 'registry github.com/distribution/distribution/v3 v3.1.2\n', '3.1.2'],
  ['registry', 'registry of births 1.2.3\n', undefined],
  ['git', 'git version 2.39.5\n', '2.39.5'],
  ['git', 'git version 2.39.5 (Apple Git-154)\n', '2.39.5'],
  ['git', 'usage: git\n', undefined],
  ['kubectl', 'Client Version: v1.36.3\nKustomize Version: v5.5.0\n', '1.36.3'],
  ['kubectl', 'Client Version: version.Info{Major:"1", Minor:"20", GitVersion:"v1.20.2", GitCommit:"f"}\n', '1.20.2'],
];
for (const [name, said, version] of versions) {
  test(`${name} that says "${said.trim()}" is ${version ?? 'another program'}`, () =>
    assert.equal(catalogue[name].version.exec(said)?.[1], version));
}

const request: CommitRequest = {
  files: { 'b.yaml': 'two\n', 'a/x.yaml': Uint8Array.of(0, 10, 255), gone: null },
  message: 'say ü',
  author: { name: 'Ann', email: 'ann@example.com' },
  atSeconds: 1_700_000_000,
  branch: 'main',
  exists: false,
};

test('golden: the stream of a commit counts bytes, sorts paths and names a removal', () => {
  const text = Buffer.from(commitStream(request)).toString('latin1');
  const who = 'Ann <ann@example.com> 1700000000 +0000';
  const expected =
    `commit refs/heads/main\nauthor ${who}\ncommitter ${who}\ndata 6\nsay \u00c3\u00bc\n` +
    'M 100644 inline a/x.yaml\ndata 3\n\0\n\u00ff\nM 100644 inline b.yaml\ndata 4\ntwo\n\nD gone\n';
  assert.equal(text, expected);
  assert.match(Buffer.from(commitStream({ ...request, exists: true })).toString(), /\nfrom refs\/heads\/main\^0\nM /);
});

for (const path of ['/abs', '../up', 'a/../b', 'a//b', './a', 'a/', '', '.git/config', 'a/.GIT/hooks', 'a\nD b', 'a"b', 'a\\b', 'a\0b']) {
  test(`refused: a file at ${JSON.stringify(path)}`, () =>
    assert.throws(
      () => commitStream({ ...request, files: { [path]: '' } }),
      (error: unknown) => error instanceof ServerError && error.code === 'BAD_NAME',
    ));
}
for (const path of ['a', 'a b/c', '.gitignore', '..a/b', 'ü/1.yaml', 'a.git']) {
  test(`allowed: a file at ${JSON.stringify(path)}`, () => assert.ok(commitStream({ ...request, files: { [path]: '' } })));
}
test('refused: a branch or an author that the stream would misread', () => {
  assert.throws(() => commitStream({ ...request, branch: 'a b' }), ServerError);
  assert.throws(() => commitStream({ ...request, branch: '../heads' }), ServerError);
  assert.throws(() => commitStream({ ...request, author: { name: 'A\nD x', email: 'e' } }), ServerError);
});

const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
const headers: readonly (readonly [string | undefined, boolean])[] = [
  [basic('any:secret'), true],
  [basic(':secret'), true],
  ['Bearer secret', true],
  ['bearer secret', true],
  [basic('secret:'), false],
  [basic('any:secret '), false],
  [basic('any:secre'), false],
  ['Bearer ', false],
  ['secret', false],
  ['', false],
  [undefined, false],
];
for (const [header, allowed] of headers) {
  test(`${allowed ? 'may' : 'may not'} push with ${header ?? 'no header'}`, () => assert.equal(mayPush(header, 'secret'), allowed));
}
test('nobody may push where there is no token', () => assert.equal(mayPush('Bearer ', ''), false));

const targets: readonly (readonly [string, boolean | undefined])[] = [
  ['/shop/app.git/info/refs?service=git-upload-pack', false],
  ['/shop/app.git/info/refs?service=git-receive-pack', true],
  ['/shop/app.git/info/refs?service=git-upload-pack&service=git-receive-pack', true],
  ['/shop/app.git/info/refs?service=git%2dreceive%2Dpack', true],
  ['/shop/app.git/git-upload-pack', false],
  ['/shop/app.git/git-receive-pack', true],
  ['/shop/app.git/git-receive%2dpack', true],
  ['/shop/%E0%A4%A', undefined],
];
for (const [url, pushes] of targets) {
  test(`${url} is ${pushes === undefined ? 'refused' : pushes ? 'a push' : 'a read'}`, () =>
    assert.equal(parseTarget(url)?.pushes, pushes));
}

test('the head of a CGI answer', () => {
  assert.deepEqual(parseHead('Status: 404 Not Found\r\nContent-Type: text/plain'), {
    status: 404,
    headers: { 'content-type': 'text/plain' },
  });
  assert.deepEqual(parseHead('Content-Type: a:b'), { status: 200, headers: { 'content-type': 'a:b' } });
});
