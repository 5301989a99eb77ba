import { docAt, listAt, same, textAt, timestamp, withAt, type Doc, type Stored } from '../values.ts';
import { condition, filled, form, isTrue } from './forms.ts';
import type { Seen, Wish } from './wishes.ts';

// What a scheduler and a kubelet make of a pod: pure.

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

/** The nodes that the pod may run on. */
export function nodesFor(spec: Doc, nodes: readonly Stored[]): readonly Stored[] {
  const wanted = Object.entries(docAt(spec, 'nodeSelector'));
  return nodes.filter(
    (node) => docAt(node, 'spec')['unschedulable'] !== true && wanted.every(([key, value]) => node.metadata.labels?.[key] === value),
  );
}

export const isReady = (pod: Stored | undefined): boolean => pod?.metadata.deletionTimestamp === undefined && !!pod && isTrue(pod, 'Ready');

/** A pod is placed, starts, runs, and fails or is done in its time. */
export function pod({ object, owners, nodes, now, delayMs }: Seen): Wish {
  if (['Succeeded', 'Failed'].includes(textAt(object, 'status', 'phase'))) return {};
  const found = failureOf(object, owners);
  // Its age is known in whole seconds: it is well for at least as long as it should be.
  const failsInMs = found?.afterMs ? Date.parse(object.metadata.creationTimestamp) + 1_000 + found.afterMs - now : 0;
  const failure = failsInMs <= 0 ? found?.failure : undefined;
  const place = textAt(object, 'spec', 'nodeName');
  const node = place || nodesFor(docAt(object, 'spec'), nodes)[0]?.metadata.name;
  if (place === '' && textAt(object, 'spec', 'schedulerName') !== 'default-scheduler') return {};
  if (failure === 'Unschedulable' || node === undefined) return { put: [unscheduled(object, nodes.length, now)] };
  if (place === '') return { put: [withAt(object, ['spec', 'nodeName'], node) as Stored] };

  const [isJob, isNew] = [owners[0]?.kind === 'Job', textAt(object, 'status', 'startTime') === ''];
  const well = isJob && !isNew ? 'Succeeded' : 'Running';
  const isLast = isJob && failure === 'CrashLoopBackOff' && textAt(object, 'spec', 'restartPolicy') === 'Never';
  const life = isLast ? 'Failed' : (failure ?? well);
  const next = { ...object, status: statusOf(object, life, now) };
  if (same(next, object)) return found && failsInMs > 0 ? { againMs: failsInMs } : {};
  return { after: { what: life, ms: isNew || life === 'Succeeded' ? delayMs : 0 }, put: [next] };
}

/** Without a node. A pod that had one looks as what would take its place. */
function unscheduled(pod: Stored, nodes: number, now: number): Stored {
  const { qosClass } = docAt(pod, 'status');
  const status = { phase: 'Pending', qosClass, conditions: [condition(pod, 'Unschedulable', now, { nodes })] };
  return { ...(withAt(pod, ['spec', 'nodeName'], undefined) as Stored), status };
}

function statusOf(pod: Stored, name: string, now: number): Doc {
  const life = docAt(form(['lives', name], { since: '{since}', name: '{name}', image: '{image}' }));
  const conditions = listAt(life, 'conditions').map((one) => condition(pod, String(one), now, life));
  const since = textAt(conditions[0], 'lastTransitionTime');
  const containers = listAt(pod, 'spec', 'containers').map((one) => {
    const said = { name: textAt(one, 'name'), image: textAt(one, 'image') };
    return { ...said, imageID: '', ...docAt(filled(life['container'], { ...said, since })) };
  });
  // Any address will do that is the pod's own.
  const ip = `10.${[0, 2, 4].map((from) => Number.parseInt(pod.metadata.uid.slice(from, from + 2), 16) || 0).join('.')}`;
  const old = docAt(pod, 'status');
  const startTime = textAt(old, 'startTime') || timestamp(now);
  return docAt(form(['statuses', 'Pod'], { ...old, phase: life['phase'], conditions, containers, startTime, ip }));
}
