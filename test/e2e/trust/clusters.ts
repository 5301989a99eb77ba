import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startFleet, type ControlPlane, type KubeFleet } from '#test/kube/mod.ts';

const rbac = join(import.meta.dirname, '../../../deploy/spoke/rbac.yaml');

/** Control planes without a spoke, each of which would allow one. */
export async function bareClusters(dir: string, names: readonly string[]): Promise<KubeFleet> {
  const fleet = await startFleet({ dir, names, signal: AbortSignal.timeout(120_000) });
  const rights = await readFile(rbac, 'utf8');
  for (const plane of fleet.clusters) {
    // Namespaces, accounts and roles in one document: what is refused for want of a namespace is there the second time.
    const { code, stderr } = await plane.apply(rights).then(async (said) => (said.code === 0 ? said : plane.apply(rights)));
    if (code !== 0) throw new Error(`${plane.name}: ${stderr}`);
  }
  return fleet;
}

/** Writes `DIR/kubeconfig` of the spoke's own account, which may do what its role says and no more; returns its path. */
export async function spokeKubeconfig(plane: ControlPlane, dir: string): Promise<string> {
  const said = await plane.kubectl('create', 'token', 'wheelhouse-spoke', '-n', 'wheelhouse-system', '--duration=1h');
  if (said.code !== 0) throw new Error(`${plane.name} gave the spoke no token: ${said.stderr}`);
  const config = JSON.parse(await readFile(plane.kubeconfig, 'utf8')) as object;
  const file = join(dir, 'kubeconfig');
  await writeFile(file, JSON.stringify({ ...config, users: [{ name: plane.name, user: { token: said.stdout.trim() } }] }), { mode: 0o600 });
  return file;
}
