import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { isRunning, portAnswers, ProcessError, runCommand, temporaryFolder } from '../processes/mod.ts';
import { findServer, ServerError, startGitServer, startNats, startRegistry } from './mod.ts';

function folderFor(t: TestContext): string {
  const folder = temporaryFolder('servers');
  t.after(() => folder[Symbol.dispose]());
  return folder.path;
}

const author = { name: 'Ann Example', email: 'ann@example.com' };
const atSeconds = 1_767_225_600;

test('NATS starts with the given text, answers, keeps its data below the folder, and is gone after', async (t) => {
  const dir = folderFor(t);
  const nats = await startNats({ dir, configText: 'port: 4222\njetstream {}\nserver_name: tested\n' });
  assert.notEqual(nats.port, 4222);
  const socket = connect({ host: '127.0.0.1', port: nats.port });
  const line = await new Promise<string>((resolve, reject) => createInterface(socket).once('line', resolve).once('error', reject));
  socket.destroy();
  assert.match(line, /^INFO \{.*"server_name":"tested".*"jetstream":true/);
  assert.deepEqual(readdirSync(dir).toSorted(), ['data', 'nats.conf', 'nats.log']);
  await nats[Symbol.asyncDispose]();
  assert.ok(!isRunning(nats.process.pid ?? process.pid));
  assert.equal(await portAnswers(nats.port), false);
});

test('NATS that refuses its configuration says why', async (t) => {
  const dir = folderFor(t);
  await assert.rejects(
    startNats({ dir, configText: 'jetstream { max_mem: "lots"' }),
    (error: unknown) => error instanceof ProcessError && error.code === 'ENDED_EARLY' && /Parse error on line 1/.test(error.message),
  );
});

test('the registry takes content and gives it back, also after a restart in the same folder and on the same port', async (t) => {
  const dir = folderFor(t);
  const bytes = Buffer.from('a blob');
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  const first = await startRegistry({ dir });
  const begun = await fetch(`http://${first.address}/v2/shop/app/blobs/uploads/`, { method: 'POST' });
  const upload = new URL(begun.headers.get('location') ?? '', `http://${first.address}`);
  upload.searchParams.set('digest', digest);
  assert.equal((await fetch(upload, { method: 'PUT', body: bytes, headers: { 'content-type': 'application/octet-stream' } })).status, 201);
  await first[Symbol.asyncDispose]();
  assert.ok(!isRunning(first.process.pid ?? process.pid));
  assert.equal(await portAnswers(first.port), false);

  await using again = await startRegistry({ dir, port: first.port });
  assert.equal(again.address, first.address);
  assert.equal(await (await fetch(`http://${again.address}/v2/shop/app/blobs/${digest}`)).text(), 'a blob');
});

test('Git: commits are cloned over HTTP, a second one changes what it names, and the port is free after', async (t) => {
  const dir = folderFor(t);
  const found = await findServer('git');
  const server = await startGitServer({ dir, found });
  const url = await server.createRepository('shop/app');
  assert.equal(await server.createRepository('shop/app'), url);
  const first = await server.commitFiles('shop/app', { 'prod/a b.yaml': 'a: 1\n', 'old.yaml': 'x: 1\n' }, 'first\n', author, { atSeconds });
  const second = await server.commitFiles('shop/app', { 'old.yaml': null, 'new.yaml': Buffer.from('ü: 2\n') }, 'second', author, {
    atSeconds,
  });
  assert.match(first, /^[0-9a-f]{40}$/);

  const git = async (...args: string[]): Promise<string> => {
    const env = { ...process.env, ...found.env, GIT_TERMINAL_PROMPT: '0', GIT_CONFIG_GLOBAL: '/dev/null' };
    return (await runCommand(found.command, args, { env, cwd: dir, waitMaxMs: 20_000 })).stdout.trim();
  };
  const copy = join(dir, 'copy');
  await git('clone', '-q', url, copy);
  assert.equal(
    await git('-C', copy, 'log', '--format=%H %an <%ae> %at %s'),
    [second, first].map((id, i) => `${id} Ann Example <ann@example.com> ${atSeconds} ${i ? 'first' : 'second'}`).join('\n'),
  );
  assert.deepEqual(readdirSync(copy).toSorted(), ['.git', 'new.yaml', 'prod']);
  assert.equal(await git('-C', copy, 'show', 'HEAD:prod/a b.yaml'), 'a: 1');

  // The first commit by its hash: sources may be pinned to one.
  await git('init', '-q', join(dir, 'pinned'));
  await git('-C', join(dir, 'pinned'), 'fetch', '-q', '--depth=1', url, first);

  writeFileSync(join(copy, 'pushed.yaml'), 'p: 1\n');
  await git('-C', copy, 'add', '.');
  await git('-C', copy, '-c', 'user.name=Eve', '-c', 'user.email=eve@example.com', 'commit', '-q', '-m', 'pushed');
  await assert.rejects(
    git('-C', copy, 'push', '-q', url, 'HEAD:main'),
    /could not read Username|Authentication failed|terminal prompts disabled/,
  );
  const wrong = url.replace('://', '://any:wrong@');
  await assert.rejects(git('-C', copy, 'push', '-q', wrong, 'HEAD:main'), /Authentication failed/);
  await git('-C', copy, 'push', '-q', url.replace('://', `://any:${server.pushToken}@`), 'HEAD:main');
  assert.match(await git('ls-remote', url, 'refs/heads/main'), new RegExp(`^${await git('-C', copy, 'rev-parse', 'HEAD')}`));

  assert.equal((await fetch(`${url}/../../../etc/passwd`)).ok, false);
  assert.equal((await fetch(`${server.url}/%2e%2e/%2e%2e/etc/passwd`)).ok, false);
  assert.equal((await fetch(`${server.url}/shop/%E0%A4%A`)).status, 400);
  assert.equal((await fetch(`${url}/git-receive%2dpack`, { method: 'POST' })).status, 401);
  assert.equal((await fetch(`${server.url}/nothing.git/info/refs?service=git-upload-pack`)).status, 404);
  await assert.rejects(server.createRepository('../escape'), (error: unknown) => error instanceof ServerError && error.code === 'BAD_NAME');
  await server[Symbol.asyncDispose]();
  assert.equal(await portAnswers(server.port), false);

  await using again = await startGitServer({ dir, found, port: server.port });
  assert.match(await git('ls-remote', again.url + '/shop/app.git', 'refs/heads/main'), /^[0-9a-f]{40}/);
});

test('a server that no way leads to says what to install, and why each way failed', async (t) => {
  const cache = folderFor(t);
  const env = { PATH: '/nonexistent', HOME: cache, WHEELHOUSE_CACHE: cache };
  await assert.rejects(
    findServer('registry', { env, sources: ['debian'] }),
    (error: unknown) =>
      error instanceof ServerError &&
      error.code === 'NOT_FOUND' &&
      /^install the registry of the distribution project .*debian: .*apt-get update could not be started/.test(error.message),
  );
});

test('another program of the same name is not taken for the server', async (t) => {
  const folder = folderFor(t);
  writeFileSync(join(folder, 'registry'), '#!/bin/sh\necho registry of births 1.2.3\n', { mode: 0o755 });
  await assert.rejects(
    findServer('registry', { env: { PATH: folder }, sources: ['PATH'] }),
    /registry is another program: it said "registry of births 1.2.3"|no docker-registry or registry/,
  );
});

test(
  'two servers asked for at once from an empty cache wait for each other',
  { skip: !existsSync('/usr/bin/apt-get') && 'no apt' },
  async (t) => {
    const env = { ...process.env, WHEELHOUSE_CACHE: folderFor(t) };
    const lines: string[] = [];
    const ask = (name: 'nats' | 'registry') => findServer(name, { env, sources: ['debian'], log: (line) => lines.push(line) });
    const found = await Promise.all([ask('nats'), ask('registry')]);
    assert.deepEqual(
      found.map(({ from }) => from),
      ['debian', 'debian'],
    );
    assert.ok(
      lines.some((line) => /^(nats|registry) waits: something else is being fetched/.test(line)),
      lines.join('\n'),
    );
  },
);
