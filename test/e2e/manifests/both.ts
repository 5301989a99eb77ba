import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { startLocalFleet, type Fleet, type PlacementView } from '#deploy/local/fleet/mod.ts';
import { temporaryFolder } from '#deploy/local/processes/mod.ts';
import { startSandbox } from '#deploy/sandbox/mod.ts';
import { fromKubeconfig } from '#spoke/kube/mod.ts';
import { isClosedNamespace } from '#spoke/plan/mod.ts';
import { startFleet } from '#test/kube/mod.ts';
import { eventually } from '../fleet/waits.ts';
import { inventoryOf } from './inventories.ts';
import { filesOf, type Project } from './projects.ts';

/** What became of a project on one cluster. */
export interface Result {
  readonly health: string;
  readonly reason: string;
  readonly message: string;
  /** As reported. */
  readonly objects: number;
  /** As found on the cluster: group/kind/namespace/name. */
  readonly inventory: readonly string[];
  readonly seconds: number;
}

export interface Both {
  readonly real: Result;
  readonly sandbox: Result;
}

const names = ['real', 'sandbox'] as const;
const restMaxMs = 180_000;

/** Lets spokes apply a project to a real control plane and to a sandbox of its own, and tells what both became. */
export async function applyToBoth(project: Project, root: string): Promise<Both> {
  using folder = temporaryFolder('both');
  const { path } = folder;
  const manifests = join(path, 'manifests');
  for (const [name, text] of Object.entries(filesOf(project, root))) {
    await mkdir(dirname(join(manifests, name)), { recursive: true });
    await writeFile(join(manifests, name), text);
  }
  await using stack = new AsyncDisposableStack();
  const kube = stack.adopt(await startFleet({ dir: join(path, 'kube'), names: ['real'] }), (started) => started.stop());
  const sandbox = stack.use(await startSandbox({ dir: join(path, 'sandbox'), names: ['sandbox'] }));
  const files = [kube.cluster('real').kubeconfig, sandbox.clusters[0]?.kubeconfig ?? ''];
  const kubeconfig = join(path, 'both.kubeconfig');
  await writeFile(kubeconfig, JSON.stringify(merged(await Promise.all(files.map((file) => readFile(file, 'utf8'))))), { mode: 0o600 });
  const fleet = stack.use(
    await startLocalFleet({
      data: join(path, 'data'),
      clusters: 2,
      kubeconfig,
      manifests,
      // Side by side: neither waits for what becomes of the other.
      declare: (declared) => ({
        ...declared,
        environments: ['dev'],
        clusters: declared.clusters.map((cluster) => ({ ...cluster, environment: 'dev' })),
        // A tenant cannot be given a closed namespace; here it is the spoke that has to refuse what is for one.
        apps: declared.apps.map((app) => ({ ...app, namespaces: app.namespaces.filter((name) => !isClosedNamespace(name)) })),
      }),
      log: () => {},
      signal: new AbortController().signal,
    }),
  );
  const began = performance.now();
  const [real, other] = await Promise.all(
    names.map(async (name) => {
      const placement = await atRest(fleet, name);
      const seconds = (performance.now() - began) / 1000;
      const { health, reason, message, objects } = placement;
      return { health, reason, message, objects, inventory: await inventoryOf(await fromKubeconfig(kubeconfig, name)), seconds };
    }),
  );
  if (!real || !other) throw new Error('there are two');
  return { real, sandbox: other };
}

/** The placement, once it is Healthy at what is wanted or has failed for a reason that does not pass. */
function atRest(fleet: Fleet, name: string): Promise<PlacementView> {
  let last = '';
  return eventually(
    `${name} to come to rest`,
    restMaxMs,
    async () => {
      const cluster = (await fleet.hub.snapshot()).clusters.find((one) => one.name === name);
      const placement = cluster?.placements[0];
      last = JSON.stringify(placement ?? cluster?.connection);
      if (!placement || placement.wanted === null) return undefined;
      const done = placement.health === 'Healthy' && placement.observed === placement.wanted;
      return done || placement.health === 'Degraded' ? placement : undefined;
    },
    () => last,
  );
}

interface KubeConfig {
  readonly clusters: readonly unknown[];
  readonly users: readonly unknown[];
  readonly contexts: readonly { readonly name: string }[];
}

/** Contexts of several clusters in one file, as people have them. */
function merged(texts: readonly string[]): KubeConfig {
  const all = texts.map((text) => JSON.parse(text) as KubeConfig);
  return {
    ...all[0],
    clusters: all.flatMap(({ clusters }) => clusters),
    users: all.flatMap(({ users }) => users),
    contexts: all.flatMap(({ contexts }) => contexts),
  };
}
