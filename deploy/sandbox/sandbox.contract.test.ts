import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { cacheFolder } from '#deploy/local/servers/mod.ts';
import { fromKubeconfig, type HttpKubeClient, type KindInfo, type KubeObject } from '#spoke/kube/mod.ts';
import { eventually, kubeContract } from '../../spoke/kube/contract.ts';
import { failuresOf, kubeconfigTarget, notCoveredBySandbox, runContract, type CaseResult } from '../../test/contract/kube/mod.ts';
import { startSandbox, type Sandbox, type SandboxCluster } from './mod.ts';
import { send, type Sent } from './testing.ts';

let dir: string;
let sandbox: Sandbox;
let client: HttpKubeClient;
const here = (index = 0): SandboxCluster => sandbox.clusters[index] ?? assert.fail('no cluster');
const signal = AbortSignal.timeout(10 * 60_000);

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'wheelhouse-sandbox-'));
  sandbox = await startSandbox({ dir, names: ['one', 'two'] });
  client = await fromKubeconfig(here().kubeconfig);
});
after(async () => {
  await client?.[Symbol.asyncDispose]();
  await sandbox?.stop();
  await rm(dir, { recursive: true, force: true });
});

kubeContract('a sandbox', () => ({
  client,
  // Through HTTP, as somebody else would.
  interfere: async (object, patch) => {
    const other = await send(here(), pathOf(object), { method: 'PATCH', body: patch, type: 'application/merge-patch+json' });
    assert.equal(other.status, 200, await other.text());
  },
  // Versions from before the cluster began were never known.
  expire: () => undefined,
}));

test('every recorded case passes or is listed as not covered, with none listed that passes', { timeout: 10 * 60_000 }, async () => {
  const results = await runContract(kubeconfigTarget(here().kubeconfig), { notCovered: notCoveredBySandbox() });
  assert.ok(results.filter(({ outcome }) => outcome === 'passed').length >= 150);
  const line = ({ name, differences = [] }: CaseResult): string => `${name}: ${differences.slice(0, 3).join('; ').slice(0, 500)}`;
  assert.deepEqual(failuresOf(results).map(line), []);
});

describe('a sandbox', () => {
  test('lets nobody in without a token of that very cluster', async () => {
    const token = (JSON.parse(await readFile(here(1).kubeconfig, 'utf8')) as { users: { user: { token: string } }[] }).users[0]?.user.token;
    for (const given of ['', 'nonsense', token ?? '']) {
      const answer = await send(here(), '/api', { token: given });
      assert.equal(answer.status, 401);
      assert.equal(((await answer.json()) as { reason: string }).reason, 'Unauthorized');
    }
  });

  test('never deletes all namespaces at once', async () => {
    const answer = await send(here(), '/api/v1/namespaces', { method: 'DELETE' });
    assert.equal(answer.status, 405);
    assert.equal((await send(here(), '/api/v1/namespaces/default', {})).status, 200);
  });

  test('says what it does not do, by name', async () => {
    const configMap = '/api/v1/namespaces/default/configmaps/kube-root-ca.crt';
    const rows: readonly (readonly [path: string, feature: RegExp, sent?: Sent])[] = [
      ['/api/v1/namespaces/default/pods/a/log', /pods\/log/],
      ['/openapi/v2', /OpenAPI v2/],
      ['/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', /may do everything/, { method: 'POST', body: {} }],
      ['/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers', /one version/],
      ['/api/v1/configmaps?resourceVersion=100&resourceVersionMatch=Exact', /exact version/],
      ['/api/v1/configmaps?watch=1&sendInitialEvents=true', /sendInitialEvents/],
      [configMap, /strategic merge/, { method: 'PATCH', body: {}, type: 'application/strategic-merge-patch+json' }],
      ['/api/v1/namespaces/default/configmaps', /yaml/, { method: 'POST', body: {}, type: 'application/yaml' }],
      ['/api/v1/namespaces/default/configmaps', /protobuf/, { method: 'POST', body: {}, type: 'application/vnd.kubernetes.protobuf' }],
    ];
    for (const [path, feature, sent = {}] of rows) {
      const answer = await send(here(), path, sent);
      const { message, reason } = (await answer.json()) as { message: string; reason: string };
      assert.deepEqual([path, answer.status, reason], [path, 501, 'NotImplemented']);
      assert.match(message, feature);
    }
  });

  test('has what it had when it is started again, on the same address, and knows no older versions', async () => {
    const folder = join(dir, 'again');
    const first = await startSandbox({ dir: folder, names: ['again'] });
    const cluster = first.clusters[0] ?? assert.fail();
    const uid = await uidOf(cluster, 'kube-system');
    await send(cluster, '/api/v1/namespaces/default/configmaps', {
      method: 'POST',
      body: { metadata: { name: 'kept' }, data: { a: 'b' } },
    });
    await send(cluster, '/api/v1/namespaces/default/configmaps', { method: 'POST', body: { metadata: { name: 'gone' } } });
    await send(cluster, '/api/v1/namespaces/default/configmaps/gone', { method: 'DELETE' });
    await first.stop();
    await using second = await startSandbox({ dir: folder, names: ['again'] });
    const again = second.clusters[0] ?? assert.fail();
    assert.equal(again.url, cluster.url);
    assert.equal(await uidOf(again, 'kube-system'), uid);
    const kept = (await (await send(again, '/api/v1/namespaces/default/configmaps/kept', {})).json()) as KubeObject;
    assert.deepEqual(kept['data'], { a: 'b' });
    assert.equal((await send(again, '/api/v1/namespaces/default/configmaps/gone', {})).status, 404);
    const before = Number(kept.metadata.resourceVersion) - 1;
    const watch = await send(again, `/api/v1/configmaps?watch=1&timeoutSeconds=1&resourceVersion=${before}`, {});
    assert.match(await watch.text(), /"type":"ERROR".*"code":410/);
  });

  test('a workload comes true, its failure is seen where a kubelet would show it, and it heals', async () => {
    const kind = (await client.discover(signal)).kinds.find((one) => one.kind === 'Deployment') ?? assert.fail();
    const wanted = deploymentOf('web', { 'sandbox.wheelhouse.dev/fail': 'CrashLoopBackOff', 'sandbox.wheelhouse.dev/fail-after': '1s' });
    await client.apply(kind, wanted, {}, signal);
    await eventually(async () => (await statusOf(kind, 'web'))['availableReplicas'] === 2);
    await eventually(async () => (await statusOf(kind, 'web'))['availableReplicas'] === undefined);
    const pods = (await (await send(here(), '/api/v1/namespaces/default/pods?labelSelector=app%3Dweb', {})).json()) as { items: object[] };
    assert.match(JSON.stringify(pods.items), /"waiting":\{"reason":"CrashLoopBackOff"/);
    await client.apply(kind, deploymentOf('web', {}), {}, signal);
    await eventually(async () => (await statusOf(kind, 'web'))['availableReplicas'] === 2);
  });

  test('what fits no node says so', async () => {
    const kind = (await client.discover(signal)).kinds.find((one) => one.kind === 'Deployment') ?? assert.fail();
    await client.apply(kind, deploymentOf('lost', {}, { nodeSelector: { disk: 'none' } }), {}, signal);
    await eventually(async () => {
      const pods = await (await send(here(), '/api/v1/namespaces/default/pods?labelSelector=app%3Dlost', {})).text();
      return pods.includes('"reason":"Unschedulable"') && pods.includes('0/2 nodes are available');
    });
  });
});

// On PATH, or beside the real control plane in the cache.
const kubectlPath = [
  ...(process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'kubectl')),
  ...globSync(join(cacheFolder(process.env), 'kube-*', 'kubectl')),
].find((path) => existsSync(path));

