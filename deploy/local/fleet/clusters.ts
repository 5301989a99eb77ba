import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromKubeconfig, groupOf, type Discovery, type KubeClient, type KubeObject } from '#spoke/kube/mod.ts';
import { objectsOf } from '#spoke/plan/mod.ts';
import type { ControlPlane } from '#test/kube/mod.ts';
import type { Supervised } from '../processes/mod.ts';
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
  /** The one process that plays them all, if one does. */
  readonly process?: Supervised;
}

/** Gives the spoke its rights, and a tenant's account what its manifests need beyond its namespaces; as the cluster's administrator. */
export async function prepareCluster(cluster: LocalCluster, needs: ReadonlyMap<string, Needs>, signal: AbortSignal): Promise<void> {
  const kube = await fromKubeconfig(cluster.kubeconfig, cluster.context);
  const discovery = await kube.discover(signal);
  const rbac = await readFile(join(import.meta.dirname, '../../spoke/rbac.yaml'));
  const grants = [...needs].flatMap(([tenant, one]) => [...(one.missing ?? []).map(namespaceOf), ...grantsOf(tenant, one)]);
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

const namespaceOf = (name: string): KubeObject => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });

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
