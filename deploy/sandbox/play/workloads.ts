import { createHash } from 'node:crypto';
import { at, docAt, listAt, textAt, timestamp, withAt, type Doc, type Stored } from '../values.ts';
import { nodesFor, isReady } from './pods.ts';

// What the controllers make of their objects: pure. Each says which children there should be and what to report.

/** What a controller wants done. */
export interface Wish {
  readonly create?: readonly { readonly kind: 'Pod' | 'ReplicaSet'; readonly object: Doc }[];
  readonly remove?: readonly Stored[];
  readonly scale?: readonly { readonly set: Stored; readonly replicas: number; readonly desired: number }[];
  readonly status: Doc;
  readonly annotations?: Doc;
  /** Look again after this time, even if nothing happens. */
  readonly againMs?: number;
}
export interface Seen {
  readonly object: Stored;
  readonly pods: readonly Stored[];
  readonly sets: readonly Stored[];
  readonly nodes: readonly Stored[];
  readonly now: number;
}

const number = (value: unknown, otherwise: number): number => (typeof value === 'number' ? value : otherwise);
const count = (object: Stored, field: string): number => number(at(object, 'status', field), 0);
export const hashOf = (template: Doc): string => createHash('sha256').update(JSON.stringify(template)).digest('hex').slice(0, 10);
const nonZero = (counts: Readonly<Record<string, number>>): Doc =>
  Object.fromEntries(Object.entries(counts).filter(([, value]) => value !== 0));
const alive = (pods: readonly Stored[]): readonly Stored[] =>
  pods.filter((pod) => pod.metadata.deletionTimestamp === undefined && !['Succeeded', 'Failed'].includes(textAt(pod, 'status', 'phase')));

export function controllerRef({ apiVersion, kind, metadata }: Stored): Doc {
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid, controller: true, blockOwnerDeletion: true };
}

function podFrom(owner: Stored, template: Doc, more: { readonly name?: string; readonly labels?: Doc; readonly nodeName?: string }): Doc {
  const meta = docAt(template, 'metadata');
  const name = more.name === undefined ? { generateName: `${owner.metadata.name}-` } : { name: more.name };
  const metadata = { ...meta, labels: { ...docAt(meta, 'labels'), ...more.labels }, ...name, ownerReferences: [controllerRef(owner)] };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata,
    spec: { ...docAt(template, 'spec'), ...(more.nodeName ? { nodeName: more.nodeName } : {}) },
  };
}

export function replicaSet({ object, pods }: Seen): Wish {
  const wanted = number(at(object, 'spec', 'replicas'), 1);
  const live = alive(pods);
  const spare = [...live].sort((a, b) => Number(isReady(a)) - Number(isReady(b))).slice(0, Math.max(0, live.length - wanted));
  const create = Array.from({ length: wanted - live.length }, () => ({
    kind: 'Pod' as const,
    object: podFrom(object, docAt(object, 'spec', 'template'), {}),
  }));
  const ready = live.filter(isReady).length;
  const counts = nonZero({ fullyLabeledReplicas: live.length, readyReplicas: ready, availableReplicas: ready });
  return {
    create,
    remove: spare,
    status: { replicas: live.length, ...counts, observedGeneration: object.metadata.generation, terminatingReplicas: 0 },
  };
}

const share = (value: unknown, of: number, round: (n: number) => number): number =>
  typeof value === 'string' && value.endsWith('%') ? round((Number(value.slice(0, -1)) * of) / 100) : Number(value ?? 0);