describe(
  'kubectl',
  { skip: kubectlPath ? false : 'SKIPPED LOUDLY: no kubectl on this machine, so nobody tried it against the sandbox' },
  () => {
    const kubectl = async (...args: string[]): Promise<string> => {
      const all = ['--kubeconfig', here().kubeconfig, '--cache-dir', join(dir, 'kubectl'), ...args];
      return (await promisify(execFile)(kubectlPath ?? '', all, { timeout: 60_000 })).stdout;
    };
    const manifest = (replicas: number): string => JSON.stringify(deploymentOf('shown', {}, {}, replicas));
    const withFile = async (replicas: number): Promise<string> => {
      const { writeFile } = await import('node:fs/promises');
      const file = join(dir, `manifest-${replicas}.json`);
      await writeFile(file, manifest(replicas));
      return file;
    };

    test('applies, waits, shows, describes, tells a difference and deletes', async () => {
      assert.match(await kubectl('apply', '--server-side', '-f', await withFile(1)), /serverside-applied/);
      assert.match(await kubectl('wait', '--for=condition=Available', 'deployment/shown', '--timeout=30s'), /condition met/);
      assert.match(await kubectl('get', 'deployments', 'shown'), /shown\s+1\/1\s+1\s+1\s+\d+s/);
      assert.match(await kubectl('get', 'pods', '-l', 'app=shown', '-o', 'wide'), /1\/1\s+Running\s+0/);
      assert.match(await kubectl('describe', 'deployment', 'shown'), /1 desired \| 1 updated \| 1 total \| 1 available/);
      await assert.rejects(
        kubectl('diff', '--server-side', '-f', await withFile(3)),
        ({ code, stdout }: { code: number; stdout: string }) => {
          assert.match(stdout, /\+\s+replicas: 3/);
          return code === 1;
        },
      );
      assert.match(await kubectl('delete', 'deployment', 'shown', '--timeout=30s'), /deleted/);
      await eventually(async () => (await kubectl('get', 'pods', '-l', 'app=shown', '-o', 'name')) === '');
    });
  },
);

const plurals: Readonly<Record<string, string>> = { ConfigMap: 'configmaps' };
const pathOf = ({ kind, metadata }: KubeObject): string =>
  `/api/v1/namespaces/${metadata.namespace}/${plurals[kind] ?? assert.fail(kind)}/${metadata.name}?fieldManager=somebody`;

async function uidOf(cluster: SandboxCluster, namespace: string): Promise<string | undefined> {
  return ((await (await send(cluster, `/api/v1/namespaces/${namespace}`, {})).json()) as KubeObject).metadata.uid;
}

async function statusOf(kind: KindInfo, name: string): Promise<Record<string, unknown>> {
  return ((await client.get(kind, 'default', name, signal))?.['status'] ?? {}) as Record<string, unknown>;
}

function deploymentOf(name: string, annotations: Record<string, string>, pod: object = {}, replicas = 2): KubeObject {
  const containers = [{ name: 'web', image: 'web:1' }];
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'default', annotations },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers, ...pod } },
    },
  };
}
