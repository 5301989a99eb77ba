import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { supervise, type Supervised } from '../processes/mod.ts';
import type { LocalCluster } from './clusters.ts';
import type { HubClient } from './hub-client.ts';

export interface SpokesOptions {
  readonly data: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly clusters: readonly LocalCluster[];
  readonly hub: HubClient;
  readonly log: (line: string) => void;
  /** Takes what was started. */
  readonly stack: AsyncDisposableStack;
}

const root = join(import.meta.dirname, '../../..');
/** Up to here each spoke is a process of its own, as in a real fleet; above, a process per spoke would cost more than what it shows. */
const aloneMax = 12;
const togetherMax = 50;

/** What a spoke is started with: a kubeconfig, and a join token until it has an identity. */
interface Entry {
  readonly name: string;
  readonly kubeconfig: string;
  readonly context: string | undefined;
  readonly joinTokenFile: string | undefined;
  readonly cacheDir: string;
}

/** Starts the spokes; by cluster, the process that is its spoke. */
export async function startSpokes(options: SpokesOptions): Promise<Map<string, Supervised>> {
  const { clusters, hub, stack } = options;
  const enrolled = new Set((await hub.snapshot()).clusters.flatMap(({ name, uid }) => (uid ? [name] : [])));
  const entries: Entry[] = [];
  for (const cluster of clusters) entries.push(await entryOf(options, cluster, enrolled.has(cluster.name)));
  const size = clusters.length <= aloneMax ? 1 : togetherMax;
  const spokes = new Map<string, Supervised>();
  for (let first = 0; first < entries.length; first += size) {
    const group = entries.slice(first, first + size);
    const running = stack.use(await startGroup(options, group));
    for (const { name } of group) spokes.set(name, running);
  }
  return spokes;
}

async function entryOf({ data, hub }: SpokesOptions, cluster: LocalCluster, enrolled: boolean): Promise<Entry> {
  const dir = join(data, 'spokes', cluster.name);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const tokenFile = join(dir, 'join-token');
  if (enrolled) await rm(tokenFile, { force: true });
  else await writeFile(tokenFile, await hub.joinToken(cluster.name), { mode: 0o600 });
  const { name, context } = cluster;
  const kubeconfig = await cluster.spokeKubeconfig(dir);
  return { name, kubeconfig, context, joinTokenFile: enrolled ? undefined : tokenFile, cacheDir: join(dir, 'cache') };
}

async function startGroup({ data, env, log }: SpokesOptions, group: readonly Entry[]): Promise<Supervised> {
  const [first] = group;
  const dir = join(data, 'spokes', first?.name ?? '');
  const file = join(dir, 'spokes.json');
  if (group.length > 1) await writeFile(file, JSON.stringify(group), { mode: 0o600 });
  return supervise(
    {
      name: group.length > 1 ? `spokes ${first?.name} to ${group.at(-1)?.name}` : `spoke ${first?.name}`,
      command: process.execPath,
      args: [join(root, 'spoke/main.ts')],
      cwd: root,
      env: {
        ...process.env,
        TMPDIR: join(data, 'tmp'),
        ...(group.length > 1 ? { WHEELHOUSE_SPOKES_FILE: file } : settingsOf(first)),
        ...env,
      },
      output: { file: join(dir, 'spoke.log') },
    },
    { log, pidFile: join(dir, 'pid') },
  );
}

const settingsOf = (entry: Entry | undefined): Record<string, string | undefined> => ({
  KUBECONFIG: entry?.kubeconfig,
  WHEELHOUSE_KUBE_CONTEXT: entry?.context,
  WHEELHOUSE_JOIN_TOKEN_FILE: entry?.joinTokenFile,
  WHEELHOUSE_CACHE_DIR: entry?.cacheDir,
});
