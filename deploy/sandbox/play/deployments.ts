import { type Doc, docAt, listAt, same, type Seen, type Stored, textAt, timestamp, type Wish, withAt } from '#shared/kubernetes/mod.ts';
import { conditionNamed, reported } from './forms.ts';
import { controlledBy, hashOf, numberAt } from './workloads.ts';

const revisionKey = 'deployment.kubernetes.io/revision';
const revisionOf = (object: Stored): number => Number(object.metadata.annotations?.[revisionKey] ?? 0);
const withRevision = (object: Stored, revision: number): Stored =>
  withAt(object, ['metadata', 'annotations'], { ...object.metadata.annotations, [revisionKey]: String(revision) });

const size = (set: Stored | undefined): number => numberAt(set, 'spec', 'replicas');
function sized(set: Stored, replicas: number): Stored {
  const generation = (set.metadata.generation ?? 0) + (size(set) === replicas ? 0 : 1);
  return withAt(withAt(set, ['metadata', 'generation'], generation), ['spec', 'replicas'], replicas);
}
const sum = (sets: readonly Stored[], of: (set: Stored) => number): number => sets.reduce((all, set) => all + of(set), 0);

/** A number, or a share of the replicas in percent. */
const share = (value: unknown, of: number, round: (n: number) => number): number =>
  typeof value === 'string' ? round((Number.parseInt(value, 10) * of) / 100) : Number(value ?? 0);

/** A Deployment has a ReplicaSet per template. */
export function deployment({ object, owned: sets, now }: Seen): Wish {
  const { template, strategy, paused, progressDeadlineSeconds } = docAt(object, 'spec');
  const name = `${object.metadata.name}-${hashOf(template)}`;
  const current = sets.find(({ metadata }) => metadata.name === name);
  const old = sets.filter((set) => set !== current);
  const [wanted, have, total] = [size(object), size(current), sum(sets, size)];
  // To recreate is to roll without keeping any.
  const { maxSurge, maxUnavailable = '100%' } = docAt(strategy, 'rollingUpdate');
  const surge = share(maxSurge, wanted, Math.ceil);
  const needed = wanted - Math.max(share(maxUnavailable, wanted, Math.floor), surge === 0 ? 1 : 0);

  const count = (field: string): number => sum(sets, (set) => numberAt(set, 'status', field));
  const [replicas, available, updated] = [count('replicas'), count('availableReplicas'), numberAt(current, 'status', 'replicas')];
  const counts = docAt(reported(object, { replicas, available, updated, unavailable: Math.max(0, total - available) }), 'status');
  // Other counts are progress, and the time for it begins anew.
  const { conditions: said, ...before } = docAt(object, 'status');
  const progressAt = same(counts, before) ? Date.parse(textAt(listAt({ said }, 'said')[0], 'lastUpdateTime')) : now;
  const leftMs = progressAt + Number(progressDeadlineSeconds) * 1_000 - now;
  const isRolled = [replicas, available, updated].every((one) => one === wanted);
  const state = paused ? 'Paused' : isRolled ? 'Rolled' : leftMs > 0 ? 'Rolling' : 'Stuck';
  const conditions = [available >= needed ? 'Available' : 'Unavailable', state].map((one) =>
    conditionNamed(object, one, now, { name, progressAt: timestamp(progressAt) }),
  );
  const report: Stored = { ...object, status: { ...counts, conditions } };
  if (paused) return { put: [report] };

  // Up as far as the surge allows. Down as far as enough stay available: old pods give way only to new ones that are ready.
  const next = Math.min(wanted, have + Math.max(0, wanted + surge - total));
  let spare = total - needed - (have - numberAt(current, 'status', 'availableReplicas'));
  const shrunk = old.map((set) => {
    const gone = Math.max(0, Math.min(size(set), spare));
    spare -= gone;
    return sized(set, size(set) - gone);
  });
  const revision = Math.max(1, current ? revisionOf(current) : 0, ...old.map((set) => revisionOf(set) + 1));
  const put = [...shrunk, ...(current ? [withRevision(sized(current, next), revision)] : []), withRevision(report, revision)];
  return { put, create: current ? [] : [setOf(object, name, next, revision)], ...(state === 'Rolling' ? { againMs: leftMs } : {}) };
}

function setOf(owner: Stored, name: string, replicas: number, revision: number): Doc {
  const hash = name.slice(owner.metadata.name.length + 1);
  const template = withAt(docAt(owner, 'spec', 'template'), ['metadata', 'labels', 'pod-template-hash'], hash);
  const selector = withAt(docAt(owner, 'spec', 'selector'), ['matchLabels', 'pod-template-hash'], hash);
  const annotations = { [revisionKey]: String(revision) };
  const metadata = { name, labels: docAt(template, 'metadata', 'labels'), annotations, ...controlledBy(owner) };
  return { kind: 'ReplicaSet', metadata, spec: { replicas, selector, template } };
}
