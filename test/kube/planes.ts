import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ManagedProcess, Readiness } from '#deploy/local/processes/mod.ts';
import { type Client, client } from './clients.ts';
import { type Credentials, kubeconfig, nodes } from './documents.ts';
import { KubeError } from './errors.ts';
import {
  type ClusterLayout,
  type FleetLayout,
  type PartName,
  apiserverArguments,
  controllerManagerArguments,
  kwokArguments,
  schedulerArguments,
} from './layouts.ts';
import type { Processes } from './owners.ts';
import { type CommandResult, runKubectl, toolEnv } from './tools.ts';

const READY_MAX_MS = 90_000;

/** One running Kubernetes. */
export interface ControlPlane extends AsyncDisposable {
  readonly name: string;
  /** Everything of this cluster: logs, certificates, kubeconfigs. */
  readonly dir: string;
  readonly url: string;
  /** Path of a file for the cluster's administrator, with one context named like the cluster. */
  readonly kubeconfig: string;
  /** JSON lines: every request but watches and probes, without bodies. */
  readonly auditLog: string;
  /** etcd is shared by the clusters of a fleet. */
  readonly pids: Readonly<Record<PartName, number>>;
  /** Never throws for a command that fails; bounded to two minutes. */
  kubectl(...args: readonly string[]): Promise<CommandResult>;
  /** `kubectl apply --server-side -f -` of YAML or JSON. */
  apply(manifests: string): Promise<CommandResult>;
  /** Freezes a process (SIGSTOP): its connections stay open and nothing answers. */
  pause(part: PartName): void;
  resume(part: PartName): void;
  /** Ends this cluster's processes, not the shared etcd. */
  stop(): Promise<void>;
}

export interface PlaneOptions {
  readonly name: string;
  readonly binary: string;
  readonly fleet: FleetLayout;
  readonly cluster: ClusterLayout;
  readonly etcd: ManagedProcess;
  readonly ports: { readonly etcd: number; readonly apiserver: number };
  readonly processes: Processes;
}

/** Starts one cluster beside a running etcd; returns when its API answers, its nodes are ready and its controllers work. */
export async function startPlane(options: PlaneOptions): Promise<ControlPlane> {
  const { name, binary, fleet, cluster, etcd, ports, processes } = options;
  const url = `https://127.0.0.1:${ports.apiserver}`;
  const api = await writeKubeconfigs(name, url, cluster);
  const start = async (part: PartName, args: readonly string[], ready?: Omit<Readiness, 'waitMaxMs'>): Promise<ManagedProcess> => {
    await rm(cluster.log(part), { force: true }); // else it would grow with every start
    return processes.start({
      name: `${part} of cluster ${name}`,
      command: binary,
      args,
      env: toolEnv(cluster.dir),
      output: { file: cluster.log(part) },
      graceMs: 0, // what there is to keep is in etcd; a graceful end takes the API server a minute
      ...(ready && { ready: { ...ready, waitMaxMs: READY_MAX_MS } }),
    });
  };
  const apiserver = await start('apiserver', apiserverArguments(fleet, cluster, name, ports), {
    what: `answer from ${url}/readyz`,
    ask: (signal) => api.get('/readyz', signal).then(() => true),
  });
  const [controllerManager, scheduler, kwok] = await Promise.all([
    start('controllerManager', controllerManagerArguments(cluster), {
      what: 'service account made by a controller',
      ask: (signal) => api.get('/api/v1/namespaces/default/serviceaccounts/default', signal).then(() => true),
    }),
    start('scheduler', schedulerArguments(cluster)),
    start('kwok', kwokArguments(fleet, cluster), {
      what: `set of ${nodes.length} ready nodes`,
      ask: (signal) => nodesAreReady(api, signal),
    }),
  ]);
  return plane(options, url, { etcd, apiserver, controllerManager, scheduler, kwok });
}

/** One for the administrator, one for each part that is a client; returns the administrator's. */
async function writeKubeconfigs(name: string, url: string, cluster: ClusterLayout): Promise<Client> {
  const admin = await readCredentials(cluster.certificates, 'admin');
  const write = (path: string, credentials: Credentials) => writeFile(path, kubeconfig(name, url, credentials), { mode: 0o600 });
  await write(cluster.kubeconfig, admin);
  for (const part of ['controllerManager', 'scheduler', 'kwok'] as const) {
    await write(cluster.partKubeconfig(part), await readCredentials(cluster.certificates, part));
  }
  return client(url, admin);
}

/** What `wheelhouse-kube certificates` wrote for one user. */
export async function readCredentials(dir: string, user: string): Promise<Credentials> {
  const [authority, certificate, key] = await Promise.all(
    ['ca.crt', `${user}.crt`, `${user}.key`].map((file) => readFile(join(dir, file))),
  );
  if (!authority || !certificate || !key) throw new KubeError('START_FAILED', `${dir} holds no certificates for ${user}`);
  return { authority, certificate, key };
}

interface NodeStatus {
  readonly spec?: { readonly taints?: readonly unknown[] };
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

async function nodesAreReady(api: Client, signal: AbortSignal): Promise<boolean> {
  const answers = await Promise.all(nodes.map((node) => api.apply(`/api/v1/nodes/${node.metadata.name}`, node, signal)));
  return (answers as readonly NodeStatus[]).every(
    ({ spec, status }) =>
      !spec?.taints?.length && status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True'),
  );
}

function plane(
  { name, binary, cluster, processes }: PlaneOptions,
  url: string,
  parts: Readonly<Record<PartName, ManagedProcess>>,
): ControlPlane {
  const { etcd, apiserver, controllerManager, scheduler, kwok } = parts;
  const stop = async (): Promise<void> => {
    await Promise.all([apiserver, controllerManager, scheduler, kwok].map((part) => processes.end(part)));
  };
  const kubectl = (args: readonly string[], stdin?: string): Promise<CommandResult> =>
    runKubectl(args, { binary, kubeconfig: cluster.kubeconfig, home: cluster.dir, stdin });
  return {
    name,
    url,
    dir: cluster.dir,
    kubeconfig: cluster.kubeconfig,
    auditLog: cluster.auditLog,
    pids: { etcd: etcd.pid, apiserver: apiserver.pid, controllerManager: controllerManager.pid, scheduler: scheduler.pid, kwok: kwok.pid },
    kubectl: (...args) => kubectl(args),
    apply: (manifests) => kubectl(['apply', '--server-side', '-f', '-'], manifests),
    pause: (part) => parts[part].kill('SIGSTOP'),
    resume: (part) => parts[part].kill('SIGCONT'),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
