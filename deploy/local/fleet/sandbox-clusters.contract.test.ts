import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fromKubeconfig } from '#spoke/kube/mod.ts';
import { temporaryFolder } from '../processes/mod.ts';
import { sandboxClusters } from './sandbox-clusters.ts';

const waitMaxMs = 60_000;

async function until(what: string, ask: () => Promise<boolean> | boolean): Promise<void> {
  for (const end = performance.now() + waitMaxMs; !(await ask()); await sleep(20))
    if (performance.now() > end) assert.fail(`waited ${waitMaxMs} ms for ${what}`);
}

test('a killed sandbox is started again with its clusters as they were, and a line says so', { timeout: 4 * waitMaxMs }, async (t) => {
  using folder = temporaryFolder('sandbox-killed');
  const lines: string[] = [];
  const signal = AbortSignal.any([t.signal, AbortSignal.timeout(3 * waitMaxMs)]);
  await using clusters = await sandboxClusters(join(folder.path, 'sandbox'), ['one', 'two'], (line) => void lines.push(line), signal);
  const [cluster = assert.fail('no cluster')] = clusters.all;
  const kubeconfig = await readFile(cluster.kubeconfig, 'utf8');
  await using client = await fromKubeconfig(cluster.kubeconfig);
  const kinds = async () => (await client.discover(signal)).kinds;
  const kind = (await kinds()).find((one) => one.kind === 'ConfigMap') ?? assert.fail('no ConfigMap');
  await client.apply(
    kind,
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'kept', namespace: 'default' }, data: { a: 'b' } },
    {},
    signal,
  );

  const killed = clusters.process?.pid ?? assert.fail('no process');
  process.kill(killed, 'SIGKILL');
  await until('the next process', () => lines.some((line) => line.includes('runs again')));
  assert.deepEqual(
    lines.map((line) => line.replace(/process \d+/, 'process N')),
    ['sandbox ended (SIGKILL); starting it again in 0.5 s', 'sandbox runs again, process N'],
  );
  assert.notEqual(clusters.process?.pid, killed);
  // At once: it was said to run when it answered, not when the file of the killed one was found.
  const kept = await client.get(kind, 'default', 'kept', signal);
  assert.deepEqual(kept?.['data'], { a: 'b' });
  assert.equal(await readFile(cluster.kubeconfig, 'utf8'), kubeconfig);
});
