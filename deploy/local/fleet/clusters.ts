import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromKubeconfig, groupOf, type Discovery, type KubeClient, type KubeObject } from '#spoke/kube/mod.ts';
import { objectsOf } from '#spoke/plan/mod.ts';
import { startFleet, type ControlPlane, type KubeFleet } from '#test/kube/mod.ts';
import { StartError } from './arguments.ts';
import type { Needs } from './manifests.ts';

/** A Kubernetes cluster that is to become a spoke's. */
export interface LocalCluster {
  readonly name: string;
  /** Of its administrator. */
  readonly kubeconfig: string;
  readonly context: string | undefined;
  /** What the spoke is started with. */
  readonly spokeKubeconfig: (dir: string) => Promise<string>;
  readonly plane: ControlPlane | undefined;
}

export interface Clusters extends AsyncDisposable {
  readonly all: readonly LocalCluster[];
}

/** Real control planes of our own, one per name. */
export async function startClusters(
  dir: string,
  names: readonly string[],
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<Clusters> {
  const fleet: KubeFleet = await startFleet({ dir, names, log, signal });
  const all = fleet.clusters.map((plane) => ({
    name: plane.name,
    kubeconfig: plane.kubeconfig,
    context: plane.name,
    spokeKubeconfig: (folder: string) => tokenKubeconfig(plane, folder),
    plane,
  }));
  return { all, [Symbol.asyncDispose]: () => fleet.stop() };
}

/** The clusters of somebody's kubeconfig, one per context, under the rights that it gives. */
export async function contextClusters(file: string): Promise<Clusters> {
  const [config] = objectsLike(await readFile(file, 'utf8'));
  const contexts = (config?.['contexts'] as { name?: string }[] | undefined)?.map(({ name }) => name ?? '') ?? [];
  if (contexts.length === 0) throw new StartError('NO_CLUSTERS', `--kubeconfig ${file}: it has no contexts`);
  const all = contexts.map((context) => ({
    name: nameFrom(context),
    kubeconfig: file,
    context,
    spokeKubeconfig: () => Promise.resolve(file),
    plane: undefined,
  }));
  const twice = all.find(({ name }, index) => all.findIndex((one) => one.name === name) !== index);
  if (twice) throw new StartError('NO_CLUSTERS', `--kubeconfig ${file}: two contexts would be called ${twice.name}: rename one`);
  return { all, [Symbol.asyncDispose]: async () => undefined };
}

const nameFrom = (context: string): string =>
  context
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 63)
    .replace(/-+$/, '') || 'cluster';

/** A kubeconfig is read like any manifest, but for its missing name. */
function objectsLike(text: string): KubeObject[] {
  const named = text.trimStart().startsWith('{')
    ? JSON.stringify({ ...(JSON.parse(text) as object), metadata: { name: 'kubeconfig' } })
    : `${text}\nmetadata: {name: kubeconfig}\n`;
  return [...objectsOf(new Map([['kubeconfig.yaml', Buffer.from(named)]]))];
}

/** Gives the spoke its rights, and a tenant's account what its manifests need beyond its namespaces; as the cluster's administrator. */
export async function prepareCluster(cluster: LocalCluster, needs: ReadonlyMap<string, Needs>, signal: AbortSignal): Promise<void> {
  const kube = await fromKubeconfig(cluster.kubeconfig, cluster.context);
  const discovery = await kube.discover(signal);
  const rbac = await readFile(join(import.meta.dirname, '../../spoke/rbac.yaml'));
  const grants = [...needs].flatMap(([tenant, one]) => grantsOf(tenant, one));
  for (const object of [...objectsOf(new Map([['rbac.yaml', rbac]])), ...grants]) await apply(kube, discovery, object, signal);
}

export async function discoveryOf(cluster: LocalCluster, signal: AbortSignal): Promise<Discovery> {
  return (await fromKubeconfig(cluster.kubeconfig, cluster.context)).discover(signal);
}

async function apply(kube: KubeClient, { kinds }: Discovery, object: KubeObject, signal: AbortSignal): Promise<void> {
  const kind = kinds.find((one) => one.kind === object.kind && one.group === groupOf(object.apiVersion));
  if (!kind) throw new StartError('NO_CLUSTERS', `the API server does not serve ${object.kind}`);
  await kube.apply(kind, object, { force: true }, signal);
}

const rbacGroup = 'rbac.authorization.k8s.io';

/** Exactly the cluster-scoped kinds that the manifests name; for roles also the right to grant what they say. */
function grantsOf(tenant: string, { clusterScoped }: Needs): KubeObject[] {
  if (clusterScoped.length === 0) return [];
  const name = `wheelhouse-local-${tenant}`;
  const rules = [
    ...clusterScoped.map(({ group, resource }) => ({ apiGroups: [group], resources: [resource], verbs: ['*'] })),
    { apiGroups: [rbacGroup], resources: ['roles', 'clusterroles'], verbs: ['bind', 'escalate'] },
    { apiGroups: ['*'], resources: ['*'], verbs: ['get', 'create', 'patch', 'update', 'delete'] },
  ];
  const role = { apiGroup: rbacGroup, kind: 'ClusterRole', name };
  return [
    { apiVersion: `${rbacGroup}/v1`, kind: 'ClusterRole', metadata: { name }, rules },
    {
      apiVersion: `${rbacGroup}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: { name },
      roleRef: role,
      subjects: [{ kind: 'ServiceAccount', name: tenant, namespace: 'wheelhouse-tenants' }],
    },
  ];
}

/** The administrator's file with the spoke's own account in place of the administrator: it may do what `deploy/spoke/rbac.yaml` says and no more. */
async function tokenKubeconfig(plane: ControlPlane, dir: string): Promise<string> {
  const said = await plane.kubectl('create', 'token', 'wheelhouse-spoke', '-n', 'wheelhouse-system', '--duration=8760h');
  if (said.code !== 0) throw new StartError('NO_CLUSTERS', `cluster ${plane.name} gave the spoke no token: ${said.stderr.trim()}`);
  const config = JSON.parse(await readFile(plane.kubeconfig, 'utf8')) as Record<string, unknown>;
  const users = [{ name: plane.name, user: { token: said.stdout.trim() } }];
  const file = join(dir, 'kubeconfig');
  await writeFile(file, JSON.stringify({ ...config, users }), { mode: 0o600 });
  return file;
}
