import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startFleet, type ControlPlane, type KubeFleet } from '#test/kube/mod.ts';
import { fromKubeconfig, type HttpKubeClient } from './client.ts';
import { configMap, configMaps, deployment, deployments, eventually, kubeContract, namespaces, secrets } from './contract.ts';
import { isKubeError } from './errors.ts';
import type { KubeCode } from './port.ts';

let dir: string;
let fleet: KubeFleet;
let plane: ControlPlane;
let client: HttpKubeClient;

const signal = AbortSignal.timeout(15 * 60_000);
const rejects = async (code: KubeCode, promise: Promise<unknown>): Promise<void> => {
  await assert.rejects(promise, (error) => isKubeError(error, code) || assert.fail(`expected ${code}, got ${String(error)}`));
};
const kubectl = async (...args: readonly string[]): Promise<void> => {
  const result = await plane.kubectl(...args);
  assert.equal(result.code, 0, JSON.stringify(result));
};

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'wheelhouse-client-'));
  fleet = await startFleet({ dir, names: ['client'] });
  plane = fleet.cluster('client');
  client = await fromKubeconfig(plane.kubeconfig);
});
after(async () => {
  await client?.[Symbol.asyncDispose]();
  await fleet?.stop();
  await rm(dir, { recursive: true, force: true });
});

kubeContract('a real API server', () => ({
  client,
  interfere: async ({ kind, metadata }, patch) =>
    await kubectl('patch', kind, metadata.name, '-n', metadata.namespace ?? '', '--type=merge', '-p', JSON.stringify(patch)),
  // The kind is younger than that version.
  expire: () => undefined,
}));

describe('a client of a real API server', { timeout: 2 * 60_000 }, () => {
  test('pages of a list are one list', async () => {
    await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'pages' } }, {}, signal);
    for (const name of ['a', 'b', 'c', 'd', 'e'])
      await client.create(configMaps, configMap('pages', name, {}, { paged: 'yes' }), {}, signal);
    await using small = await fromKubeconfig(plane.kubeconfig, 'client', { limits: { listPageItems: 2 } });
    const { items } = await small.list(configMaps, { namespace: 'pages', labelSelector: 'paged' }, signal);
    assert.equal(items.map(({ metadata }) => metadata.name).join(), 'a,b,c,d,e');
    await using tiny = await fromKubeconfig(plane.kubeconfig, 'client', { limits: { listPageItems: 2, listItemsMax: 4 } });
    await rejects('TOO_LARGE', tiny.list(configMaps, { namespace: 'pages' }, signal));
  });

  test('a document that its schema does not know is invalid, not a trouble of the server', async () => {
    const odd = deployment('default', 'odd', 'x', 0);
    await rejects('INVALID', client.apply(deployments, { ...odd, spec: { ...(odd['spec'] as object), replicas: 'many' } }, {}, signal));
    await rejects('INVALID', client.apply(deployments, { ...odd, spec: { ...(odd['spec'] as object), nobodyKnows: 1 } }, {}, signal));
    await rejects('INVALID', client.apply(deployments, { ...odd, spec: { replicas: 0 } }, {}, signal));
  });

  test('what is said about an invalid Secret does not quote it', async () => {
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 's', namespace: 'default' },
      data: { key: { hunter2: 'hunter2' } },
    };
    await assert.rejects(client.apply(secrets, secret, {}, signal), (error) => {
      assert.ok(isKubeError(error, 'INVALID'), String(error));
      return !JSON.stringify([error.message, error.causes]).includes('hunter2');
    });
  });

  test('an impersonated service account has its own rights and those of its groups, and no others', async () => {
    const as = 'system:serviceaccount:wheelhouse-tenants:shop';
    for (const name of ['mine', 'others'])
      await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, {}, signal);
    await rejects('FORBIDDEN', client.apply(configMaps, configMap('mine', 'a', {}), { as }, signal));
    await kubectl('create', 'rolebinding', 'all', '-n', 'mine', '--clusterrole=admin', '--group=system:serviceaccounts:wheelhouse-tenants');
    await eventually(async () => (await client.apply(configMaps, configMap('mine', 'a', {}), { as }, signal)) !== undefined);
    await rejects('FORBIDDEN', client.apply(configMaps, configMap('others', 'a', {}), { as }, signal));
  });

  test('a frozen API server answers nothing in time; a watch goes on when it thaws', async () => {
    await using brisk = await fromKubeconfig(plane.kubeconfig, 'client', { limits: { requestTimeoutMs: 500 } });
    const { resourceVersion } = await brisk.list(configMaps, { namespace: 'default' }, signal);
    const stop = new AbortController();
    const seen: string[] = [];
    const watching = (async () => {
      for await (const event of brisk.watch(configMaps, { namespace: 'default', resourceVersion }, stop.signal)) {
        if (event.type === 'RESYNC') seen.push('RESYNC');
        if (event.type === 'ADDED') seen.push(event.object.metadata.name);
      }
    })();
    await brisk.create(configMaps, configMap('default', 'before-frost', {}), {}, signal);
    await eventually(async () => seen.includes('before-frost'));
    plane.pause('apiserver');
    try {
      // The signal takes a moment to reach all threads: an answer may still slip through.
      const isFrozen = (error: unknown): boolean => isKubeError(error, 'SERVER_UNAVAILABLE');
      await eventually(async () => await brisk.version(signal).then(() => false, isFrozen));
      await rejects('SERVER_UNAVAILABLE', brisk.get(configMaps, 'default', 'before-frost', signal));
    } finally {
      plane.resume('apiserver');
    }
    await brisk.create(configMaps, configMap('default', 'after-frost', {}), {}, signal);
    await eventually(async () => seen.includes('after-frost'));
    assert.deepEqual(seen, ['before-frost', 'after-frost']);
    stop.abort();
    await watching;
  });

  test('who is not let in, does not know the server, or names nothing', async () => {
    const config = JSON.parse(await readFile(plane.kubeconfig, 'utf8')) as { clusters: { cluster: object }[]; users: { user: object }[] };
    const cluster = config.clusters[0]?.cluster as Record<string, string>;
    const path = join(dir, 'strangers');
    const withConfig = async (changed: object): Promise<HttpKubeClient> => {
      await writeFile(path, JSON.stringify({ ...config, ...changed }));
      return await fromKubeconfig(path);
    };
    await rejects('CONFIG', fromKubeconfig(plane.kubeconfig, 'no-such-context'));
    await rejects('CONFIG', fromKubeconfig(join(dir, 'no-such-file')));
    await using anonymous = await withConfig({ users: [{ name: 'client', user: {} }] });
    await rejects('UNAUTHORIZED', anonymous.get(configMaps, 'default', 'a', signal));
    await using refused = await withConfig({ users: [{ name: 'client', user: { token: 'nobody' } }] });
    await rejects('UNAUTHORIZED', refused.get(configMaps, 'default', 'a', signal));
    await using unsure = await withConfig({ clusters: [{ name: 'client', cluster: { server: cluster['server'] } }] });
    await rejects('SERVER_UNAVAILABLE', unsure.version(signal));
  });
});
