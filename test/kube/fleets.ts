import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { ManagedProcess } from '#deploy/local/processes/mod.ts';
import { buildKube } from './builds.ts';
import { client } from './clients.ts';
import { auditPolicy } from './documents.ts';
import { KubeError } from './errors.ts';
import { type FleetLayout, clusterLayout, etcdArguments, fleetLayout } from './layouts.ts';
import { type Processes, ownProcesses } from './owners.ts';
import { type ControlPlane, readCredentials, startPlane } from './planes.ts';
import { choosePorts } from './ports.ts';
import { runTool, toolEnv } from './tools.ts';

const CLUSTERS_MAX = 32; // about 0.7 GB each
const ETCD_READY_MAX_MS = 30_000;

export interface FleetOptions {
  /** Where everything is kept. Started again in the same folder, the clusters are as they were left, on the same ports if these are free. */
  readonly dir: string;
  /** Names of the clusters, each a DNS label. */
  readonly names: readonly string[];
  /** Ends the fleet, also while it starts. */
  readonly signal?: AbortSignal | undefined;
  /** One line of progress, or about a process that ended by itself. */
  readonly log?: ((line: string) => void) | undefined;
}

/** Control planes over one etcd. */
export interface KubeFleet extends AsyncDisposable {
  readonly clusters: readonly ControlPlane[];
  /** The cluster of that name; throws NAME_INVALID when there is none. */
  cluster(name: string): ControlPlane;
  stop(): Promise<void>;
}

/**
 * Builds what is not built yet and starts the clusters; returns when all are ready.
 *
 * Throws KubeError, ProcessError (which part, what was waited for, what it said last) or the signal's reason, and leaves no process behind then.
 */
export async function startFleet({ dir: givenDir, names, signal, log = () => {} }: FleetOptions): Promise<KubeFleet> {
  checkNames(names);
  signal?.throwIfAborted();
  const binary = await buildKube({ signal, log });
  const dir = resolve(givenDir);
  const processes = ownProcesses(log);
  const onAbort = (): void => void processes.stop();
  signal?.addEventListener('abort', onAbort, { once: true });
  const stop = (): Promise<void> => {
    signal?.removeEventListener('abort', onAbort);
    return processes.stop();
  };
  try {
    signal?.throwIfAborted();
    const clusters = await startAll({ dir, names, binary, log, processes });
    return { clusters, cluster: (name) => clusterOf(clusters, name), stop, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw signal?.aborted ? signal.reason : error;
  }
}

interface StartOptions {
  readonly dir: string;
  readonly names: readonly string[];
  readonly binary: string;
  readonly log: (line: string) => void;
  readonly processes: Processes;
}

async function startAll({ dir, names, binary, log, processes }: StartOptions): Promise<readonly ControlPlane[]> {
  const started = performance.now();
  const fleet = fleetLayout(dir);
  const layouts = names.map((name) => ({ name, cluster: clusterLayout(dir, name) }));
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await runTool(binary, ['certificates', fleet.etcdCertificates, ...layouts.map(({ cluster }) => cluster.certificates)], dir);

  const recorded = await readPorts(fleet);
  const ports = await choosePorts(['etcd', ...names.map(portOwner)], recorded);
  const portOf = (owner: string): number => ports[owner] ?? 0;
  // etcd locks its data: until it answers the folder may be another fleet's, and nothing of it is overwritten.
  const etcd = await startEtcd({ binary, dir, fleet, port: portOf('etcd'), processes });
  await writeFile(fleet.ports, JSON.stringify({ ...recorded, ...ports }, null, 2));
  await writeFile(fleet.auditPolicy, JSON.stringify(auditPolicy));
  const failures = await readFile(join(import.meta.dirname, 'stages.yaml'), 'utf8');
  await writeFile(fleet.stages, `${await runTool(binary, ['kwok-stages'], dir)}\n---\n${failures}`);

  return Promise.all(
    layouts.map(async ({ name, cluster }) => {
      const own = { etcd: portOf('etcd'), apiserver: portOf(portOwner(name)) };
      const plane = await startPlane({ name, binary, fleet, cluster, etcd, ports: own, processes });
      log(`cluster ${name} is ready at ${plane.url} after ${((performance.now() - started) / 1000).toFixed(1)} s`);
      return plane;
    }),
  );
}

const portOwner = (name: string): string => `cluster/${name}`;

/** None for a new folder; none either for a file half-written, whose ports are then others. */
async function readPorts(fleet: FleetLayout): Promise<Record<string, unknown>> {
  try {
    return JSON.parse(await readFile(fleet.ports, 'utf8')) as Record<string, unknown>;
  } catch {
    return {};
  }
}

interface EtcdOptions extends Pick<StartOptions, 'binary' | 'dir' | 'processes'> {
  readonly fleet: FleetLayout;
  readonly port: number;
}

async function startEtcd({ binary, dir, fleet, port, processes }: EtcdOptions): Promise<ManagedProcess> {
  const store = client(`https://127.0.0.1:${port}`, await readCredentials(fleet.etcdCertificates, 'admin'));
  return processes.start({
    name: 'etcd',
    command: binary,
    args: etcdArguments(fleet, port),
    env: toolEnv(dir),
    output: { file: fleet.etcdLog },
    ready: {
      what: `answer from etcd on port ${port}`,
      ask: (signal) => store.get('/health', signal).then(() => true),
      waitMaxMs: ETCD_READY_MAX_MS,
    },
  });
}

function clusterOf(clusters: readonly ControlPlane[], name: string): ControlPlane {
  const found = clusters.find((cluster) => cluster.name === name);
  if (!found)
    throw new KubeError('NAME_INVALID', `there is no cluster ${name}: there are ${clusters.map((cluster) => cluster.name).join(', ')}`);
  return found;
}

/** Throws NAME_INVALID with every problem. */
export function checkNames(names: readonly string[]): void {
  const problems = names.filter((name) => !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name)).map((name) => `"${name}" is not a DNS label`);
  if (new Set(names).size < names.length) problems.push('a name is given twice');
  if (names.length < 1 || names.length > CLUSTERS_MAX) problems.push(`there must be 1 to ${CLUSTERS_MAX} clusters, not ${names.length}`);
  if (problems.length > 0) throw new KubeError('NAME_INVALID', `names of clusters: ${problems.join('; ')}`);
}
