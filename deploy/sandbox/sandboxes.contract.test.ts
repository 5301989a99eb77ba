import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { ProcessError, temporaryFolder } from '#deploy/local/processes/mod.ts';
import { startSandbox } from './mod.ts';

const main = join(import.meta.dirname, 'main.ts');

function folderFor(t: TestContext): string {
  const folder = temporaryFolder('sandbox-locks');
  t.after(() => folder[Symbol.dispose]());
  return folder.path;
}

const refused = async (dir: string): Promise<{ code: number; stderr: string }> =>
  await promisify(execFile)(process.execPath, [main, '--dir', dir, '--names', 'one'], { timeout: 30_000 }).then(
    () => assert.fail('it ran'),
    (error: unknown) => error as { code: number; stderr: string },
  );

test('a second process in the same folder says who is there and what to do, and changes nothing', async (t) => {
  const dir = folderFor(t);
  await using first = await startSandbox({ dir, names: ['one'] });
  await writeFile(join(dir, 'ready.json'), 'the first');
  const kubeconfig = await readFile(first.clusters[0]?.kubeconfig ?? '', 'utf8');
  const { code, stderr } = await refused(dir);
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`LOCKED: process ${process.pid} holds ${join(dir, 'lock')}: end it, or remove the file`));
  assert.equal(await readFile(first.clusters[0]?.kubeconfig ?? '', 'utf8'), kubeconfig);
  assert.equal(await readFile(join(dir, 'ready.json'), 'utf8'), 'the first');
});

test('the same process is refused as well, and the folder is free when the first has stopped', async (t) => {
  const dir = folderFor(t);
  const first = await startSandbox({ dir, names: ['one'] });
  await assert.rejects(startSandbox({ dir, names: ['two'] }), (error: unknown) => error instanceof ProcessError && error.code === 'LOCKED');
  await first.stop();
  await using _second = await startSandbox({ dir, names: ['one'] });
});

test('a start that fails leaves the folder free', async (t) => {
  const dir = folderFor(t);
  await writeFile(join(dir, 'key.pem'), 'no key');
  await assert.rejects(startSandbox({ dir, names: ['one'] }));
  await assert.rejects(readFile(join(dir, 'lock')), { code: 'ENOENT' });
});

test('a port that somebody else has by now is replaced by another, and the token stays', async (t) => {
  const dir = folderFor(t);
  const begin = async (): Promise<{ url: string; token: string; stop: () => Promise<void> }> => {
    const sandbox = await startSandbox({ dir, names: ['one'] });
    const [{ url, kubeconfig } = assert.fail('no cluster')] = sandbox.clusters;
    const { clusters, users } = JSON.parse(await readFile(kubeconfig, 'utf8')) as {
      clusters: { cluster: { server: string } }[];
      users: { user: { token: string } }[];
    };
    assert.equal(clusters[0]?.cluster.server, url);
    return { url, token: users[0]?.user.token ?? assert.fail('no token'), stop: () => sandbox.stop() };
  };
  const first = await begin();
  await first.stop();
  const other = createServer().listen(Number(new URL(first.url).port), '127.0.0.1');
  await once(other, 'listening');
  const second = await begin();
  await second.stop();
  other.close();
  assert.notEqual(second.url, first.url);
  assert.equal(second.token, first.token);
  const third = await begin();
  await third.stop();
  assert.equal(third.url, second.url);
});
