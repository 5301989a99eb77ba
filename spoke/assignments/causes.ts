import { contestedReason } from '../drift/mod.ts';
import { podSelectorOf, podTroubleOf, type HealthSummary, type ObjectHealth } from '../health/mod.ts';
import { refText, type KindInfo, type ObjectRef } from '../kube/mod.ts';
import type { Ground } from './appliers.ts';
import type { Entry } from './entries.ts';

const workloads = ['Deployment.apps', 'StatefulSet.apps', 'DaemonSet.apps', 'ReplicaSet.apps', 'Job.batch'];
const pods: KindInfo = { group: '', version: 'v1', kind: 'Pod', resource: 'pods', namespaced: true, verbs: ['list'] };
/** Asked about in one visit, worst first. */
const askedMax = 3;
/** A workload that changes all the time is asked about this seldom. */
const askAgainMs = 30_000;

/** What the pods of a workload said, at which version of the workload and when (monotonic). */
export interface Cause {
  readonly version: string;
  readonly atMs: number;
  readonly text: string;
}

/** Asks the pods of Degraded workloads why; once for each state of a workload, so that one that stays broken costs nothing. */
export async function lookForCauses(ground: Ground, entry: Entry, { objects }: HealthSummary, signal: AbortSignal): Promise<void> {
  const causes = new Map<string, Cause>();
  const broken = objects.filter(
    ({ health, reason, ref }) => health === 'Degraded' && reason !== contestedReason && workloads.includes(`${ref.kind}.${ref.group}`),
  );
  for (const { ref } of broken.slice(0, askedMax)) {
    const cause = await causeOf(ground, ref, entry.causes.get(refText(ref)), signal);
    if (cause) causes.set(refText(ref), cause);
  }
  entry.causes = causes;
}

async function causeOf(ground: Ground, ref: ObjectRef, known: Cause | undefined, signal: AbortSignal): Promise<Cause | undefined> {
  const live = ground.observer.look(ref);
  const atMs = ground.clock.monotonicMs();
  if (typeof live === 'string') return undefined;
  const version = live.metadata.resourceVersion ?? '';
  if (known && (known.version === version || atMs - known.atMs < askAgainMs)) return known;
  const labelSelector = podSelectorOf(live);
  if (labelSelector === undefined) return undefined;
  try {
    const { items } = await ground.kube.list(pods, { namespace: ref.namespace, labelSelector }, signal);
    return { version, atMs, text: podTroubleOf(items) ?? (items.length === 0 ? 'it has no pods' : '') };
  } catch {
    signal.throwIfAborted();
    // It only explains; what is wrong is known without it.
    return { version, atMs, text: '' };
  }
}

/** The same, with what the pods said after what is said of their workload. Pure. */
export function explained(summary: HealthSummary, causes: ReadonlyMap<string, Cause>): HealthSummary {
  const say = (message: string, one: ObjectHealth | undefined): string => {
    const cause = one && causes.get(refText(one.ref))?.text;
    return cause ? `${message}; ${cause}` : message;
  };
  if (causes.size === 0) return summary;
  return {
    ...summary,
    message: say(summary.message, summary.objects[0]),
    objects: summary.objects.map((one) => ({ ...one, message: say(one.message, one) })),
  };
}
