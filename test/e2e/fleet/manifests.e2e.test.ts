// Someone's own YAML, on someone's own clusters.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { temporaryFolder } from '#deploy/local/processes/mod.ts';
import type { StartDocument } from '#deploy/local/fleet/mod.ts';
import { startFleet, type KubeFleet } from '#test/kube/mod.ts';
import { npmStart, type Said } from './commands.ts';
import { kubectl } from './fleets.ts';
import { configMap, deployment } from './manifests.ts';

interface Placement {
  readonly app: string;
  readonly health: string;
  readonly objects: number;
}
interface Cluster {
  readonly name: string;
  readonly environment: string;
  readonly placements: readonly Placement[];
}

interface Project {
  readonly project: string;
  readonly as: string;
  /** Of one file; undefined leaves it out. */
  readonly change?: (name: string, text: string) => string | undefined;
  /** Made beforehand, as for kubectl: what names a namespace does not bring it. */
  readonly namespace?: string;
  readonly refused?: RegExp;
}

const withoutKustomization = (name: string, text: string): string | undefined => (name.includes('kustomization') ? undefined : text);
const projects: readonly Project[] = [
  { project: 'metallb', as: 'as it is' },
  { project: 'external-dns', as: 'as it is: instructions for kustomize are no manifests', refused: /kustomize build/ },
  { project: 'external-dns', as: 'without kustomization', change: withoutKustomization },
  { project: 'kube-state-metrics', as: 'wants kube-system, which is closed', change: withoutKustomization, refused: /kube-system/ },
  {
    project: 'kube-state-metrics',
    as: 'in a namespace of its own',
    change: (name, text) => withoutKustomization(name, text)?.replaceAll('kube-system', 'metrics'),
    namespace: 'metrics',
  },
];

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

  for (const { project, as, change, namespace, refused } of projects) {
    const folder = publicManifests();
    const missing = folder === undefined && 'neither WHEELHOUSE_MANIFESTS nor ../shared/manifests is there';
    if (missing) process.stderr.write(`!!! NOT TESTED: public manifests of ${project}: ${missing}\n`);
    test(`public manifests: ${project} ${as}`, { skip: missing }, async () => {
      const fresh = await freshPlanes(`${project}-${planes.length}`, [project]);
      const config = await merged(fresh, [project], join(path, `${project}.config`));
      if (namespace) await kubectl(fresh.cluster(project), 'create', 'namespace', namespace);
      const files = changed(await readAll(join(folder ?? '', project)), change);
      if (refused) {
        const { code, stdout, stderr } = await run(files, config);
        assert.deepEqual([code, /"ok": true/.test(stdout)], [1, false]);
        assert.match(stderr, refused);
        assert.equal(await countOfOurs(fresh, project), 0);
        return;
      }
      const document = await start(files, config);
      const [cluster] = document.clusters as readonly Cluster[];
      assert.equal(cluster?.placements[0]?.health, 'Healthy');
      const { objects } = cluster.placements[0];
      assert.ok(objects >= 4, `${objects} objects`);
      assert.equal(await countOfOurs(fresh, project), objects);
    });
  }
});

const changed = (files: Readonly<Record<string, string>>, change: Project['change']): Record<string, string> =>
  Object.fromEntries(
    Object.entries(files).flatMap(([name, text]) => {
      const now = change ? change(name, text) : text;
      return now === undefined ? [] : [[name, now]];
    }),
  );

async function readAll(dir: string): Promise<Record<string, string>> {
  const found = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = found.filter((one) => one.isFile() && one.name.endsWith('.yaml')).map((one) => join(one.parentPath, one.name));
  return Object.fromEntries(await Promise.all(files.map(async (file) => [relative(dir, file), await readFile(file, 'utf8')] as const)));
}

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

/** How many objects of all kinds say that a fleet owns them, by the annotation that names each. */
async function countOfOurs(kube: KubeFleet, name: string): Promise<number> {
  const plane = kube.cluster(name);
  const kinds = await kubectl(plane, 'api-resources', '--verbs=list', '-o', 'name');
  const skipped = /^(events|componentstatuses|endpoints|pods|replicasets|.*\.metrics\.k8s\.io)/;
  const wanted = kinds.split('\n').filter((kind) => kind && !skipped.test(kind));
  const listed = await kubectl(plane, 'get', [...new Set(wanted)].join(), '-A', '-o', 'json');
  const { items } = JSON.parse(listed) as { items: { kind: string; metadata: { name: string; annotations?: Record<string, string> } }[] };
  const owned = items.filter(({ kind, metadata }) => {
    const named = metadata.annotations?.['wheelhouse.dev/object']?.split('/');
    return named?.[1] === kind && named.at(-1) === metadata.name;
  });
  return new Set(owned.map(({ metadata }) => metadata.annotations?.['wheelhouse.dev/object'])).size;
}

async function writeAll(dir: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, name)), { recursive: true });
    await writeFile(join(dir, name), text);
  }
}

function publicManifests(): string | undefined {
  const named = process.env['WHEELHOUSE_MANIFESTS'];
  const dir = named ?? resolve(import.meta.dirname, '../../../../shared/manifests');
  return existsSync(dir) ? dir : undefined;
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
