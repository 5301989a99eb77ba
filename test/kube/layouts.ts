// Where the files of a fleet are, and what its parts are told: pure.
import { join } from 'node:path';

export const partNames = ['etcd', 'apiserver', 'controllerManager', 'scheduler', 'kwok'] as const;
export type PartName = (typeof partNames)[number];

/** The files of one cluster. */
export function clusterLayout(fleetDir: string, name: string) {
  const dir = join(fleetDir, 'clusters', name);
  return {
    dir,
    certificates: join(dir, 'certificates'),
    kubeconfig: join(dir, 'kubeconfig'),
    auditLog: join(dir, 'audit.log'),
    log: (part: PartName) => join(dir, `${part}.log`),
    partKubeconfig: (part: PartName) => join(dir, `${part}.kubeconfig`),
  };
}
export type ClusterLayout = ReturnType<typeof clusterLayout>;

/** The files that the clusters of a fleet share. */
export function fleetLayout(dir: string) {
  return {
    ports: join(dir, 'ports.json'),
    auditPolicy: join(dir, 'audit-policy.json'),
    stages: join(dir, 'stages.yaml'),
    etcdData: join(dir, 'etcd'),
    etcdCertificates: join(dir, 'etcd-certificates'),
    etcdLog: join(dir, 'etcd.log'),
  };
}
export type FleetLayout = ReturnType<typeof fleetLayout>;

export function etcdArguments(fleet: FleetLayout, port: number): readonly string[] {
  return ['etcd', ...flags({ 'data-dir': fleet.etcdData, listen: `https://127.0.0.1:${port}`, certificates: fleet.etcdCertificates })];
}

export function apiserverArguments(
  fleet: FleetLayout,
  cluster: ClusterLayout,
  name: string,
  ports: { etcd: number; apiserver: number },
): readonly string[] {
  const certificate = (file: string) => join(cluster.certificates, file);
  return [
    'kube-apiserver',
    ...flags({
      'etcd-servers': `https://127.0.0.1:${ports.etcd}`,
      'etcd-prefix': `/registry/${name}`, // clusters share one etcd
      'etcd-cafile': join(fleet.etcdCertificates, 'ca.crt'),
      'etcd-certfile': join(fleet.etcdCertificates, 'admin.crt'),
      'etcd-keyfile': join(fleet.etcdCertificates, 'admin.key'),
      'bind-address': '127.0.0.1',
      'advertise-address': '127.0.0.1', // otherwise taken from the default route, which a machine without network lacks
      'secure-port': String(ports.apiserver),
      'client-ca-file': certificate('ca.crt'),
      'tls-cert-file': certificate('server.crt'),
      'tls-private-key-file': certificate('server.key'),
      'anonymous-auth': 'false',
      // As every distribution sets it: agents of nodes (networks, storage) ask for it.
      'allow-privileged': 'true',
      'authorization-mode': 'RBAC',
      'service-account-issuer': 'https://kubernetes.default.svc',
      'service-account-key-file': certificate('service-accounts.pub'),
      'service-account-signing-key-file': certificate('service-accounts.key'),
      'service-cluster-ip-range': '10.96.0.0/12',
      'endpoint-reconciler-type': 'none', // nothing in the cluster reaches 127.0.0.1
      'disable-admission-plugins': 'ServiceAccount', // would wait for a token in every pod
      'audit-policy-file': fleet.auditPolicy,
      'audit-log-path': cluster.auditLog,
      'audit-log-maxsize': '100', // MB, then it is rotated
      'audit-log-maxbackup': '2',
    }),
  ];
}

// What a Deployment, StatefulSet, DaemonSet or Job needs to come true, what the tenants' RBAC and quotas need to hold, and what
// writes objects of its own beside ours (endpoints, slices) as it does in every cluster.
const controllers = [
  'clusterrole-aggregation-controller', // without it the roles admin and edit stay empty
  'cronjob-controller',
  'daemonset-controller',
  'deployment-controller',
  'disruption-controller', // without it a PodDisruptionBudget never has a status
  'endpoints-controller',
  'endpointslice-controller',
  'garbage-collector-controller',
  'job-controller',
  'namespace-controller',
  'node-lifecycle-controller', // without it nodes keep the taint not-ready and nothing is scheduled
  'pod-garbage-collector-controller',
  'replicaset-controller',
  'resourcequota-controller',
  'root-ca-certificate-publisher-controller',
  'serviceaccount-controller',
  'statefulset-controller',
  'taint-eviction-controller',
];

export function controllerManagerArguments(cluster: ClusterLayout): readonly string[] {
  return [
    'kube-controller-manager',
    ...flags({
      kubeconfig: cluster.partKubeconfig('controllerManager'),
      controllers: controllers.join(','),
      'root-ca-file': join(cluster.certificates, 'ca.crt'),
      'leader-elect': 'false',
      'secure-port': '0',
      'kube-api-qps': '500', // the default of 20 would be the bottleneck of every measurement
      'kube-api-burst': '1000',
      'concurrent-deployment-syncs': '20',
    }),
  ];
}

export function schedulerArguments(cluster: ClusterLayout): readonly string[] {
  const kubeconfig = cluster.partKubeconfig('scheduler');
  return [
    'kube-scheduler',
    ...flags({ kubeconfig, 'leader-elect': 'false', 'secure-port': '0', 'kube-api-qps': '500', 'kube-api-burst': '1000' }),
  ];
}

export function kwokArguments(fleet: FleetLayout, cluster: ClusterLayout): readonly string[] {
  return [
    'kwok',
    ...flags({
      kubeconfig: cluster.partKubeconfig('kwok'),
      config: fleet.stages,
      'manage-nodes-with-annotation-selector': 'kwok.x-k8s.io/node=fake',
      'node-lease-duration-seconds': '40',
      'node-port': '0', // no server of its own
    }),
  ];
}

const flags = (given: Readonly<Record<string, string>>): readonly string[] =>
  Object.entries(given).map(([name, value]) => `--${name}=${value}`);
