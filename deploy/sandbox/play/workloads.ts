import { createHash } from 'node:crypto';
import { at, isTrue, type Doc, docAt, type Seen, type Stored, textAt, timestamp, type Wish } from '#shared/kubernetes/mod.ts';
import { conditionNamed, form, reported } from './forms.ts';
import { isReady, nodesFor } from './pods.ts';

// Controllers whose pods are their own.

/** More pods of one workload are not played: it stays short of them. So many come in one look: there are other clusters to serve. */
const [podsMax, podsAtOnceMax] = [500, 50];

export const numberAt = (value: unknown, ...path: readonly string[]): number => Number(at(value, ...path) ?? 0);
export const hashOf = (template: unknown): string => createHash('sha256').update(JSON.stringify(template)).digest('hex').slice(0, 10);
export const controlledBy = ({ apiVersion, kind, metadata: { namespace, name, uid } }: Stored): Doc => ({
  namespace,
  ownerReferences: [{ apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true }],
});

/** A pod as the owner's template has it, with what is its own. */
function podOf(owner: Stored, own: Doc = { generateName: `${owner.metadata.name}-` }, ownLabels: Doc = {}, ownSpec: Doc = {}): Doc {
  const { metadata, spec } = docAt(owner, 'spec', 'template');
  const labels = { ...docAt(metadata, 'labels'), ...ownLabels };
  return { kind: 'Pod', metadata: { ...docAt(metadata), ...own, ...controlledBy(owner), labels }, spec: { ...docAt(spec), ...ownSpec } };
}
const podsOf = (owner: Stored, count: number): readonly Doc[] =>
  Array.from({ length: Math.min(Math.max(0, count), podsAtOnceMax) }, () => podOf(owner));

const isAlive = (pod: Stored): boolean =>
  pod.metadata.deletionTimestamp === undefined && !['Succeeded', 'Failed'].includes(textAt(pod, 'status', 'phase'));

export function replicaSet({ object, owned }: Seen): Wish {
  const wanted = numberAt(object, 'spec', 'replicas');
  const live = owned.filter(isAlive).toSorted((a, b) => Number(isReady(a)) - Number(isReady(b)));
  const report = reported(object, { live: live.length, ready: live.filter(isReady).length });
  return {
    put: [report],
    create: podsOf(object, Math.min(wanted, podsMax) - live.length),
    remove: live.slice(0, Math.max(0, live.length - wanted)),
  };
}

const revisionKey = 'controller-revision-hash';
const isOf = (pod: Stored, revision: string): boolean => pod.metadata.labels?.[revisionKey] === revision;

/** Pods that have a place each, a number or a node. */
function inPlaces(owned: readonly Stored[], names: readonly string[], placeOf: (pod: Stored) => string, revision: string) {
  const pods = new Map(owned.map((pod) => [placeOf(pod), pod]));
  const live = owned.filter((pod) => pod.metadata.deletionTimestamp === undefined);
  const unready = names.filter((name) => !isReady(pods.get(name)));
  // One at a time, from the last: a pod of an older revision gives way when all are well, or when it is not well itself.
  const outdated = names.flatMap((name) => live.find((pod) => placeOf(pod) === name && !isOf(pod, revision)) ?? []).toReversed();
  const turn = outdated.find((pod) => !isReady(pod)) ?? (unready.length === 0 ? outdated[0] : undefined);
  const remove = live.filter((pod) => pod === turn || !names.includes(placeOf(pod)));
  const counts = { live: live.length, ready: live.filter(isReady).length, updated: live.length - outdated.length };
  return { remove, counts, missing: names.filter((name) => !pods.has(name)), firstUnready: unready[0] };
}

export function statefulSet({ object, owned }: Seen): Wish {
  const { replicas, template, podManagementPolicy, serviceName } = docAt(object, 'spec');
  const { name } = object.metadata;
  const revision = `${name}-${hashOf(template)}`;
  const names = Array.from({ length: Math.min(Number(replicas), podsMax) }, (_, index) => `${name}-${index}`);
  const { remove, counts, missing, firstUnready } = inPlaces(owned, names, (pod) => pod.metadata.name, revision);
  const next = podManagementPolicy === 'Parallel' ? missing : missing.filter((place) => place === firstUnready);
  const create = next.slice(0, podsAtOnceMax).map((place) => {
    const index = place.slice(name.length + 1);
    const labels = { 'apps.kubernetes.io/pod-index': index, 'statefulset.kubernetes.io/pod-name': place, [revisionKey]: revision };
    return podOf(object, { name: place }, labels, { hostname: place, ...(serviceName ? { subdomain: serviceName } : {}) });
  });
  const isDone = [counts.live, counts.ready, counts.updated].every((count) => count === replicas);
  const currentRevision = isDone ? revision : textAt(object, 'status', 'currentRevision') || revision;
  const current = owned.filter((pod) => isOf(pod, currentRevision)).length;
  return { put: [reported(object, { ...counts, current, currentRevision, revision })], create, remove };
}

export function daemonSet({ object, owned, nodes }: Seen): Wish {
  const template = docAt(object, 'spec', 'template');
  const revision = hashOf(template);
  const names = nodesFor(template['spec'], nodes);
  const { remove, counts, missing } = inPlaces(owned, names, (pod) => textAt(pod, 'spec', 'nodeName'), revision);
  const create = missing.map((nodeName) => podOf(object, undefined, { [revisionKey]: revision }, { nodeName }));
  return { put: [reported(object, { ...counts, wanted: names.length, unready: names.length - counts.ready })], create, remove };
}

export function job({ object, owned, now }: Seen): Wish {
  const { completions = 1, parallelism, backoffLimit, activeDeadlineSeconds = Infinity, suspend } = docAt(object, 'spec');
  if (isTrue(object, 'Complete') || isTrue(object, 'Failed')) return {};
  const live = owned.filter(isAlive);
  if (suspend === true)
    return { remove: live, put: [reported(object, { ready: 0, conditions: [conditionNamed(object, 'Suspended', now)] })] };
  const ended = (phase: string): number => owned.filter((pod) => textAt(pod, 'status', 'phase') === phase).length;
  const startTime = textAt(object, 'status', 'startTime') || timestamp(now);
  const counts = { startTime, succeeded: ended('Succeeded'), failed: ended('Failed') };
  const leftMs = Date.parse(startTime) + Number(activeDeadlineSeconds) * 1_000 - now;
  const reason =
    (counts.succeeded >= Number(completions) && 'CompletionsReached') ||
    (leftMs <= 0 && 'DeadlineExceeded') ||
    (counts.failed > Number(backoffLimit) && 'BackoffLimitExceeded');
  if (reason) {
    const [sign, last, message] = form(['verdicts', reason], {}) as [string, string, string];
    const conditions = [sign, last].map((name) => conditionNamed(object, name, now, { reason, message }));
    const completionTime = last === 'Complete' ? timestamp(now) : undefined;
    return { remove: live, put: [reported(object, { ...counts, ready: 0, completionTime, conditions })] };
  }
  const create = podsOf(
    object,
    Math.min(Number(parallelism) - live.length, Number(completions) - counts.succeeded - live.length, podsMax - owned.length),
  );
  const report = reported(object, { ...counts, active: live.length, ready: live.filter(isReady).length });
  return { create, put: [report], againMs: leftMs };
}
