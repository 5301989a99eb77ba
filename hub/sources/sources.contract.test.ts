import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { promisify } from 'node:util';
import { findServer, startGitServer, type GitServer } from '#deploy/local/servers/mod.ts';
import { systemClock, VirtualClock } from '#shared/clock/mod.ts';
import type { GitRef, GitSource as GitSpec } from '#hub/resources/mod.ts';
import { sourceContract } from './contract.ts';
import { GitSource, MemorySource, sourceLimits, type GitOptions } from './mod.ts';

let server: GitServer;
let dir: string;
let count = 0;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'wheelhouse-sources-test-'));
  // What is left behind is looked for in a folder that nobody else on this machine uses.
  process.env['TMPDIR'] = dir;
  server = await startGitServer({ dir });
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

const ada = { name: 'Ada', email: 'ada@example.com' };
const options: GitOptions = { clock: systemClock, wants: (path) => path.endsWith('.yaml') };
const spec = (url: string, ref: GitRef = { branch: 'main' }, path = ''): GitSpec => ({ url, ref, path, insecure: false });

async function repository(): Promise<{ name: string; url: string }> {
  const name = `repository-${++count}`;
  return { name, url: await server.createRepository(name) };
}

sourceContract('git', async () => {
  const { name, url } = await repository();
  return {
    source: new GitSource(spec(url), options),
    commit: (files, message) => server.commitFiles(name, files, message, ada),
  };
});

sourceContract('memory', async () => {
  const source = new MemorySource();
  let all: Record<string, string> = {};
  return {
    source,
    commit: async (files, message) => {
      const next = Object.entries({ ...all, ...files }).filter((entry): entry is [string, string] => entry[1] !== null);
      all = Object.fromEntries(next);
      return source.commit(all, { message });
    },
  };
});

test('only what is wanted below the path is read, and no folder is left behind', async (t) => {
  const { name, url } = await repository();
  const id = await server.commitFiles(name, { 'deploy/dev/a.yaml': 'a', 'deploy/b.txt': 'b', 'other/c.yaml': 'c' }, 'first', ada, {
    atSeconds: 1_700_000_000,
  });
  const snapshot = await new GitSource(spec(url, { branch: 'main' }, 'deploy'), options).read(id, t.signal);
  assert.deepEqual([...snapshot.files.keys()], ['dev/a.yaml']);
  assert.equal(snapshot.committedAt, 1_700_000_000_000);
  assert.deepEqual(
    (await readdir(dir)).filter((entry) => entry.startsWith('wheelhouse-source-')),
    [],
  );
});

test('a commit that no branch names any more is read when the app names it', async (t) => {
  const { name, url } = await repository();
  const first = await server.commitFiles(name, { 'a.yaml': 'one' }, 'first', ada);
  await server.commitFiles(name, { 'a.yaml': 'two' }, 'second', ada);
  const source = new GitSource(spec(url, { commit: first }), options);
  assert.deepEqual(await source.head(t.signal), { commit: first });
  assert.equal(Buffer.from((await source.read(first, t.signal)).files.get('a.yaml') ?? []).toString(), 'one');
});

test('tags and ranges are followed, annotated or not', async (t) => {
  const { name, url } = await repository();
  const tag = async (...words: readonly string[]): Promise<void> => {
    const { command, env } = await findServer('git');
    const who = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com'];
    await promisify(execFile)(command, [...who, `--git-dir=${dir}/repositories/${name}.git`, 'tag', ...words], {
      env: { ...process.env, ...env },
    });
  };
  const first = await server.commitFiles(name, { 'a.yaml': 'one' }, 'first', ada);
  await tag('v1.2.0', first);
  const second = await server.commitFiles(name, { 'a.yaml': 'two' }, 'second', ada);
  await tag('-a', '-m', 'annotated', 'v1.10.0', second);
  await tag('v2.0.0', await server.commitFiles(name, { 'a.yaml': 'three' }, 'third', ada));
  const rows: readonly (readonly [GitRef, string, string])[] = [
    [{ tag: 'v1.2.0' }, first, 'one'],
    [{ tag: 'v1.10.0' }, second, 'two'],
    [{ semver: '^1.2' }, second, 'two'],
  ];
  for (const [ref, commit, content] of rows) {
    const source = new GitSource(spec(url, ref), options);
    assert.deepEqual(await source.head(t.signal), { commit });
    assert.equal(Buffer.from((await source.read(commit, t.signal)).files.get('a.yaml') ?? []).toString(), content);
  }
});

test('a branch that moves between head and read is not read as something else', async (t) => {
  const { name, url } = await repository();
  const source = new GitSource(spec(url), options);
  const first = await server.commitFiles(name, { 'a.yaml': 'one' }, 'first', ada);
  await server.commitFiles(name, { 'a.yaml': 'two' }, 'second', ada);
  await assert.rejects(source.read(first, t.signal), { code: 'MOVED' });
});