export function deployment({ object, sets, now }: Seen): Wish {
  const spec = docAt(object, 'spec');
  const wanted = number(spec['replicas'], 1);
  const template = docAt(spec, 'template');
  const hash = hashOf(template);
  const current = sets.find((set) => set.metadata.labels?.['pod-template-hash'] === hash);
  const old = sets.filter((set) => set !== current && (number(at(set, 'spec', 'replicas'), 0) > 0 || count(set, 'replicas') > 0));
  const revisions = sets.map((set) => Number(set.metadata.annotations?.['deployment.kubernetes.io/revision'] ?? 0));
  const newest = Math.max(0, ...revisions);
  const revision = current && revisions[sets.indexOf(current)] === newest ? newest : newest + 1;
  const name = `${object.metadata.name}-${hash}`;
  const isRecreate = at(spec, 'strategy', 'type') === 'Recreate';
  const rolling = docAt(spec, 'strategy', 'rollingUpdate');
  const surge = isRecreate ? 0 : share(rolling['maxSurge'], wanted, Math.ceil);
  const unavailable = isRecreate ? wanted : share(rolling['maxUnavailable'], wanted, Math.floor) || (surge === 0 ? 1 : 0);

  const size = (set: Stored): number => number(at(set, 'spec', 'replicas'), 0);
  const total = sets.reduce((sum, set) => sum + size(set), 0);
  const room = isRecreate && old.length > 0 ? 0 : Math.max(0, wanted + surge - total);
  const have = current ? size(current) : 0;
  const next = old.length === 0 ? wanted : Math.min(wanted, have + room);
  const isPaused = spec['paused'] === true;
  const scale: { set: Stored; replicas: number; desired: number }[] = [];
  if (current && next !== have) scale.push({ set: current, replicas: next, desired: wanted });
  let spare = total - (wanted - unavailable) - (current ? have - count(current, 'availableReplicas') : 0);
  if (!current && !isPaused) spare = 0; // first the new one
  for (const set of isPaused ? [] : old) {
    const gone = isRecreate ? size(set) : Math.min(size(set), Math.max(0, spare));
    spare -= gone;
    if (gone > 0) scale.push({ set, replicas: size(set) - gone, desired: wanted });
  }

  const metadata = {
    name,
    labels: { ...docAt(template, 'metadata', 'labels'), 'pod-template-hash': hash },
    ownerReferences: [controllerRef(object)],
    annotations: {
      'deployment.kubernetes.io/desired-replicas': String(wanted),
      'deployment.kubernetes.io/max-replicas': String(wanted + surge),
      'deployment.kubernetes.io/revision': String(revision),
    },
  };
  const labelled = withAt(template, ['metadata', 'labels', 'pod-template-hash'], hash);
  const selector = withAt(docAt(spec, 'selector'), ['matchLabels', 'pod-template-hash'], hash);
  const set = { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata, spec: { replicas: next, selector, template: labelled } };
  const create = current || isPaused ? [] : [{ kind: 'ReplicaSet' as const, object: set }];
  return {
    create,
    scale,
    ...deploymentStatus(object, sets, current, { name, wanted, unavailable, now }),
    annotations: { 'deployment.kubernetes.io/revision': String(revision) },
  };
}

function deploymentStatus(
  object: Stored,
  sets: readonly Stored[],
  current: Stored | undefined,
  { name, wanted, unavailable, now }: { name: string; wanted: number; unavailable: number; now: number },
): { readonly status: Doc; readonly againMs?: number } {
  const sum = (field: string): number => sets.reduce((all, set) => all + count(set, field), 0);
  const [replicas, ready, available] = [sum('replicas'), sum('readyReplicas'), sum('availableReplicas')];
  const updated = current ? count(current, 'replicas') : 0;
  const counts = nonZero({
    replicas,
    updatedReplicas: updated,
    readyReplicas: ready,
    availableReplicas: available,
    unavailableReplicas: Math.max(0, Math.max(wanted, replicas) - available),
  });
  const old = docAt(object, 'status');
  const before = (type: string): unknown => listAt(old, 'conditions').find((one) => textAt(one, 'type') === type);
  const isComplete = updated === wanted && replicas === wanted && available === wanted;
  const progressed =
    ['updatedReplicas', 'readyReplicas', 'availableReplicas', 'replicas'].some((field) => old[field] !== counts[field]) ||
    at(old, 'observedGeneration') !== object.metadata.generation;
  const lastProgress = textAt(before('Progressing'), 'lastUpdateTime');
  const deadlineMs = number(at(object, 'spec', 'progressDeadlineSeconds'), 600) * 1000;
  const isOver = textAt(before('Progressing'), 'reason') === 'ProgressDeadlineExceeded';
  const leftMs = lastProgress === '' || progressed ? deadlineMs : isOver ? 0 : Date.parse(lastProgress) + deadlineMs - now;
  const condition = (type: string, status: string, reason: string, message: string): Doc => {
    const last = before(type);
    const isSame =
      textAt(last, 'status') === status && textAt(last, 'reason') === reason && !(type === 'Progressing' && progressed && !isComplete);
    const moved = textAt(last, 'status') === status ? textAt(last, 'lastTransitionTime') : timestamp(now);
    const updatedAt = isSame ? textAt(last, 'lastUpdateTime') : timestamp(now);
    return { type, status, lastUpdateTime: updatedAt, lastTransitionTime: moved, reason, message };
  };
  const enough = available >= wanted - unavailable;
  const availability = enough
    ? condition('Available', 'True', 'MinimumReplicasAvailable', 'Deployment has minimum availability.')
    : condition('Available', 'False', 'MinimumReplicasUnavailable', 'Deployment does not have minimum availability.');
  const progress =
    at(object, 'spec', 'paused') === true
      ? condition('Progressing', 'Unknown', 'DeploymentPaused', 'Deployment is paused')
      : isComplete
        ? condition('Progressing', 'True', 'NewReplicaSetAvailable', `ReplicaSet "${name}" has successfully progressed.`)
        : leftMs <= 0
          ? condition('Progressing', 'False', 'ProgressDeadlineExceeded', `ReplicaSet "${name}" has timed out progressing.`)
          : condition('Progressing', 'True', 'ReplicaSetUpdated', `ReplicaSet "${name}" is progressing.`);
  const status = {
    observedGeneration: object.metadata.generation,
    ...counts,
    terminatingReplicas: 0,
    conditions: [availability, progress],
  };
  return { status, ...(isComplete || leftMs <= 0 ? {} : { againMs: leftMs }) };
}

