import { contestedReason } from '../drift/mod.ts';
import { podSelectorOf, podTroubleOf, worsened, type HealthSummary, type ObjectHealth } from '../health/mod.ts';
import { refText, type KindInfo } from '../kube/mod.ts';
import type { Ground } from './appliers.ts';
import type { Entry } from './entries.ts';

const workloads = ['Deployment.apps', 'StatefulSet.apps', 'DaemonSet.apps', 'ReplicaSet.apps', 'Job.batch'];
const pods: KindInfo = { group: '', version: 'v1', kind: 'Pod', resource: 'pods', namespaced: true, verbs: ['list'] };
/** Asked about in one visit, worst first. */
const askedMax = 3;
/** A workload that changes all the time is asked about this seldom. */
const askAgainMs = 30_000;
/** A pod that starts again and again says so a while after its workload has changed for the last time; bounded by the time that becoming healthy may take. */
const movingAgainMs = 5_000;

/** What the pods of a workload said, at which version of the workload and when (monotonic). */
export interface Cause {
  readonly version: string;
  readonly atMs: number;
  readonly text: string;
  /** Why waiting alone will not help; '' when it may. */
  readonly broken: string;
}

const isWorkload = ({ ref }: ObjectHealth): boolean => workloads.includes(`${ref.kind}.${ref.group}`);

/**
 * Asks the pods of workloads why: of broken ones, once for each of their states, so that one that stays broken costs nothing; and of those that are not ready any
 * more although what runs was healthy before.
 */
export async function lookForCauses(ground: Ground, entry: Entry, { objects }: HealthSummary, signal: AbortSignal): Promise<void> {
  const causes = new Map<string, Cause>();
  const asked = objects.filter(
    (one) =>
      isWorkload(one) && (one.health === 'Degraded' ? one.reason !== contestedReason : one.health === 'Progressing' && wasHealthy(entry)),
  );
  for (const one of asked.slice(0, askedMax)) {
    const cause = await causeOf(ground, one, entry.causes.get(refText(one.ref)), signal);
    if (cause) causes.set(refText(one.ref), cause);
  }
  entry.causes = causes;
}

/** Whether what runs has been healthy before: what is not ready then is not on its way to anything. */
const wasHealthy = ({ record }: Entry): boolean => record?.applied?.healthy !== undefined && !record.applying;

/** When to ask again although nothing has said anything; undefined: no need. */
export const causesAgainMs = (entry: Entry, { objects }: HealthSummary): number | undefined =>
  wasHealthy(entry) && objects.some((one) => one.health === 'Progressing' && isWorkload(one)) ? movingAgainMs : undefined;

async function causeOf(
  ground: Ground,
  { ref, health }: ObjectHealth,
  known: Cause | undefined,
  signal: AbortSignal,
): Promise<Cause | undefined> {
  const live = ground.observer.look(ref);
  const atMs = ground.clock.monotonicMs();
  if (typeof live === 'string') return undefined;
  const version = live.metadata.resourceVersion ?? '';
  const ageMs = known ? atMs - known.atMs : Infinity;
  if (known && (health === 'Progressing' ? ageMs < movingAgainMs : known.version === version || ageMs < askAgainMs)) return known;
  const labelSelector = podSelectorOf(live);
  if (labelSelector === undefined) return undefined;
  try {
    const { items } = await ground.kube.list(pods, { namespace: ref.namespace, labelSelector }, signal);
    const trouble = podTroubleOf(items);
    const text = trouble?.text ?? (items.length === 0 ? 'it has no pods' : '');
    return { version, atMs, text, broken: trouble?.broken ? trouble.reason : '' };
  } catch {
    signal.throwIfAborted();
    // It only explains; what is wrong is known without it.
    return { version, atMs, text: '', broken: '' };
  }
}

/** The same, with what the pods said after what is said of their workload; of one that was healthy, what broke them is what it is. Pure. */
export function explained(summary: HealthSummary, entry: Entry): HealthSummary {
  const { causes } = entry;
  if (causes.size === 0) return summary;
  const broken = worsened(summary, ({ ref, message }) => {
    const reason = (wasHealthy(entry) && causes.get(refText(ref))?.broken) || '';
    return reason === '' ? undefined : { health: 'Degraded', reason, message };
  });
  const say = (message: string, one: ObjectHealth | undefined): string => {
    const cause = one && causes.get(refText(one.ref))?.text;
    return cause ? `${message}; ${cause}` : message;
  };
  return {
    ...broken,
    message: say(broken.message, broken.objects[0]),
    objects: broken.objects.map((one) => ({ ...one, message: say(one.message, one) })),
  };
}