// What is asked -> the code.
const missing: readonly (readonly [string, (url: string) => GitSpec, string])[] = [
  ['a branch that is not there', (url) => spec(url, { branch: 'none' }), 'REF_MISSING'],
  ['a branch whose name only begins so', (url) => spec(url, { branch: 'mai' }), 'REF_MISSING'],
  ['a tag that is not there', (url) => spec(url, { tag: 'main' }), 'REF_MISSING'],
  ['a range without a version', (url) => spec(url, { semver: '*' }), 'REF_MISSING'],
  ['a repository that is not there', (url) => spec(url.replace('repository', 'nothing')), 'REPOSITORY_MISSING'],
  ['a server that is not there', () => spec('http://127.0.0.1:1/r.git'), 'UNREACHABLE'],
  ['plain HTTP to a host on the network', () => spec('http://git.example.com/r.git'), 'INSECURE'],
  ['credentials that nobody has', (url) => ({ ...spec(url), credentials: { name: 'robot' } }), 'CREDENTIALS_MISSING'],
];
for (const [what, of, code] of missing)
  test(`${what}: ${code}`, async (t) => {
    const { name, url } = await repository();
    await server.commitFiles(name, { 'a.yaml': 'one' }, 'first', ada);
    await assert.rejects(new GitSource(of(url), options).head(t.signal), { name: 'SourceError', code });
  });

const unreadable: readonly (readonly [string, string, Partial<typeof sourceLimits>, string])[] = [
  ['a folder that is not there', 'none', {}, 'PATH_MISSING'],
  ['a file as folder', 'a.yaml', {}, 'PATH_MISSING'],
  ['a folder without manifests', 'text', {}, 'PATH_MISSING'],
  ['a file beyond its bound', '', { fileMaxBytes: 3 }, 'TOO_LARGE'],
  ['files beyond their bound', '', { filesMax: 1 }, 'TOO_LARGE'],
  ['an answer beyond its bound', '', { answerMaxBytes: 600 }, 'TOO_LARGE'],
];
for (const [what, path, limits, code] of unreadable)
  test(`${what}: ${code}`, async (t) => {
    const { name, url } = await repository();
    const noise = Array.from({ length: 200 }, (_, i) => (i * 7919).toString(36)).join('');
    const id = await server.commitFiles(name, { 'a.yaml': 'four', 'b.yaml': noise, 'text/c.txt': 'c' }, 'first', ada);
    const source = new GitSource(spec(url, { branch: 'main' }, path), { ...options, limits: { ...sourceLimits, ...limits } });
    await assert.rejects(source.read(id, t.signal), { name: 'SourceError', code });
  });

/** A server that is no Git server. */
async function listening(listener: RequestListener, t: { after: (fn: () => void) => void }): Promise<string> {
  const http = createServer(listener);
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    http.closeAllConnections();
    http.close();
  });
  const address = http.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/acme/web`;
}

test('a server that never answers is given up after its time', async (t) => {
  const clock = new VirtualClock();
  const url = await listening(() => void clock.advance(sourceLimits.headMaxMs), t);
  await assert.rejects(new GitSource(spec(url), { ...options, clock }).head(t.signal), { code: 'TIMED_OUT' });
});

test('a redirect is not followed, and says where to', async (t) => {
  let elsewhere = 0;
  const other = await listening((_request, response) => {
    elsewhere++;
    response.end();
  }, t);
  const url = await listening((_request, response) => void response.writeHead(301, { location: other }).end(), t);
  await assert.rejects(new GitSource(spec(url), options).head(t.signal), (error: Error) => {
    assert.match(error.message, /has moved to http:\/\/127\.0\.0\.1:\d+\/acme\/web:/);
    return true;
  });
  assert.equal(elsewhere, 0);
});

test('credentials go to the server as asked for, and into no error', async (t) => {
  const shown: (string | undefined)[] = [];
  const url = await listening((request, response) => {
    shown.push(request.headers.authorization);
    response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
  }, t);
  const credentials: GitOptions['credentials'] = async () => ({ username: 'robot', password: 'hunter2' });
  const source = new GitSource({ ...spec(url), credentials: { name: 'robot' } }, { ...options, credentials });
  await assert.rejects(source.head(t.signal), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'UNAUTHORIZED');
    assert.doesNotMatch(String(error) + String(error.cause), /hunter2|cm9ib3Q6/);
    return true;
  });
  assert.deepEqual(shown, [`Basic ${Buffer.from('robot:hunter2').toString('base64')}`]);
});
