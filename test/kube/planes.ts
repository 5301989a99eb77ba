import { execFile, spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
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
import { type Part, partEnv, startPart } from './parts.ts';
import { waitFor } from './waits.ts';

const READY_TIMEOUT_MS = 90_000;
const KUBECTL_TIMEOUT_MS = 120_000;

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

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
  readonly etcd: Part;
  readonly ports: { readonly etcd: number; readonly apiserver: number };
  readonly signal: AbortSignal;
  readonly own: (part: Part) => void;
}

/** Starts one cluster beside a running etcd; returns when its API answers, its nodes are ready and its controllers work. */
export async function startPlane(options: PlaneOptions): Promise<ControlPlane> {
  const { name, binary, fleet, cluster, etcd, ports, signal } = options;
  const url = `https://127.0.0.1:${ports.apiserver}`;
  const start = async (part: PartName, args: readonly string[]) => {
    const started = await startPart({
      name: `${part} of ${name}`,
      binary,
      args,
      home: cluster.dir,
      logFile: cluster.log(part),
      log: 'empty',
    });
    options.own(started);
    return started;
  };
  const parts: Partial<Record<PartName, Part>> & { etcd: Part } = { etcd };
  const wait = (what: string, check: () => Promise<boolean | void>) =>
    waitFor(`${what} of cluster ${name}`, check, { timeoutMs: READY_TIMEOUT_MS, signal, parts: Object.values(parts) });

  const api = await writeKubeconfigs(name, url, cluster);
  parts.apiserver = await start('apiserver', apiserverArguments(fleet, cluster, name, ports));
  await wait('the API server', async () => void (await api('GET', '/readyz')));
  parts.controllerManager = await start('controllerManager', controllerManagerArguments(cluster));
  parts.scheduler = await start('scheduler', schedulerArguments(cluster));
  parts.kwok = await start('kwok', kwokArguments(fleet, cluster));
  for (const node of nodes) {
    const path = `/api/v1/nodes/${node.metadata.name}`;
    await wait(`node ${node.metadata.name}`, async () => void (await api('PATCH', `${path}?fieldManager=test-kube&force=true`, node)));
  }
  await wait('the ready nodes', async () => nodes.length === (await readyNodes(api)));
  await wait('the service account controller', async () => void (await api('GET', '/api/v1/namespaces/default/serviceaccounts/default')));
  return plane(options, url, parts as Record<PartName, Part>);
}

/** One for the administrator, one for each part that is a client; returns the administrator's. */
async function writeKubeconfigs(name: string, url: string, cluster: ClusterLayout): Promise<Client> {
  const admin = await readCredentials(cluster.certificates, 'admin');
  const write = (path: string, credentials: Credentials) => writeFile(path, kubeconfig(name, url, credentials), { mode: 0o600 });
  await write(cluster.kubeconfig, admin);
  const users = { controllerManager: 'controller-manager', scheduler: 'scheduler', kwok: 'kwok' } as const;
  for (const part of ['controllerManager', 'scheduler', 'kwok'] as const) {
    await write(cluster.partKubeconfig(part), await readCredentials(cluster.certificates, users[part]));
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

async function readyNodes(api: Client): Promise<number> {
  const { items } = (await api('GET', '/api/v1/nodes?labelSelector=node.kubernetes.io/instance-type=fake')) as {
    items: readonly NodeStatus[];
  };
  const isReady = ({ spec, status }: NodeStatus) =>
    !spec?.taints?.length && status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True');
  return items.filter(isReady).length;
}

function plane({ name, binary, cluster }: PlaneOptions, url: string, parts: Readonly<Record<PartName, Part>>): ControlPlane {
  const { etcd, ...own } = parts;
  const { apiserver, controllerManager, scheduler, kwok } = own;
  const stop = async () => void (await Promise.all(Object.values(own).map((part) => part.stop(0))));
  const kubectl = (args: readonly string[], stdin?: string) => runKubectl(binary, cluster, args, stdin);
  return {
    name,
    url,
    dir: cluster.dir,
    kubeconfig: cluster.kubeconfig,
    auditLog: cluster.auditLog,
    pids: { etcd: etcd.pid, apiserver: apiserver.pid, controllerManager: controllerManager.pid, scheduler: scheduler.pid, kwok: kwok.pid },
    kubectl: (...args) => kubectl(args),
    apply: (manifests) => kubectl(['apply', '--server-side', '-f', '-'], manifests),
    pause: (part) => parts[part].signal('SIGSTOP'),
    resume: (part) => parts[part].signal('SIGCONT'),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function runKubectl(binary: string, cluster: ClusterLayout, args: readonly string[], stdin = ''): Promise<CommandResult> {
  const child = spawn(binary, ['kubectl', '--kubeconfig', cluster.kubeconfig, ...args], {
    env: partEnv(cluster.dir),
    timeout: KUBECTL_TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  child.stdin.on('error', () => {}); // a command that does not read it
  child.stdin.end(stdin);
  const ended = new Promise<number>((resolve, reject) => child.once('error', reject).once('close', (code) => resolve(code ?? -1)));
  const [code, stdout, stderr] = await Promise.all([ended, buffer(child.stdout), buffer(child.stderr)]);
  return { code, stdout: stdout.toString(), stderr: stderr.toString() };
}

/** Runs a short command of the binary and returns what it printed. Throws START_FAILED with what it complained about. */
export function runTool(binary: string, args: readonly string[], home: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(binary, args, { env: partEnv(home), timeout: 30_000 }, (error, stdout, stderr) => {
      if (error) reject(new KubeError('START_FAILED', `wheelhouse-kube ${args[0]}: ${stderr.trim() || error.message}`, { cause: error }));
      else resolve(stdout);
    });
  });
}
