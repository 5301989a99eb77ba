import type { Cluster, Placement } from '#hub/api/mod.ts';
import { ageOf, measured } from './ages.ts';
import { painted, type Paint } from './colours.ts';
import { marked } from './holds.ts';
import { brief, personOf, whyText } from './tables.ts';

/** A line and what hangs below it. */
export interface Branch {
  readonly text: string;
  readonly below: readonly Branch[];
}

/** The lines of a tree, as `tree` draws them. Pure. */
export const treeLines = ({ text, below }: Branch): readonly string[] => [
  text,
  ...below.flatMap((branch, i) => hung(branch, i === below.length - 1)),
];

function hung(branch: Branch, last: boolean): readonly string[] {
  const [first = '', ...rest] = treeLines(branch);
  return [`${last ? '└─ ' : '├─ '}${first}`, ...rest.map((line) => `${last ? '   ' : '│  '}${line}`)];
}

/** A cluster, the apps on it, and of each what is not well; with `deep`, also where it came from. Pure. */
export function clusterTree(
  cluster: Cluster,
  placements: readonly Placement[],
  { now, paint, deep }: { now: number; paint: Paint; deep: boolean },
): Branch {
  const { connection, connectionAgeMs, health, reason, message, frozen } = cluster.status;
  const why = reason === health || reason === '' ? '' : `: ${whyText(reason, message, 160)}`;
  return {
    text: `cluster/${cluster.metadata.name} ${painted(marked(health, frozen, 'Frozen'), paint)}, ${painted(connection, paint)}, heard ${measured(connectionAgeMs)} ago${why}`,
    below: placements.map((placement) => placementBranch(placement, now, paint, deep)),
  };
}

function placementBranch({ metadata, spec, status }: Placement, now: number, paint: Paint, deep: boolean): Branch {
  const { health, convergence, reason, message, since, unhealthy, objects } = status;
  const well = health === 'Healthy';
  const [age, why] = well ? ['', ''] : [` for ${ageOf(since, now)}`, `: ${whyText(reason, message, 160)}`];
  const wrong = unhealthy.map((one): Branch => ({
    text: `${one.object} ${painted(one.health, paint)}: ${whyText(one.reason, one.message, 160)}`,
    below: [],
  }));
  const rest = Math.max(0, objects - unhealthy.length);
  const other = wrong.length > 0 || deep ? [{ text: `${rest} ${wrong.length > 0 ? 'other objects' : 'objects'}`, below: [] }] : [];
  return {
    text: `app/${metadata.tenant}/${spec.app} in ${spec.namespace} (${spec.environment}) ${painted(health, paint)}${age}, ${painted(convergence, paint)}${why}`,
    below: [...(deep ? origin(status, now) : []), ...wrong, ...other],
  };
}

function origin({ releaseAlias, wanted, observed, changedBy }: Placement['status'], now: number): readonly Branch[] {
  const commit = changedBy && {
    text: `commit ${changedBy.commit.slice(0, 12)} by ${personOf(changedBy.author)}: ${brief(changedBy.message)}`,
    below: [],
  };
  const rollout = changedBy && {
    text: `rollout/${changedBy.rollout} started by ${changedBy.actor} ${ageOf(changedBy.at, now)} ago${changedBy.reason === '' ? '' : `: ${brief(changedBy.reason)}`}`,
    below: commit ? [commit] : [],
  };
  const behind = wanted === observed ? '' : `, but ${observed === null ? 'nothing' : `revision ${revisionText(observed)}`} is applied`;
  return [{ text: `release ${releaseAlias ?? '<none>'}, revision ${revisionText(wanted)}${behind}`, below: rollout ? [rollout] : [] }];
}

export const revisionText = (revision: string | null): string => revision?.replace(/^sha256:/, '').slice(0, 12) ?? '<none>';
