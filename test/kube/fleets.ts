import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { buildKube } from './builds.ts';
import { client } from './clients.ts';
import { auditPolicy } from './documents.ts';
import { KubeError } from './errors.ts';
import { clusterLayout, etcdArguments, fleetLayout } from './layouts.ts';
import { type Part, startPart } from './parts.ts';
import { type ControlPlane, readCredentials, runTool, startPlane } from './planes.ts';
import { claimPorts } from './ports.ts';
import { waitFor } from './waits.ts';

const CLUSTERS_MAX = 32; // 0.6 GB each
const ETCD_READY_TIMEOUT_MS = 30_000;
const ETCD_STOP_GRACE_MS = 5_000;

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

/** Builds what is not built yet and starts the clusters; returns when all are ready. Leaves no process behind when it throws (KubeError). */
export async function startFleet({ dir: givenDir, names, signal, log = () => {} }: FleetOptions): Promise<KubeFleet> {
  checkNames(names);
  signal?.throwIfAborted();
  const binary = await buildKube({ signal, log });
  const dir = resolve(givenDir);
  const owned = ownParts(log);
  const onAbort = () => void owned.stop();
  signal?.addEventListener('abort', onAbort, { once: true });
  const stop = () => {
    signal?.removeEventListener('abort', onAbort);
    return owned.stop();
  };
  try {
    const clusters = await startAll({ dir, names, binary, log, own: owned.add, signal: signal ?? new AbortController().signal });
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
  readonly own: (part: Part) => void;
  readonly signal: AbortSignal;
}

async function startAll({ dir, names, binary, log, own, signal }: StartOptions): Promise<readonly ControlPlane[]> {
  const started = performance.now();
  const fleet = fleetLayout(dir);
  const layouts = names.map((name) => ({ name, cluster: clusterLayout(dir, name) }));
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await runTool(binary, ['certificates', fleet.etcdCertificates, ...layouts.map(({ cluster }) => cluster.certificates)], dir);
  const ports = await choosePorts(fleet.ports, names);

  // etcd locks its data: until it answers the folder may be another fleet's, and nothing in it is overwritten.
  const args = etcdArguments(fleet, ports.etcd);
  const etcd = await startPart({ name: 'etcd', binary, args, home: dir, logFile: fleet.etcdLog, log: 'append' });
  own(etcd);
  const store = client(`https://127.0.0.1:${ports.etcd}`, await readCredentials(fleet.etcdCertificates, 'admin'));
  await waitFor('etcd', async () => void (await store('GET', '/health')), { timeoutMs: ETCD_READY_TIMEOUT_MS, signal, parts: [etcd] });

  await ports.record();
  await writeFile(fleet.auditPolicy, JSON.stringify(auditPolicy));
  const failures = await readFile(join(import.meta.dirname, 'stages.yaml'), 'utf8');
  await writeFile(fleet.stages, `${await runTool(binary, ['kwok-stages'], dir)}---\n${failures}`);
  return Promise.all(
    layouts.map(async ({ name, cluster }) => {
      const plane = await startPlane({
        name,
        binary,
        fleet,
        cluster,
        etcd,
        signal,
        own,
        ports: { etcd: ports.etcd, apiserver: ports.of(name) },
      });
      log(`cluster ${name} is ready at ${plane.url} after ${((performance.now() - started) / 1000).toFixed(1)} s`);
      return plane;
    }),
  );
}

interface Ports {
  readonly etcd: number;
  readonly of: (name: string) => number;
  /** Keeps them for the next start. */
  readonly record: () => Promise<void>;
}

async function choosePorts(file: string, names: readonly string[]): Promise<Ports> {
  const recorded = await readFile(file, 'utf8').then(
    (text) => JSON.parse(text) as Record<string, number>,
    () => ({}), // a new folder; or one half-written, whose ports are then others
  );
  const owner = (name: string) => `cluster/${name}`;
  const ports = await claimPorts(['etcd', ...names.map(owner)], recorded);
  const record = () => writeFile(file, JSON.stringify({ ...recorded, ...ports }, null, 2));
  const of = (key: string) => {
    const port = ports[key];
    if (port === undefined) throw new KubeError('START_FAILED', `no port was claimed for ${key}`);
    return port;
  };
  return { etcd: of('etcd'), of: (name) => of(owner(name)), record };
}

/** The processes of a fleet and their common end. One that starts after the end is ended at once. */
function ownParts(log: (line: string) => void): { add: (part: Part) => void; stop: () => Promise<void> } {
  const parts: Part[] = [];
  let isStopping = false;
  // Only etcd holds anything: the others' state is in it, and their long farewells would be waited for.
  const end = (part: Part) => part.stop(part.name === 'etcd' ? ETCD_STOP_GRACE_MS : 0);
  return {
    add: (part) => {
      parts.push(part);
      void part.ended.then((how) => isStopping || log(`${part.name} ended by itself (${how}): see ${part.logFile}`));
      if (isStopping) void end(part);
    },
    stop: async () => {
      isStopping = true;
      await Promise.all(parts.map(end));
    },
  };
}

function clusterOf(clusters: readonly ControlPlane[], name: string): ControlPlane {
  const found = clusters.find((cluster) => cluster.name === name);
  if (!found)
    throw new KubeError('NAME_INVALID', `there is no cluster ${name}: there are ${clusters.map((cluster) => cluster.name).join(', ')}`);
  return found;
}

/** Throws NAME_INVALID naming every problem. */
export function checkNames(names: readonly string[]): void {
  const problems = names.filter((name) => !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name)).map((name) => `"${name}" is not a DNS label`);
  if (new Set(names).size < names.length) problems.push('a name is given twice');
  if (names.length < 1 || names.length > CLUSTERS_MAX) problems.push(`there must be 1 to ${CLUSTERS_MAX} clusters, not ${names.length}`);
  if (problems.length > 0) throw new KubeError('NAME_INVALID', `names of clusters: ${problems.join('; ')}`);
}
