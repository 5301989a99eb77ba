import { readFile } from 'node:fs/promises';
import type { KubeObject } from '#spoke/kube/mod.ts';
import { objectsOf } from '#spoke/plan/mod.ts';
import { StartError } from './arguments.ts';
import type { Clusters } from './clusters.ts';

/** The clusters of somebody's kubeconfig, one per context, under the rights that it gives. */
export async function contextClusters(file: string): Promise<Clusters> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new StartError('NO_CLUSTERS', `--kubeconfig ${file}: it cannot be read`, { cause: error });
  });
  const [config] = objectsLike(text);
  const contexts = (config?.['contexts'] as { name?: string }[] | undefined)?.map(({ name }) => name ?? '') ?? [];
  if (contexts.length === 0) throw new StartError('NO_CLUSTERS', `--kubeconfig ${file}: it has no contexts`);
  const all = contexts.map((context) => ({
    name: nameFrom(context),
    kubeconfig: file,
    context,
    spokeKubeconfig: () => Promise.resolve(file),
    plane: undefined,
  }));
  const twice = all.find(({ name }, index) => all.findIndex((one) => one.name === name) !== index);
  if (twice) throw new StartError('NO_CLUSTERS', `--kubeconfig ${file}: two contexts would be called ${twice.name}: rename one`);
  return { all, [Symbol.asyncDispose]: async () => undefined };
}

const nameFrom = (context: string): string =>
  context
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 63)
    .replace(/-+$/, '') || 'cluster';

/** A kubeconfig is read like any manifest, but for its missing name. */
function objectsLike(text: string): KubeObject[] {
  const named = text.trimStart().startsWith('{')
    ? JSON.stringify({ ...(JSON.parse(text) as object), metadata: { name: 'kubeconfig' } })
    : `${text}\nmetadata: {name: kubeconfig}\n`;
  return [...objectsOf(new Map([['kubeconfig.yaml', Buffer.from(named)]]))];
}
