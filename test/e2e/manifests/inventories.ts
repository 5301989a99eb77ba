import type { KubeClient } from '#spoke/kube/mod.ts';

/** Kinds that controllers write, or that copy annotations from what owns them. */
const derived = new Set([
  'ComponentStatus',
  'Event',
  'Endpoints',
  'EndpointSlice',
  'Pod',
  'ReplicaSet',
  'ControllerRevision',
  'Lease',
  'PodMetrics',
  'NodeMetrics',
]);

/** What the fleet owns on a cluster, by the annotation that names each object as itself: group/kind/namespace/name, sorted. */
export async function inventoryOf(kube: KubeClient): Promise<readonly string[]> {
  const signal = new AbortController().signal;
  const { kinds, complete, failedGroups } = await kube.discover(signal);
  if (!complete) throw new Error(`groups that could not be discovered: ${failedGroups.join()}`);
  const found = new Set<string>();
  for (const kind of kinds) {
    if (!kind.verbs.includes('list') || derived.has(kind.kind)) continue;
    const { items } = await kube.list(kind, { metadataOnly: true }, signal);
    for (const { metadata } of items) {
      const named = metadata.annotations?.['wheelhouse.dev/object'];
      const itself = [kind.group, kind.kind, metadata.namespace ?? '', metadata.name].join('/');
      if (named === itself) found.add(itself);
    }
  }
  return [...found].toSorted();
}

/** What one has and the other has not. */
export function missingIn(inventory: readonly string[], other: readonly string[]): readonly string[] {
  const there = new Set(other);
  return inventory.filter((one) => !there.has(one));
}
