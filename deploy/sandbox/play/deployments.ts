import { at, docAt, listAt, same, textAt, timestamp, withAt, type Doc, type Stored } from '../values.ts';
import { condition } from './forms.ts';
import type { Seen, Wish } from './wishes.ts';
import { controlledBy, hashOf, numberAt, reported } from './workloads.ts';

// A Deployment has a ReplicaSet per template: pure.

const revisionKey = 'deployment.kubernetes.io/revision';
const revisionOf = (object: Stored): number => Number(object.metadata.annotations?.[revisionKey] ?? 0);
const withRevision = (object: Stored, revision: number): Stored =>
  withAt(object, ['metadata', 'annotations'], { ...object.metadata.annotations, [revisionKey]: String(revision) }) as Stored;

const size = (set: Stored | undefined): number => numberAt(set, 'spec', 'replicas');
const sized = (set: Stored, replicas: number): Stored => {
  const { generation = 1 } = set.metadata;
  const metadata = { ...set.metadata, generation: size(set) === replicas ? generation : generation + 1 };
  return { ...set, metadata, spec: { ...docAt(set, 'spec'), replicas } };
};
const sum = (sets: readonly Stored[], of: (set: Stored) => number): number => sets.reduce((all, set) => all + of(set), 0);

/** A number, or a share of the replicas in percent. */
const share = (value: unknown, of: number, round: (n: number) => number): number =>
  typeof value === 'string' ? round((Number.parseInt(value, 10) * of) / 100) : Number(value ?? 0);

export function deployment(seen: Seen): Wish {
  const { object, owned: sets } = seen;
  const spec = docAt(object, 'spec');
  const name = `${object.metadata.name}-${hashOf(docAt(spec, 'template'))}`;
  const current = sets.find(({ metadata }) => metadata.name === name);
  const old = sets.filter((set) => set !== current);
  const wanted = size(object);
  // To recreate is to roll without keeping any.
  const { maxSurge, maxUnavailable = '100%' } = docAt(spec, 'strategy', 'rollingUpdate');
  const surge = share(maxSurge, wanted, Math.ceil);
  const unavailable = Math.max(share(maxUnavailable, wanted, Math.floor), surge === 0 ? 1 : 0);
  const { report, againMs } = statusOf(seen, { current, name, needed: wanted - unavailable });
  if (spec['paused'] === true) return { put: [report] };

  // Up as far as the surge allows. Down as far as enough stay available: old pods give way only to new ones that are ready.
  const total = sum(sets, size);
  const next = Math.min(wanted, size(current) + Math.max(0, wanted + surge - total));
  let spare = total - (wanted - unavailable) - (size(current) - numberAt(current, 'status', 'availableReplicas'));
  const put: Stored[] = [];
  for (const set of old) {
    const gone = Math.min(size(set), Math.max(0, spare));
    spare -= gone;
    if (gone > 0) put.push(sized(set, size(set) - gone));
  }
  const revision = Math.max(1, current ? revisionOf(current) : 0, ...old.map((set) => revisionOf(set) + 1));
  if (current) put.push(withRevision(sized(current, next), revision));
  put.push(withRevision(report, revision));
  return { put, create: current ? [] : [setOf(object, name, next, revision)], againMs };
}

function setOf(owner: Stored, name: string, replicas: number, revision: number): Doc {
  const hash = name.slice(owner.metadata.name.length + 1);
  const template = withAt(docAt(owner, 'spec', 'template'), ['metadata', 'labels', 'pod-template-hash'], hash);
  const selector = withAt(docAt(owner, 'spec', 'selector'), ['matchLabels', 'pod-template-hash'], hash);
  const annotations = { [revisionKey]: String(revision) };
  const metadata = { name, labels: docAt(template, 'metadata', 'labels'), annotations, ...controlledBy(owner) };
  return { kind: 'ReplicaSet', metadata, spec: { replicas, selector, template } };
}

interface Rollout {
  readonly current: Stored | undefined;
  /** Of the set that is to be. */
  readonly name: string;
  /** So many are enough. */
  readonly needed: number;
}

function statusOf({ object, owned: sets, now }: Seen, { current, name, needed }: Rollout): { report: Stored; againMs: number | undefined } {
  const wanted = size(object);
  const all = (field: string): number => sum(sets, (set) => numberAt(set, 'status', field));
  const [replicas, available, updated] = [all('replicas'), all('availableReplicas'), numberAt(current, 'status', 'replicas')];
  const report = reported(object, { replicas, available, updated, unavailable: Math.max(0, sum(sets, size) - available) });
  // Other counts are progress, and the time for it begins anew.
  const { conditions: said, ...before } = docAt(object, 'status');
  const counts = docAt(report, 'status');
  const progressAt = same(counts, before) ? Date.parse(textAt(listAt({ said }, 'said')[0], 'lastUpdateTime')) : now;
  const leftMs = progressAt + numberAt(object, 'spec', 'progressDeadlineSeconds') * 1_000 - now;
  const isRolled = [replicas, available, updated].every((count) => count === wanted);
  const state = isRolled ? 'Rolled' : leftMs > 0 ? 'Rolling' : 'Stuck';
  const names = [available >= needed ? 'Available' : 'Unavailable', at(object, 'spec', 'paused') === true ? 'Paused' : state];
  const conditions = names.map((one) => condition(object, one, now, { name, progressAt: timestamp(progressAt) }));
  return { report: { ...report, status: { ...counts, conditions } }, againMs: state === 'Rolling' ? leftMs : undefined };
}
