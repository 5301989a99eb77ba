import {
  type Doc,
  docAt,
  isTrue,
  listAt,
  same,
  type Seen,
  type Stored,
  textAt,
  timestamp,
  type Wish,
  withAt,
} from '#shared/kubernetes/mod.ts';
import { conditionNamed, form, reported } from './forms.ts';

const annotation = 'sandbox.wheelhouse.dev/fail';
const failures = ['CrashLoopBackOff', 'ImagePullBackOff', 'Unschedulable'];
const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** How the pod is to fail, and how long it is well before: by annotation of itself or of what owns it, or by an image that cannot be there. */
export function failureOf(pod: Stored, owners: readonly Stored[]): { readonly failure: string; readonly afterMs: number } | undefined {
  for (const { metadata } of [pod, ...owners]) {
    const { [annotation]: failure = '', [`${annotation}-after`]: after = '' } = metadata.annotations ?? {};
    const [, count = 0, unit = ''] = /^(\d+)(ms|s|m|h)$/.exec(after) ?? [];
    if (failures.includes(failure)) return { failure, afterMs: Number(count) * (units[unit] ?? 0) };
  }
  const isLost = listAt(pod, 'spec', 'containers').some((one) => textAt(one, 'image').includes('/does-not-exist'));
  return isLost ? { failure: 'ImagePullBackOff', afterMs: 0 } : undefined;
}

/** The nodes that a pod may run on. */
export function nodesFor(spec: unknown, nodes: readonly Stored[]): readonly string[] {
  const wanted = Object.entries(docAt(spec, 'nodeSelector'));
  return nodes.flatMap(({ metadata: { name, labels } }) => (wanted.every(([key, value]) => labels?.[key] === value) ? name : []));
}

export const isReady = (pod: Stored | undefined): boolean => !!pod && pod.metadata.deletionTimestamp === undefined && isTrue(pod, 'Ready');

/** What a scheduler and a kubelet do with a pod: it is placed, starts, runs, and fails or is done in its time. */
export function pod({ object, owners, nodes, now, delayMs }: Seen): Wish {
  if (['Succeeded', 'Failed'].includes(textAt(object, 'status', 'phase'))) return {};
  const found = failureOf(object, owners);
  // Its age is known in whole seconds: it is well for at least as long as it should be.
  const failsInMs = found?.afterMs ? Date.parse(object.metadata.creationTimestamp) + 1_000 + found.afterMs - now : 0;
  const failure = failsInMs <= 0 ? found?.failure : undefined;
  const { nodeName, schedulerName, restartPolicy } = docAt(object, 'spec');
  const node = nodeName ?? nodesFor(object['spec'], nodes)[0];
  if (nodeName === undefined && schedulerName !== 'default-scheduler') return {};
  if (failure === 'Unschedulable' || node === undefined) return { put: [unscheduled(object, nodes.length, now)] };
  if (nodeName === undefined) return { put: [withAt(object, ['spec', 'nodeName'], node)] };

  const [isJob, isNew] = [owners[0]?.kind === 'Job', textAt(object, 'status', 'startTime') === ''];
  const isLast = isJob && failure === 'CrashLoopBackOff' && restartPolicy === 'Never';
  const life = isLast ? 'Failed' : (failure ?? (isJob && !isNew ? 'Succeeded' : 'Running'));
  const next = living(object, life, now);
  if (same(next, object)) return found && failsInMs > 0 ? { againMs: failsInMs } : {};
  return { after: { what: life, ms: isNew || life === 'Succeeded' ? delayMs : 0 }, put: [next] };
}

/** Without a node. A pod that had one looks as what would take its place. */
function unscheduled(object: Stored, nodes: number, now: number): Stored {
  const conditions = [conditionNamed(object, 'Unschedulable', now, { nodes })];
  return { ...withAt(object, ['spec', 'nodeName'], undefined), status: { phase: 'Pending', conditions } };
}

function living(object: Stored, name: string, now: number): Stored {
  const { phase, why, conditions: says } = docAt(form(['lives', name], {}));
  const conditions = listAt({ says }, 'says').map((one) => conditionNamed(object, String(one), now, { why }));
  const since = textAt(conditions[0], 'lastTransitionTime');
  const containers = listAt(object, 'spec', 'containers').map((one) => form(['lives', name, 'container'], { ...(one as Doc), since }));
  // Any address will do that is the pod's own.
  const ip = `10.${[0, 2, 4].map((from) => Number.parseInt(object.metadata.uid.slice(from, from + 2), 16) || 0).join('.')}`;
  const { startTime = timestamp(now) } = docAt(object, 'status');
  return reported(object, { phase, conditions, containers, startTime, ip });
}
