import { fieldManager, refOf, refText, type KubeClient, type KubeObject, type ListPage, type WatchEvent } from '../../kube/mod.ts';
import type { Rig } from './rig.ts';

interface Entry {
  readonly manager: string;
  readonly operation: string;
}

/**
 * The rig's cluster with the times that a real API server keeps beside the fields of field manager `wheelhouse`: of the last apply under that name that
 * changed something, whoever it was. Whole seconds.
 */
export function withTimes(rig: Rig): KubeClient {
  const times = new Map<string, string>();
  const timed = (object: KubeObject): KubeObject => {
    const { managedFields } = object.metadata;
    const time = times.get(refText(refOf(object)));
    if (!Array.isArray(managedFields) || time === undefined) return object;
    const entries = (managedFields as readonly Entry[]).map((entry) =>
      entry.manager === fieldManager && entry.operation === 'Apply' ? { ...entry, time } : entry,
    );
    return { ...object, metadata: { ...object.metadata, managedFields: entries } };
  };
  const cluster = rig.kube;
  async function* watched(events: AsyncIterable<WatchEvent>): AsyncIterable<WatchEvent> {
    for await (const event of events) yield 'object' in event ? { ...event, object: timed(event.object) } : event;
  }
  const own: Partial<KubeClient> = {
    get: async (...asked) => {
      const found = await cluster.get(...asked);
      return found && timed(found);
    },
    list: async (...asked): Promise<ListPage> => {
      const page = await cluster.list(...asked);
      return { ...page, items: page.items.map(timed) };
    },
    watch: (...asked) => watched(cluster.watch(...asked)),
    apply: async (kind, object, options, signal) => {
      const name = refText(refOf(object));
      const before = cluster.objects().find((one) => refText(refOf(one)) === name)?.metadata.resourceVersion;
      const answer = await cluster.apply(kind, object, options, signal);
      if (!options.dryRun && answer.metadata.resourceVersion !== before)
        times.set(name, new Date(rig.clock.now()).toISOString().replace(/\.\d+Z$/, 'Z'));
      return timed(answer);
    },
  };
  return new Proxy<KubeClient>(cluster, {
    get: (target, name: keyof KubeClient) => own[name] ?? (target[name] as () => unknown).bind(target),
  });
}