export function statefulSet({ object, pods }: Seen): Wish {
  const spec = docAt(object, 'spec');
  const { name } = object.metadata;
  const wanted = number(spec['replicas'], 1);
  const template = docAt(spec, 'template');
  const update = `${name}-${hashOf(template)}`;
  const isCurrent = (pod: Stored): boolean => pod.metadata.labels?.['controller-revision-hash'] === update;
  const byName = new Map(pods.map((pod) => [pod.metadata.name, pod]));
  const places = Array.from({ length: wanted }, (_, index) => `${name}-${index}`);
  const inOrder = spec['podManagementPolicy'] !== 'Parallel';
  const missing = places.filter((place) => !byName.has(place));
  const firstUnready = places.find((place) => !isReady(byName.get(place) ?? object));
  const make = inOrder ? missing.filter((place) => place === firstUnready) : missing;
  const create = make.map((place) => {
    const index = place.slice(name.length + 1);
    const labels = {
      'apps.kubernetes.io/pod-index': index,
      'controller-revision-hash': update,
      'statefulset.kubernetes.io/pod-name': place,
    };
    const pod = podFrom(object, template, { name: place, labels });
    return {
      kind: 'Pod' as const,
      object: withAt(withAt(pod, ['spec', 'hostname'], place), ['spec', 'subdomain'], textAt(spec, 'serviceName') || undefined),
    };
  });
  const live = pods.filter((pod) => pod.metadata.deletionTimestamp === undefined);
  const extra = live.filter((pod) => !places.includes(pod.metadata.name));
  // One at a time, from the last: a pod of an older revision gives way when all the others are well, or when it is not well itself.
  const outdated = live
    .filter((pod) => !isCurrent(pod) && places.includes(pod.metadata.name))
    .sort((a, b) => (a.metadata.name < b.metadata.name ? 1 : -1));
  const turn =
    outdated.find((pod) => !isReady(pod)) ?? (places.every((place) => isReady(byName.get(place) ?? object)) ? outdated[0] : undefined);
  const mayUpdate = at(spec, 'updateStrategy', 'type') !== 'OnDelete' && turn !== undefined;
  const ready = live.filter(isReady).length;
  const updated = live.filter(isCurrent).length;
  const last = textAt(object, 'status', 'currentRevision') || update;
  const isDone = updated === wanted && live.length === wanted && ready === wanted;
  const current = isDone ? update : last;
  const counts = nonZero({
    readyReplicas: ready,
    updatedReplicas: updated,
    currentReplicas: isDone ? wanted : live.filter((pod) => pod.metadata.labels?.['controller-revision-hash'] === last).length,
  });
  const status = {
    observedGeneration: object.metadata.generation,
    replicas: live.length,
    availableReplicas: ready,
    ...counts,
    currentRevision: current,
    updateRevision: update,
    collisionCount: 0,
  };
  return { create, remove: [...extra, ...(mayUpdate ? [turn] : [])], status };
}

