import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isRunning, supervise } from '../processes/mod.ts';
import type { Clusters } from './clusters.ts';

const root = join(import.meta.dirname, '../../..');
const readyMaxMs = 120_000;

interface Ready {
  readonly pid: number;
  readonly clusters: readonly { readonly name: string; readonly kubeconfig: string }[];
}

/** Small API servers of our own in one process (`deploy/sandbox`): nothing to compile, and no controllers but the few that it plays. */
export async function sandboxClusters(
  dir: string,
  names: readonly string[],
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<Clusters> {
  const file = join(dir, 'ready.json');
  // An earlier process that was killed may have left it.
  await rm(file, { force: true });
  const running = await supervise(
    {
      name: 'sandbox',
      command: process.execPath,
      args: [join(root, 'deploy/sandbox/main.ts'), '--dir', dir, '--names', names.join(',')],
      cwd: root,
      output: { file: `${dir}.log` },
      ready: {
        what: `${names.length} sandbox clusters`,
        // One that was killed left its own behind.
        ask: async () => isRunning((await readyIn(file)).pid),
        waitMaxMs: readyMaxMs,
      },
      signal,
    },
    { log },
  );
  const { clusters } = await readyIn(file);
  const all = clusters.map(({ name, kubeconfig }) => ({
    name,
    kubeconfig,
    context: name,
    spokeKubeconfig: () => Promise.resolve(kubeconfig),
    plane: undefined,
  }));
  return { all, process: running, [Symbol.asyncDispose]: () => running[Symbol.asyncDispose]() };
}

/** Rejects while the file is not there or only half written. */
const readyIn = async (file: string): Promise<Ready> => JSON.parse(await readFile(file, 'utf8')) as Ready;
