import type { App, Cluster, Placement, Target } from '#hub/api/mod.ts';
import type { Look } from './questions.ts';

type ChangedBy = NonNullable<Placement['status']['changedBy']>;

/** Something that is not as it should be, on as many clusters as it is the same. */
export interface Wrong {
  readonly word: 'Degraded' | 'Unknown' | 'Failed' | 'Paused' | 'Progressing';
  /** `app`, `cluster`, `rollout`, `source` */
  readonly kind: string;
  readonly name: string;
  /** Where it is so, the worst first. */
  readonly clusters: readonly string[];
  readonly reason: string;
  readonly message: string;
  /** When it began on the first of them; null: that is not known. */
  readonly since: string | null;
  /** Since somebody vouched for it, of the one that was heard last; undefined: not a matter of hearing. */
  readonly heardMs?: number | null;
  readonly objects: readonly Placement['status']['unhealthy'][number][];
  readonly changedBy: ChangedBy | null;
}

const order: readonly Wrong['word'][] = ['Degraded', 'Unknown', 'Failed', 'Paused', 'Progressing'];

/** Everything that is wrong, in the order of `wheelhouse status`: the worst first, what is on its way last. What is alike is one. Pure. */
export function wrongsOf({ troubled, silent, absent, targets, apps }: Asked): readonly Wrong[] {
  const all = [
    ...alike(troubled.items, placementKey).map(placementWrong),
    ...alike(silent.items, clusterKey).map(clusterWrong),
    // Nobody misses yet what was never there.
    ...alike(absent.items, clusterKey).map(clusterWrong),
    ...targets.items.filter(({ status }) => ['Failed', 'Paused'].includes(status.rollout?.state ?? '')).map(rolloutWrong),
    ...apps.items.flatMap(sourceWrong),
  ];
  return all.toSorted((a, b) => order.indexOf(a.word) - order.indexOf(b.word));
}

type Asked = Pick<Look, 'troubled' | 'silent' | 'absent' | 'targets' | 'apps'>;

/** By key, the most frequent first. */
const alike = <T>(items: readonly T[], key: (item: T) => string): readonly (readonly T[])[] =>
  [...Map.groupBy(items, key).values()].toSorted((a, b) => b.length - a.length);

const clusterKey = ({ status }: Cluster): string => `${status.reason}\0${withoutNumbers(status.message)}`;

const placementKey = ({ metadata, spec, status }: Placement): string =>
  [metadata.tenant, spec.app, spec.environment, status.health, status.reason, withoutNumbers(status.message), status.releaseAlias].join(
    '\0',
  );

/** Names of pods, counts and seconds differ where the trouble is the same. */
const withoutNumbers = (text: string): string => text.replaceAll(/\b(?=\w*\d)[\w.-]+/g, '#');

function placementWrong(alike: readonly Placement[]): Wrong {
  const { metadata, spec, status } = alike[0] as Placement;
  return {
    word: status.health === 'Degraded' ? 'Degraded' : 'Progressing',
    kind: 'app',
    name: `${metadata.tenant}/${spec.app}.${spec.environment}`,
    clusters: alike.map((one) => one.spec.cluster),
    reason: status.reason,
    message: status.message,
    since: earliest(alike.map((one) => one.status.since)),
    objects: status.unhealthy.filter(({ health }) => health !== 'Healthy'),
    changedBy: status.changedBy,
  };
}

function clusterWrong(alike: readonly Cluster[]): Wrong {
  const { metadata, status } = alike[0] as Cluster;
  return {
    word: 'Unknown',
    kind: 'cluster',
    name: alike.length === 1 ? metadata.name : `${alike.length} clusters`,
    clusters: alike.map((one) => one.metadata.name),
    reason: status.reason,
    message: status.message,
    since: earliest(alike.map((one) => one.status.since)),
    heardMs: latest(alike.map((one) => one.status.connectionAgeMs)),
    objects: [],
    changedBy: alike.length === 1 ? status.changedBy : null,
  };
}

const rolloutWrong = ({ metadata, status }: Target): Wrong => ({
  word: status.rollout?.state === 'Paused' ? 'Paused' : 'Failed',
  kind: 'rollout',
  name: `${metadata.tenant}/${metadata.name}`,
  clusters: [],
  reason: status.rollout?.reason ?? '',
  message: status.rollout?.message ?? '',
  since: null,
  objects: [],
  changedBy: null,
});

function sourceWrong({ metadata, status }: App): readonly Wrong[] {
  const { commit, source } = status;
  const wrong = {
    word: 'Failed',
    kind: 'source',
    name: `${metadata.tenant}/${metadata.name}`,
    clusters: [],
    objects: [],
    changedBy: null,
  } as const;
  return [
    ...(source?.error ? [{ ...wrong, reason: source.error.code, message: source.error.message, since: source.answeredAt }] : []),
    ...(commit?.outcome === 'Failed'
      ? [
          {
            ...wrong,
            reason: 'CommitFailed',
            message: `commit ${commit.commit.slice(0, 7)}: ${commit.outcomeMessage}`,
            since: commit.seenAt,
          },
        ]
      : []),
  ];
}

const earliest = (times: readonly (string | null)[]): string | null => times.filter((time) => time !== null).toSorted()[0] ?? null;
const latest = (ages: readonly (number | null)[]): number | null =>
  ages.reduce<number | null>((least, age) => (age === null ? least : Math.min(age, least ?? age)), null);
