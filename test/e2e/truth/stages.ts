// A fleet whose every line can be cut: the clusters' to the hub and the bus, the spokes' to their API servers.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startLocalFleet, type Fleet, type LocalCluster } from '#deploy/local/fleet/mod.ts';
import { freePort } from '#deploy/local/processes/mod.ts';
import { Line } from './lines.ts';

export type Kubernetes = 'real' | 'sandbox';
export const clusterNames = ['dev-1', 'staging-1', 'staging-2', 'prod-1', 'prod-2', 'prod-3'] as const;
export type ClusterName = (typeof clusterNames)[number];
export const app = { tenant: 'storefront', app: 'shop', namespace: 'shop' } as const;

/** What `npm start` does not accelerate either: the default of a hub that nobody told otherwise. */
export const beatMs = 4_000;

export interface Stage extends AsyncDisposable {
  readonly fleet: Fleet;
  readonly data: string;
  /** From spokes to the hub, and to the bus. */
  readonly lines: readonly Line[];
  /** From one spoke to its API server. */
  readonly apiLine: (cluster: ClusterName) => Line;
  readonly cluster: (name: ClusterName) => LocalCluster;
  /** One request as the cluster's administrator, not through the spoke's line. */
  readonly admin: (name: ClusterName, method: string, path: string, body?: unknown) => Promise<unknown>;
  readonly spokePid: (name: ClusterName) => number;
}

const elsewhere = '127.0.0.2';
const ports = ['nats', 'registry', 'git', 'gateway', 'enrolment', 'api'] as const;

/** Kubernetes' own word for a file of one cluster and one user; both our kinds of clusters write it as JSON. */
interface Kubeconfig {
  readonly clusters: readonly { readonly cluster: { readonly server: string; readonly 'certificate-authority-data': string } }[];
  readonly users: readonly {
    readonly user: { readonly token?: string; readonly 'client-certificate-data'?: string; readonly 'client-key-data'?: string };
  }[];
}

export async function openStage(data: string, kubernetes: Kubernetes, log: (line: string) => void, signal: AbortSignal): Promise<Stage> {
  const stack = new AsyncDisposableStack();
  try {
    await mkdir(data, { recursive: true, mode: 0o700 });
    const chosen = Object.fromEntries(await Promise.all(ports.map(async (name) => [name, await freePort()] as const)));
    await writeFile(join(data, 'ports.json'), JSON.stringify(chosen));
    const lines: Line[] = [];
    for (const name of ['gateway', 'enrolment', 'nats'] as const) {
      const port = chosen[name] ?? 0;
      lines.push(stack.use(await Line.open({ host: elsewhere, port }, { host: '127.0.0.1', port })));
    }
    const env = {
      WHEELHOUSE_BEAT: `${beatMs}ms`,
      WHEELHOUSE_POLL: '2s',
      WHEELHOUSE_ADVERTISED_HOST: elsewhere,
      WHEELHOUSE_NATS_URL: `nats://${elsewhere}:${chosen['nats']}`,
    };
    const apps = [{ ...app, files: { 'app.yaml': manifests('one') } }];
    const fleet = stack.use(await startLocalFleet({ data, clusters: clusterNames.length, kubernetes, apps, env, log, signal }));
    const cluster = (name: ClusterName): LocalCluster => found(fleet.clusters.find((one) => one.name === name));
    const spokePid = (name: ClusterName): number => fleet.spokes.get(name)?.pid ?? 0;
    const configs = new Map<ClusterName, Kubeconfig>();
    const apiLines = new Map<ClusterName, Line>();
    for (const name of clusterNames) {
      const config = JSON.parse(await readFile(cluster(name).kubeconfig, 'utf8')) as Kubeconfig;
      configs.set(name, config);
      const line = stack.use(await Line.open({ host: '127.0.0.1', port: 0 }, targetOf(config)));
      apiLines.set(name, line);
      await throughLine(kubernetes === 'real' ? join(data, 'spokes', name, 'kubeconfig') : cluster(name).kubeconfig, line);
      // Reads the file again when it is started again.
      process.kill(spokePid(name), 'SIGKILL');
    }
    return {
      fleet,
      data,
      lines,
      cluster,
      spokePid,
      apiLine: (name) => found(apiLines.get(name)),
      admin: (name, method, path, body) => ask(found(configs.get(name)), method, path, body),
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

function found<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('not on this stage');
  return value;
}

const targetOf = ({ clusters }: Kubeconfig) => {
  const { hostname, port } = new URL(found(clusters[0]).cluster.server);
  return { host: hostname, port: Number(port) };
};

async function throughLine(file: string, line: Line): Promise<void> {
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replaceAll(/https:\/\/127\.0\.0\.1:\d+/g, `https://127.0.0.1:${line.port}`), { mode: 0o600 });
}

const bytes = (text: string | undefined): Buffer | undefined => (text === undefined ? undefined : Buffer.from(text, 'base64'));

function ask(config: Kubeconfig, method: string, path: string, body?: unknown): Promise<unknown> {
  const { cluster } = found(config.clusters[0]);
  const { user } = found(config.users[0]);
  return new Promise((resolve, reject) => {
    const headers = {
      ...(user.token === undefined ? {} : { authorization: `Bearer ${user.token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/merge-patch+json' }),
    };
    const ca = bytes(cluster['certificate-authority-data']);
    const [cert, key] = [bytes(user['client-certificate-data']), bytes(user['client-key-data'])];
    const options = { method, headers, ca, ...(cert && key ? { cert, key } : {}), timeout: 10_000 };
    const asked = request(`${cluster.server}${path}`, options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.once('end', () => {
        if ((response.statusCode ?? 500) < 300) resolve(JSON.parse(text));
        else reject(new Error(`${method} ${path}: ${response.statusCode} ${text.slice(0, 300)}`));
      });
    });
    asked.once('timeout', () => asked.destroy(new Error(`${method} ${path}: no answer`)));
    asked.once('error', reject);
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** The least that an app can be, and be broken. */
export const manifests = (value: string): string => `apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {VALUE: ${JSON.stringify(value)}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: 'registry.example.org/shop/web:1', env: [{name: VALUE, value: ${JSON.stringify(value)}}]}]
`;

const lookEveryMs = 200;

/** Asks until it is true; throws when it is not in time. */
export async function until(what: string, maxMs: number, ask: () => Promise<boolean> | boolean): Promise<void> {
  const end = performance.now() + maxMs;
  while (!(await ask())) {
    if (performance.now() > end) throw new Error(`waited ${maxMs / 1000} s, and not: ${what}`);
    await sleep(lookEveryMs);
  }
}
