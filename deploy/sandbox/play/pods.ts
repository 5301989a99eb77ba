import { docAt, listAt, textAt, timestamp, type Doc, type Stored } from '../values.ts';

// What a scheduler and a kubelet make of a pod: pure.

export type Failure = 'CrashLoopBackOff' | 'ImagePullBackOff' | 'Unschedulable';
const failAnnotation = 'sandbox.wheelhouse.dev/fail';
const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** How the pod is to fail, and how long it is well before: by annotation of itself or of what owns it, or by an image that cannot be there. */
export function failureOf(pod: Stored, owners: readonly Stored[]): { readonly failure: Failure; readonly afterMs: number } | undefined {
  for (const { metadata } of [pod, ...owners]) {
    const failure = metadata.annotations?.[failAnnotation];
    if (failure !== 'CrashLoopBackOff' && failure !== 'ImagePullBackOff' && failure !== 'Unschedulable') continue;
    const [, count = '0', unit = 's'] = /^(\d+)(ms|s|m|h)$/.exec(metadata.annotations?.[`${failAnnotation}-after`] ?? '') ?? [];
    return { failure, afterMs: Number(count) * (units[unit] ?? 0) };
  }
  const lost = listAt(pod, 'spec', 'containers').some((one) => textAt(one, 'image').includes('/does-not-exist'));
  return lost ? { failure: 'ImagePullBackOff', afterMs: 0 } : undefined;
}

/** The nodes that the pod may run on. */
export function nodesFor(spec: Doc, nodes: readonly Stored[]): readonly Stored[] {
  const wanted = Object.entries(docAt(spec, 'nodeSelector'));
  return nodes.filter(
    (node) => docAt(node, 'spec')['unschedulable'] !== true && wanted.every(([key, value]) => node.metadata.labels?.[key] === value),
  );
}

const condition = (type: string, isTrue: boolean, since: string, why: Doc = {}): Doc => ({
  type,
  status: isTrue ? 'True' : 'False',
  lastProbeTime: null,
  lastTransitionTime: since,
  ...why,
});

export function unschedulable(pod: Stored, nodes: number, now: number): Doc {
  const known = listAt(pod, 'status', 'conditions').find((one) => textAt(one, 'type') === 'PodScheduled');
  const message = `0/${nodes} nodes are available: ${nodes} node(s) didn't match Pod's node affinity/selector. preemption: 0/${nodes} nodes are available: ${nodes} Preemption is not helpful for scheduling.`;
  const since = textAt(known, 'lastTransitionTime') || timestamp(now);
  return {
    ...docAt(pod, 'status'),
    phase: 'Pending',
    conditions: [condition('PodScheduled', false, since, { reason: 'Unschedulable', message })],
  };
}

export type Life = 'running' | 'succeeded' | 'failed' | 'CrashLoopBackOff' | 'ImagePullBackOff';

/** The status that a kubelet would report. Times stay while the state does. */
export function statusOf(pod: Stored, life: Life, now: number): Doc {
  const old = docAt(pod, 'status');
  const startTime = textAt(old, 'startTime') || timestamp(now);
  const [isReady, isDone] = [life === 'running', life === 'succeeded' || life === 'failed'];
  const before = listAt(old, 'conditions').find((one) => textAt(one, 'type') === 'Ready');
  const since = textAt(before, 'status') === (isReady ? 'True' : 'False') ? textAt(before, 'lastTransitionTime') : timestamp(now);
  const containers = listAt(pod, 'spec', 'containers');
  const names = containers.map((one) => textAt(one, 'name')).join(' ');
  const why = isDone
    ? { reason: life === 'failed' ? 'PodFailed' : 'PodCompleted' }
    : { reason: 'ContainersNotReady', message: `containers with unready status: [${names}]` };
  const ip =
    textAt(old, 'podIP') ||
    `10.${pod.metadata.uid
      .slice(0, 6)
      .match(/../g)
      ?.map((hex) => Number.parseInt(hex, 16))
      .join('.')}`;
  const crashed = { terminated: { exitCode: 1, reason: 'Error', startedAt: since, finishedAt: since } };
  const states: Readonly<Record<Life, (container: unknown) => Doc>> = {
    running: () => ({ ready: true, started: true, restartCount: 0, state: { running: { startedAt: since } }, lastState: {} }),
    succeeded: () => ({
      ready: false,
      started: false,
      restartCount: 0,
      state: { terminated: { exitCode: 0, reason: 'Completed', startedAt: startTime, finishedAt: since } },
      lastState: {},
    }),
    failed: () => ({ ready: false, started: false, restartCount: 0, state: crashed, lastState: {} }),
    CrashLoopBackOff: (container) => {
      const message = `back-off 40s restarting failed container=${textAt(container, 'name')}`;
      return { ready: false, started: false, restartCount: 3, state: { waiting: { reason: life, message } }, lastState: crashed };
    },
    ImagePullBackOff: (container) => {
      const message = `Back-off pulling image "${textAt(container, 'image')}"`;
      return { ready: false, started: false, restartCount: 0, state: { waiting: { reason: life, message } }, lastState: {} };
    },
  };
  return {
    ...old,
    phase: life === 'succeeded' ? 'Succeeded' : life === 'failed' ? 'Failed' : life === 'ImagePullBackOff' ? 'Pending' : 'Running',
    conditions: [
      condition('Initialized', true, startTime, life === 'succeeded' ? { reason: 'PodCompleted' } : {}),
      condition('Ready', isReady, since, isReady ? {} : why),
      condition('ContainersReady', isReady, since, isReady ? {} : why),
      condition('PodScheduled', true, startTime),
    ],
    containerStatuses: containers.map((one) => ({
      name: textAt(one, 'name'),
      image: textAt(one, 'image'),
      imageID: '',
      ...states[life](one),
    })),
    startTime,
    hostIP: '127.0.0.1',
    podIP: ip,
    podIPs: [{ ip }],
  };
}

export const isReady = (pod: Stored): boolean =>
  pod.metadata.deletionTimestamp === undefined &&
  listAt(pod, 'status', 'conditions').some((one) => textAt(one, 'type') === 'Ready' && textAt(one, 'status') === 'True');
