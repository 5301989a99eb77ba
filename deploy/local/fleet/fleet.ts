import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { residentMiB, runCommand, supervise, type ProcessOptions, type Supervised } from '../processes/mod.ts';
import {
  findServer,
  startGitServer,
  startNats,
  startRegistry,
  type FoundServer,
  type GitServer,
  type NatsServer,
  type RegistryServer,
} from '../servers/mod.ts';
import type { Memory } from './document.ts';
import { holdData } from './data.ts';
import { discoveryOf, prepareCluster, type Clusters, type LocalCluster } from './clusters.ts';
import { contextClusters } from './context-clusters.ts';
import { HubClient } from './hub-client.ts';
import { needsOf, readManifests, type Needs } from './manifests.ts';
import { findParts } from './parts.ts';
import { portsOf, type Ports } from './ports.ts';
import { startClusters } from './real-clusters.ts';
import {
  clusterNames,
  environmentOf,
  environmentsOf,
  jobOf,
  regionOf,
  resourcesYaml,
  sampleApps,
  type Declared,
  type Files,
  type SampleApp,
} from './sample.ts';
import { sandboxClusters } from './sandbox-clusters.ts';
import { commitOnce } from './sources.ts';
import { startSpokes } from './spokes.ts';
import type { Job } from './verdict.ts';

export interface FleetOptions {
  readonly data: string;
  readonly clusters: number;
  /** What the clusters are made of, real ones if it is not said; with a kubeconfig they are somebody's own. */
  readonly kubernetes?: 'real' | 'sandbox';
  readonly kubeconfig?: string | undefined;
  /** Instead of the sample. */
  readonly manifests?: string | undefined;
  /** Instead of the sample, for tests. */
  readonly apps?: readonly SampleApp[];
  /** Changes what is declared before the hub is told; for tests. */
  readonly declare?: (declared: Declared) => Declared;
  /** More settings of hub and spokes; for tests that want time to pass faster. */
  readonly env?: Readonly<Record<string, string>>;
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
}

/** A fleet on this machine, all of it real, all of it ours to end. */
export interface Fleet extends AsyncDisposable {
  readonly hub: HubClient;
  readonly hubProcess: Supervised;
  readonly spokes: ReadonlyMap<string, Supervised>;
  readonly clusters: readonly LocalCluster[];
  /** The process that plays all clusters, if one does. */
  readonly sandbox: Supervised | undefined;
  readonly git: GitServer;
  readonly nats: NatsServer;
  readonly registry: RegistryServer;
  /** The Git command and what it needs, as it was found or unpacked. */
  readonly gitCommand: FoundServer;
  readonly ports: Ports;
  readonly declared: Declared;
  readonly job: Job;
  /** When everything was found, built and fetched, and the fleet itself began. */
  readonly beganAtMs: number;
  /** What its processes hold now. */
  memory(): Memory;
}

const root = join(import.meta.dirname, '../../..');

