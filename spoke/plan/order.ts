import type { ObjectRef } from '../kube/mod.ts';

// What others stand on comes first; what judges or routes others comes last. Within a step the order of the files is kept.
const steps: readonly (readonly string[])[] = [
  ['Namespace.', 'CustomResourceDefinition.apiextensions.k8s.io'],
  ['PriorityClass.scheduling.k8s.io', 'StorageClass.storage.k8s.io', 'RuntimeClass.node.k8s.io', 'IngressClass.networking.k8s.io'],
  ['ResourceQuota.', 'LimitRange.', 'NetworkPolicy.networking.k8s.io'],
  ['ServiceAccount.'],
  ['ClusterRole.rbac.authorization.k8s.io', 'Role.rbac.authorization.k8s.io'],
  ['ClusterRoleBinding.rbac.authorization.k8s.io', 'RoleBinding.rbac.authorization.k8s.io'],
  ['Secret.', 'ConfigMap.'],
  ['PersistentVolume.', 'PersistentVolumeClaim.'],
  ['Service.'],
  [
    'Deployment.apps',
    'StatefulSet.apps',
    'DaemonSet.apps',
    'ReplicaSet.apps',
    'ReplicationController.',
    'Pod.',
    'Job.batch',
    'CronJob.batch',
  ],
];
const last = [
  'APIService.apiregistration.k8s.io',
  'ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io',
  'MutatingWebhookConfiguration.admissionregistration.k8s.io',
  'ValidatingWebhookConfiguration.admissionregistration.k8s.io',
];

const ranks = new Map([
  ...steps.flatMap((kinds, i) => kinds.map((kind) => [kind, i] as const)),
  ...last.map((kind) => [kind, steps.length + 1] as const),
]);

/** Lower is applied earlier and deleted later. */
export const rankOf = ({ group, kind }: Pick<ObjectRef, 'group' | 'kind'>): number => ranks.get(`${kind}.${group}`) ?? steps.length;

/** Namespaces and CRDs: the stage that everything else waits for. */
export const isFoundation = (ref: Pick<ObjectRef, 'group' | 'kind'>): boolean => rankOf(ref) === 0;

/** Kinds whose deletion takes with it what no release can bring back. */
const guarded = ['Namespace.', 'CustomResourceDefinition.apiextensions.k8s.io', 'PersistentVolume.', 'PersistentVolumeClaim.'];
export const isProtected = ({ group, kind }: Pick<ObjectRef, 'group' | 'kind'>): boolean => guarded.includes(`${kind}.${group}`);
