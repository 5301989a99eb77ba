import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startFleet, type ControlPlane, type KubeFleet } from '#test/kube/mod.ts';
import { StartError } from './arguments.ts';
import type { Clusters } from './clusters.ts';

/** Real control planes of our own, one per name. */
export async function startClusters(
  dir: string,
  names: readonly string[],
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<Clusters> {
  const fleet: KubeFleet = await startFleet({ dir, names, log, signal });
  const all = fleet.clusters.map((plane) => ({
    name: plane.name,
    kubeconfig: plane.kubeconfig,
    context: plane.name,
    spokeKubeconfig: (folder: string) => tokenKubeconfig(plane, folder),
    plane,
  }));
  return { all, [Symbol.asyncDispose]: () => fleet.stop() };
}

/** The administrator's file with the spoke's own account in place of the administrator: it may do what `deploy/spoke/rbac.yaml` says and no more. */
async function tokenKubeconfig(plane: ControlPlane, dir: string): Promise<string> {
  const said = await plane.kubectl('create', 'token', 'wheelhouse-spoke', '-n', 'wheelhouse-system', '--duration=8760h');
  if (said.code !== 0) throw new StartError('NO_CLUSTERS', `cluster ${plane.name} gave the spoke no token: ${said.stderr.trim()}`);
  const config = JSON.parse(await readFile(plane.kubeconfig, 'utf8')) as Record<string, unknown>;
  const users = [{ name: plane.name, user: { token: said.stdout.trim() } }];
  const file = join(dir, 'kubeconfig');
  await writeFile(file, JSON.stringify({ ...config, users }), { mode: 0o600 });
  return file;
}
