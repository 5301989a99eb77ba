// Someone's own YAML, on someone's own clusters.
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { temporaryFolder } from '#deploy/local/processes/mod.ts';
import type { StartDocument } from '#deploy/local/fleet/mod.ts';
import { startFleet, type KubeFleet } from '#test/kube/mod.ts';
import { npmStart, type Said } from './commands.ts';
import { kubectl } from './fleets.ts';
import { configMap, deployment } from './manifests.ts';

interface Placement {
  readonly health: string;
  readonly objects: number;
}
interface Cluster {
  readonly name: string;
  readonly environment: string;
  readonly placements: readonly Placement[];
}

/** Control planes of the test's own, that the fleet knows by a kubeconfig only: what was applied is still there when it has ended. */
describe('npm start --kubeconfig --manifests', { timeout: 12 * 60_000 }, () => {
  using kubeFolder = temporaryFolder('e2e');
  const { path } = kubeFolder;
  let kube: KubeFleet;
  let kubeconfig: string;
  before(async () => {
    await mkdir(path, { recursive: true });
    kube = await startFleet({ dir: join(path, 'kube'), names: ['left', 'right', 'third'] });
    kubeconfig = await merged(kube, ['left', 'right', 'third'], join(path, 'all'));
  });
  after(async () => {
    await kube?.stop();
    kubeFolder[Symbol.dispose]();
  });

  async function run(files: Readonly<Record<string, string>>, config: string): Promise<Said> {
    using temporary = temporaryFolder('e2e');
    const dir = join(temporary.path, 'manifests');
    await writeAll(dir, files);
    const args = ['--once', '--json', '--timeout', '100s', '--manifests', dir, '--kubeconfig', config];
    await using command = npmStart(args, temporary.path);
    return await command.ended;
  }
  async function start(files: Readonly<Record<string, string>>, config: string): Promise<StartDocument> {
    const { code, stdout, stderr } = await run(files, config);
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as StartDocument;
  }

  test('a folder for each environment: each cluster gets its own', async () => {
    const of = (stage: string) => ({ [`${stage}/a.yaml`]: configMap('stage', { stage }), [`${stage}/b.yaml`]: deployment('web') });
    const document = await start({ ...of('dev'), ...of('staging'), ...of('prod') }, kubeconfig);
    const clusters = document.clusters as readonly Cluster[];
    assert.equal(document.kubernetes, 'kubeconfig');
    const found = clusters.map(({ name, environment, placements }) => [name, environment, placements[0]?.health, placements[0]?.objects]);
    assert.deepEqual(found, [
      ['left', 'dev', 'Healthy', 2],
      ['right', 'staging', 'Healthy', 2],
      ['third', 'prod', 'Healthy', 2],
    ]);
    for (const { name, environment } of clusters)
      assert.equal(await kubectl(kube.cluster(name), 'get', 'configmap/stage', '-o', 'jsonpath={.data.stage}'), environment);
  });

  test('one folder for all: cluster-scoped objects, a definition and what it defines, namespaces of its own', async () => {
    const config = await merged(await freshPlanes('plain', ['one', 'two']), ['one', 'two'], join(path, 'plain.config'));
    const document = await start({ 'kinds.yaml': definition, 'objects/widget.yaml': widget, 'rest.yml': rest }, config);
    const clusters = document.clusters as readonly Cluster[];
    assert.deepEqual(
      clusters.map(({ name, environment, placements }) => [name, environment, placements.map(({ health, objects }) => [health, objects])]),
      [
        ['one', 'dev', [['Healthy', 6]]],
        ['two', 'prod', [['Healthy', 6]]],
      ],
    );
    const plane = planes.at(-1)?.cluster('two');
    assert.ok(plane);
    assert.equal(await kubectl(plane, 'get', 'widgets.example.org/first', '-n', 'workshop', '-o', 'jsonpath={.spec.size}'), '3');
    assert.equal(await kubectl(plane, 'get', 'priorityclass/urgent', '-o', 'jsonpath={.value}'), '1000');
    assert.equal(await kubectl(plane, 'get', 'clusterrole/widget-reader', '-o', 'jsonpath={.rules[0].resources[0]}'), 'widgets');
  });

  const planes: KubeFleet[] = [];
  after(async () => {
    for (const one of planes) await one.stop();
  });
  async function freshPlanes(name: string, names: readonly string[]): Promise<KubeFleet> {
    const fresh = await startFleet({ dir: join(path, name), names });
    planes.push(fresh);
    return fresh;
  }
});

/** Contexts of several clusters in one file, as people have them. */
async function merged(kube: KubeFleet, names: readonly string[], file: string): Promise<string> {
  const all = await Promise.all(names.map(async (name) => JSON.parse(await readFile(kube.cluster(name).kubeconfig, 'utf8')) as KubeConfig));
  const config = {
    ...all[0],
    clusters: all.flatMap(({ clusters }) => clusters),
    users: all.flatMap(({ users }) => users),
    contexts: all.flatMap(({ contexts }) => contexts),
  };
  await writeFile(file, JSON.stringify(config), { mode: 0o600 });
  return file;
}

interface KubeConfig {
  readonly clusters: readonly unknown[];
  readonly users: readonly unknown[];
  readonly contexts: readonly unknown[];
}

async function writeAll(dir: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, name)), { recursive: true });
    await writeFile(join(dir, name), text);
  }
}

const definition = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: widgets.example.org
spec:
  group: example.org
  scope: Namespaced
  names: { kind: Widget, plural: widgets }
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec: { type: object, properties: { size: { type: integer } } }
`;

const widget = `apiVersion: example.org/v1
kind: Widget
metadata: { name: first, namespace: workshop }
spec: { size: 3 }
`;

const rest = `apiVersion: v1
kind: Namespace
metadata: { name: workshop }
---
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: { name: urgent }
value: 1000
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: widget-reader }
rules:
  - { apiGroups: [example.org], resources: [widgets], verbs: [get, list] }
---
${deployment('tool').replace('"name": "tool"', '"name": "tool", "namespace": "workshop"')}
`;
