import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { kubeconfigCredentials } from './credentials.ts';

const authority = Buffer.from('CA').toString('base64');

async function folder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'wheelhouse-credentials-'));
  t.after(async () => await rm(dir, { recursive: true, force: true }));
  return dir;
}

/** A kubeconfig with one context `c`, of that user and cluster. */
async function kubeconfig(dir: string, user: object, cluster: object = {}): Promise<string> {
  const path = join(dir, 'kubeconfig');
  const config = {
    'current-context': 'c',
    contexts: [
      { name: 'c', context: { cluster: 'k', user: 'u' } },
      { name: 'lost', context: { cluster: 'nowhere', user: 'u' } },
      { name: 'nobody', context: { cluster: 'k', user: 'nobody' } },
    ],
    clusters: [{ name: 'k', cluster: { server: 'https://127.0.0.1:1', 'certificate-authority-data': authority, ...cluster } }],
    users: [{ name: 'u', user }],
  };
  await writeFile(path, JSON.stringify(config));
  return path;
}

test('token, server and authority are taken as they are', async (t) => {
  const credentials = await kubeconfigCredentials(await kubeconfig(await folder(t), { token: 'abc' }, { 'tls-server-name': 'kube' }));
  assert.equal(credentials.server, 'https://127.0.0.1:1');
  assert.deepEqual(await credentials.current(false), { headers: { Authorization: 'Bearer abc' }, tls: { ca: 'CA', servername: 'kube' } });
});

test('files beside the kubeconfig are read anew each time: certificates are renewed there', async (t) => {
  const dir = await folder(t);
  const path = await kubeconfig(dir, { 'client-certificate': 'cert.pem', 'client-key': 'key.pem' });
  await writeFile(join(dir, 'cert.pem'), 'one');
  await writeFile(join(dir, 'key.pem'), 'key');
  const credentials = await kubeconfigCredentials(path);
  assert.equal((await credentials.current(false)).tls.cert, 'one');
  await writeFile(join(dir, 'cert.pem'), 'two');
  assert.deepEqual((await credentials.current(false)).tls, { ca: 'CA', cert: 'two', key: 'key' });
});

test('an exec plugin is asked again when its credential was refused, and only then', async (t) => {
  const dir = await folder(t);
  const count = join(dir, 'count');
  const script = `
    const fs = require('node:fs');
    fs.appendFileSync(${JSON.stringify(count)}, 'x');
    const token = 't' + fs.readFileSync(${JSON.stringify(count)}, 'utf8').length;
    console.log(JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status: { token } }));`;
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: process.execPath, args: ['-e', script] };
  const credentials = await kubeconfigCredentials(await kubeconfig(dir, { exec }));
  const token = async (refused: boolean): Promise<string | undefined> => (await credentials.current(refused)).headers['Authorization'];
  assert.deepEqual([await token(false), await token(false), await token(true)], ['Bearer t1', 'Bearer t1', 'Bearer t2']);
  assert.equal(await readFile(count, 'utf8'), 'xx');
});

test('what an exec plugin says when it fails stays with it', async (t) => {
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: process.execPath, args: ['-e', 'throw new Error("hunter2")'] };
  const credentials = await kubeconfigCredentials(await kubeconfig(await folder(t), { exec }));
  await assert.rejects(credentials.current(false), (error: Error & { code?: string }) => {
    return error.code === 'CONFIG' && !String(error.stack).includes('hunter2') && error.cause === undefined;
  });
});

const refused: readonly { what: string; context?: string; cluster?: object; words: RegExp }[] = [
  { what: 'a context that is not there', context: 'other', words: /names no cluster/ },
  { what: 'a cluster that is not there', context: 'lost', words: /names no cluster/ },
  { what: 'a user that is not there', context: 'nobody', words: /names no user/ },
  { what: 'a SOCKS proxy', cluster: { 'proxy-url': 'socks5://127.0.0.1:1' }, words: /SOCKS/ },
];
for (const { what, context, cluster, words } of refused)
  test(`${what} is refused at once, with a sentence`, async (t) => {
    const path = await kubeconfig(await folder(t), { token: 'abc' }, cluster);
    await assert.rejects(kubeconfigCredentials(path, context), { code: 'CONFIG', message: words });
  });

test('a file that is no kubeconfig is refused without quoting it', async (t) => {
  const path = join(await folder(t), 'kubeconfig');
  await writeFile(path, 'token: [hunter2');
  await assert.rejects(kubeconfigCredentials(path), (error: Error & { code?: string }) => {
    return error.code === 'CONFIG' && !error.message.includes('hunter2');
  });
});