export function daemonSet({ object, pods, nodes }: Seen): Wish {
  const template = docAt(object, 'spec', 'template');
  const hash = hashOf(template);
  const wanted = nodesFor(docAt(template, 'spec'), nodes).map(({ metadata }) => metadata.name);
  const nodeOf = (pod: Stored): string => textAt(pod, 'spec', 'nodeName');
  const live = pods.filter((pod) => pod.metadata.deletionTimestamp === undefined);
  const isCurrent = (pod: Stored): boolean => pod.metadata.labels?.['controller-revision-hash'] === hash;
  const labels = { 'controller-revision-hash': hash, 'pod-template-generation': String(object.metadata.generation ?? 1) };
  const missing = wanted.filter((node) => !pods.some((pod) => nodeOf(pod) === node));
  const create = missing.map((nodeName) => ({ kind: 'Pod' as const, object: podFrom(object, template, { labels, nodeName }) }));
  const outdated = live.filter((pod) => !isCurrent(pod));
  const allReady = live.length === wanted.length && live.every(isReady);
  const turn = outdated.find((pod) => !isReady(pod)) ?? (allReady ? outdated[0] : undefined);
  const remove = [...live.filter((pod) => !wanted.includes(nodeOf(pod))), ...(turn ? [turn] : [])];
  const ready = live.filter(isReady).length;
  const status = {
    currentNumberScheduled: live.length,
    numberMisscheduled: 0,
    desiredNumberScheduled: wanted.length,
    numberReady: ready,
    observedGeneration: object.metadata.generation,
    ...nonZero({
      updatedNumberScheduled: live.filter(isCurrent).length,
      numberAvailable: ready,
      numberUnavailable: wanted.length - ready,
    }),
  };
  return { create, remove, status };
}

export function job({ object, pods, now }: Seen): Wish {
  const spec = docAt(object, 'spec');
  const old = docAt(object, 'status');
  if (listAt(old, 'conditions').some((one) => ['Complete', 'Failed'].includes(textAt(one, 'type')) && textAt(one, 'status') === 'True'))
    return { status: old };
  const live = alive(pods);
  const startTime = textAt(old, 'startTime') || timestamp(now);
  const condition = (type: string, reason: string, message: string): Doc => ({
    type,
    status: 'True',
    lastProbeTime: timestamp(now),
    lastTransitionTime: timestamp(now),
    reason,
    message,
  });
  if (spec['suspend'] === true)
    return {
      remove: live,
      status: {
        conditions: [condition('Suspended', 'JobSuspended', 'Job suspended')],
        ready: 0,
        terminating: 0,
        uncountedTerminatedPods: {},
      },
    };
  const phases = (phase: string): number => pods.filter((pod) => textAt(pod, 'status', 'phase') === phase).length;
  const [succeeded, failed] = [phases('Succeeded'), phases('Failed')];
  const wanted = number(spec['completions'], 1);
  const end = (first: string, last: string, reason: string, message: string): Wish => {
    const conditions = [condition(first, reason, message), condition(last, reason, message)];
    const completion = last === 'Complete' ? { completionTime: timestamp(now) } : {};
    return {
      remove: live,
      status: {
        startTime,
        ...completion,
        conditions,
        ...nonZero({ succeeded, failed }),
        ready: 0,
        terminating: 0,
        uncountedTerminatedPods: {},
      },
    };
  };
  if (succeeded >= wanted) return end('SuccessCriteriaMet', 'Complete', 'CompletionsReached', 'Reached expected number of succeeded pods');
  const limitMs = number(spec['activeDeadlineSeconds'], Number.POSITIVE_INFINITY) * 1000;
  const leftMs = Date.parse(startTime) + limitMs - now;
  if (leftMs <= 0) return end('FailureTarget', 'Failed', 'DeadlineExceeded', 'Job was active longer than specified deadline');
  if (failed > number(spec['backoffLimit'], 6))
    return end('FailureTarget', 'Failed', 'BackoffLimitExceeded', 'Job has reached the specified backoff limit');
  const room = Math.min(number(spec['parallelism'], 1), wanted - succeeded) - live.length;
  const create = Array.from({ length: Math.max(0, room) }, () => ({
    kind: 'Pod' as const,
    object: podFrom(object, docAt(spec, 'template'), {}),
  }));
  const status = {
    startTime,
    ...nonZero({ active: live.length, succeeded, failed }),
    ready: live.filter(isReady).length,
    terminating: 0,
    uncountedTerminatedPods: {},
  };
  return { create, status, ...(Number.isFinite(leftMs) ? { againMs: leftMs } : {}) };
}