/** Starts everything and returns when the job is given to the hub; what becomes of it is asked of the hub. Leaves nothing behind when it fails. */
export async function startLocalFleet(options: FleetOptions): Promise<Fleet> {
  const { data, log, signal } = options;
  const stack = new AsyncDisposableStack();
  try {
    stack.use(await holdData(data));
    // Whoever mistyped a folder is told before anything is started.
    const files = options.manifests === undefined ? undefined : await readManifests(options.manifests);
    const { nats, registry, git } = await findParts((name) => findServer(name, { signal, log }), signal);
    const kubernetes = stack.use(await clustersOf(options));
    const clusters = kubernetes.all;
    const beganAtMs = performance.now();
    // What hub and spokes put aside for a moment: gone with the data folder, whatever way they end.
    await mkdir(join(data, 'tmp'), { recursive: true, mode: 0o700 });
    const ports = await portsOf(join(data, 'ports.json'));
    const hubDir = join(data, 'hub');
    const start = (what: ProcessOptions): Promise<Supervised> => supervise(what, { log });
    const gitServer = stack.use(await startGitServer({ dir: join(data, 'git'), port: ports.git, signal, found: git }));
    const registryServer = stack.use(
      await startRegistry({ dir: join(data, 'registry'), port: ports.registry, start, signal, found: registry }),
    );
    const configText = await natsConfig(data, hubDir, signal);
    const natsServer = stack.use(await startNats({ dir: join(data, 'nats'), configText, port: ports.nats, start, signal, found: nats }));

    const apps = await appsOf(options, files, clusters, signal);
    const declared = await declaredOf(options, clusters, apps, gitServer);
    const commits = new Map<string, string>();
    for (const { tenant, app, files } of apps)
      commits.set(`${tenant}/${app}`, await commitOnce(gitServer, data, `${tenant}/${app}`, files));

    const hubProcess = stack.use(await start(hubOptions(options, ports, hubDir)));
    const hub = await HubClient.open(hubDir, ports.api);
    const needs = new Map(apps.map(({ tenant, needs }) => [tenant, needs]));
    await inTurn(clusters, 8, (cluster) => prepareCluster(cluster, needs, signal));
    await hub.apply(resourcesYaml(declared), 'the local fleet starts');
    const spokes = await startSpokes({ ...options, clusters, hub, stack });
    const job = jobOf(declared, commits);
    const fleet = {
      hub,
      hubProcess,
      spokes,
      clusters,
      sandbox: kubernetes.process,
      git: gitServer,
      nats: natsServer,
      registry: registryServer,
      gitCommand: git,
      ports,
      declared,
      job,
      beganAtMs,
      memory: () => memoryOf([hubProcess], [...spokes.values()], kubernetes.process ? [kubernetes.process] : []),
    };
    return { ...fleet, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

/** There nothing is pulled from anywhere, so somebody who looks on need not wait a minute to be told that something does not start. */
const isSmallSandbox = ({ clusters, kubernetes, kubeconfig }: FleetOptions): boolean =>
  kubernetes === 'sandbox' && kubeconfig === undefined && clusters <= 12;

type Held = readonly Supervised[];
function memoryOf(hub: Held, spokes: Held, sandbox: Held): Memory {
  const sum = (held: Held): number | null => {
    const each = [...new Set(held)].map(({ pid }) => (pid === undefined ? undefined : residentMiB(pid)));
    return each.length === 0 || each.includes(undefined) ? null : each.reduce<number>((total, one) => total + (one ?? 0), 0);
  };
  return { hubMiB: sum(hub), spokesMiB: sum(spokes), sandboxMiB: sum(sandbox) };
}

function clustersOf({ data, clusters, kubernetes, kubeconfig, log, signal }: FleetOptions): Promise<Clusters> {
  if (kubeconfig !== undefined) return contextClusters(kubeconfig);
  const names = clusterNames(clusters);
  return kubernetes === 'sandbox'
    ? sandboxClusters(join(data, 'sandbox'), names, log, signal)
    : startClusters(join(data, 'kube'), names, log, signal);
}

/** A few at a time: three hundred clusters at once would only wait for each other. */
async function inTurn<T>(items: readonly T[], parallelMax: number, work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  const worker = async (): Promise<void> => {
    for (const item of rest) await work(item);
  };
  await Promise.all(Array.from({ length: parallelMax }, worker));
}

type App = SampleApp & { readonly needs: Needs };

async function appsOf(
  options: FleetOptions,
  files: Files | undefined,
  clusters: readonly LocalCluster[],
  signal: AbortSignal,
): Promise<App[]> {
  const [first] = clusters;
  const simple = (app: SampleApp): App => ({ ...app, needs: { namespaces: [app.namespace], kinds: ['*'], clusterScoped: [] } });
  if (options.apps) return options.apps.map(simple);
  if (files === undefined || !first) return sampleApps(environmentsOf(clusters.length)).map(simple);
  const needs = needsOf(files, await discoveryOf(first, signal));
  return [{ tenant: 'local', app: 'manifests', namespace: needs.namespaces[0] ?? 'default', files, needs }];
}

async function declaredOf(
  options: FleetOptions,
  clusters: readonly LocalCluster[],
  apps: readonly App[],
  git: GitServer,
): Promise<Declared> {
  const count = clusters.length;
  const declared: Declared = {
    clusters: clusters.map(({ name }, index) => ({ name, environment: environmentOf(index, count), region: regionOf(index) })),
    environments: environmentsOf(count),
    healthTimeout: isSmallSandbox(options) ? '30s' : '60s',
    apps: await Promise.all(
      apps.map(async ({ tenant, app, needs }) => ({
        tenant,
        app,
        namespaces: needs.namespaces,
        kinds: needs.kinds,
        gitUrl: await git.createRepository(`${tenant}/${app}`),
      })),
    ),
  };
  return options.declare ? options.declare(declared) : declared;
}

/** The hub's own keys say who may use NATS, so it writes the configuration that the server is started with. */
async function natsConfig(data: string, hubDir: string, signal: AbortSignal): Promise<string> {
  await mkdir(join(data, 'nats'), { recursive: true, mode: 0o700 });
  const file = join(data, 'nats', 'accounts.conf');
  const env = { ...process.env, WHEELHOUSE_DATA: hubDir };
  await runCommand(process.execPath, [join(root, 'hub/main.ts'), 'nats-config', file], { env, cwd: root, waitMaxMs: 30_000, signal });
  return readFile(file, 'utf8');
}

function hubOptions({ data, env, clusters }: FleetOptions, ports: Ports, hubDir: string) {
  return {
    name: 'hub',
    command: process.execPath,
    args: [join(root, 'hub/main.ts')],
    cwd: root,
    env: {
      ...process.env,
      TMPDIR: join(data, 'tmp'),
      WHEELHOUSE_DATA: hubDir,
      WHEELHOUSE_GATEWAY_PORT: String(ports.gateway),
      WHEELHOUSE_ENROLMENT_PORT: String(ports.enrolment),
      WHEELHOUSE_API_PORT: String(ports.api),
      WHEELHOUSE_NATS_URL: `nats://127.0.0.1:${ports.nats}`,
      WHEELHOUSE_REGISTRY: `127.0.0.1:${ports.registry}/wheelhouse`,
      // Many spokes share a process, and a machine: a beat that is late there is no sign of anything.
      WHEELHOUSE_BEAT: clusters <= 12 ? '1s' : '5s',
      WHEELHOUSE_POLL: '2s',
      ...env,
    },
    output: { file: join(data, 'hub.log') },
    ready: {
      what: `an answer of the hub's API on port ${ports.api}`,
      ask: async (signal: AbortSignal) => (await fetch(`http://127.0.0.1:${ports.api}/readyz`, { signal })).ok,
      waitMaxMs: 60_000,
    },
  };
}
