import type { KindInfo, KubeObject } from '../port.ts';

const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const row = (group: string, version: string, kind: string, resource: string, namespaced: boolean): KindInfo => ({
  group,
  version,
  kind,
  resource,
  namespaced,
  verbs,
});

/** What a new cluster serves; custom kinds come with their definitions. */
export const builtInKinds: readonly KindInfo[] = [
  row('', 'v1', 'Namespace', 'namespaces', false),
  row('', 'v1', 'Node', 'nodes', false),
  row('', 'v1', 'PersistentVolume', 'persistentvolumes', false),
  row('', 'v1', 'PersistentVolumeClaim', 'persistentvolumeclaims', true),
  row('', 'v1', 'ConfigMap', 'configmaps', true),
  row('', 'v1', 'Secret', 'secrets', true),
  row('', 'v1', 'Service', 'services', true),
  row('', 'v1', 'Endpoints', 'endpoints', true),
  row('', 'v1', 'ServiceAccount', 'serviceaccounts', true),
  row('', 'v1', 'Pod', 'pods', true),
  row('', 'v1', 'ReplicationController', 'replicationcontrollers', true),
  row('', 'v1', 'ResourceQuota', 'resourcequotas', true),
  row('', 'v1', 'LimitRange', 'limitranges', true),
  row('', 'v1', 'Event', 'events', true),
  row('apps', 'v1', 'Deployment', 'deployments', true),
  row('apps', 'v1', 'ReplicaSet', 'replicasets', true),
  row('apps', 'v1', 'StatefulSet', 'statefulsets', true),
  row('apps', 'v1', 'DaemonSet', 'daemonsets', true),
  row('batch', 'v1', 'Job', 'jobs', true),
  row('batch', 'v1', 'CronJob', 'cronjobs', true),
  row('autoscaling', 'v2', 'HorizontalPodAutoscaler', 'horizontalpodautoscalers', true),
  row('policy', 'v1', 'PodDisruptionBudget', 'poddisruptionbudgets', true),
  row('networking.k8s.io', 'v1', 'Ingress', 'ingresses', true),
  row('networking.k8s.io', 'v1', 'NetworkPolicy', 'networkpolicies', true),
  row('rbac.authorization.k8s.io', 'v1', 'Role', 'roles', true),
  row('rbac.authorization.k8s.io', 'v1', 'RoleBinding', 'rolebindings', true),
  row('rbac.authorization.k8s.io', 'v1', 'ClusterRole', 'clusterroles', false),
  row('rbac.authorization.k8s.io', 'v1', 'ClusterRoleBinding', 'clusterrolebindings', false),
  row('storage.k8s.io', 'v1', 'StorageClass', 'storageclasses', false),
  row('coordination.k8s.io', 'v1', 'Lease', 'leases', true),
  row('discovery.k8s.io', 'v1', 'EndpointSlice', 'endpointslices', true),
  row('apiextensions.k8s.io', 'v1', 'CustomResourceDefinition', 'customresourcedefinitions', false),
];

export const isDefinition = (kind: Pick<KindInfo, 'group' | 'kind'>): boolean =>
  kind.group === 'apiextensions.k8s.io' && kind.kind === 'CustomResourceDefinition';

/** The kind that a CustomResourceDefinition defines, at its first served version; undefined while it says too little. */
export function definedKind(definition: KubeObject): KindInfo | undefined {
  const spec = definition['spec'] as
    | {
        group?: string;
        scope?: string;
        names?: { kind?: string; plural?: string };
        versions?: readonly { name: string; served?: boolean }[];
      }
    | undefined;
  const version = spec?.versions?.find((candidate) => candidate.served)?.name;
  if (!spec?.group || !spec.names?.kind || !spec.names.plural || version === undefined) return undefined;
  return row(spec.group, version, spec.names.kind, spec.names.plural, spec.scope === 'Namespaced');
}
