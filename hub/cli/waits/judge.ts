import type { App, Rollout, Target } from '#hub/api/mod.ts';
import { leftOut } from '../print/rollouts.ts';
import { brief } from '../print/tables.ts';

/** What one look at something that is waited for found. */
export interface Look {
  /** What it still waits for, each thing named; empty: it is done. */
  readonly waitsFor: readonly string[];
  /** What has ended otherwise than it was waited for. */
  readonly failed?: string;
  /** Nothing of this app moves any more, and somebody has to mend it. It may still be news that is late: it counts once it lasts. */
  readonly stalled?: Stalled;
  /** What only a person can do now: said, not waited for. */
  readonly left?: readonly string[];
}

/** A target that does not go on by itself. */
export interface Stalled {
  readonly tenant: string;
  readonly app: string;
  readonly environment: string;
  /** In the words of its rollout. */
  readonly message: string;
}

// Pure.

/** Waits of a target that end by a person's hand only. */
const forPeople = [
  'ManualPromotion',
  'NotExercised',
  'NothingSelected',
  'NotTargeted',
  'EnvironmentFrozen',
  'FleetFrozen',
  'RolloutSuspended',
  'PredecessorLeftOut',
];

const targetName = ({ metadata }: Target): string => `${metadata.tenant}/${metadata.name}`;

export interface About {
  /** Those that say `ClustersDegraded`, by uid: their counts say whether others go on meanwhile. */
  readonly degraded: ReadonlyMap<string, Rollout>;
  /** Rollouts that were there before the change of which the end is waited for: how they stand says nothing about it. */
  readonly known: ReadonlySet<string>;
}

/** Targets are done when no rollout runs, nothing is waited for but people, and what is placed is healthy. */
export function judgeTargets(targets: readonly Target[], about: About): Look {
  const left = targets.filter(({ status }) => forPeople.includes(status.waiting?.reason ?? ''));
  const stalled = stalledOf(targets, about);
  return {
    waitsFor: targets.flatMap((target) => {
      const why = lackOf(target);
      return why === undefined ? [] : [`${targetName(target)}: ${why}`];
    }),
    left: left.map((target) => `${targetName(target)}: ${target.status.waiting?.message}`),
    ...(stalled && { stalled }),
  };
}

/** While something of an app moves, it may bring what mends the rest of it: a rollout of what is newer supersedes. */
function stalledOf(targets: readonly Target[], about: About): Stalled | undefined {
  const moving = new Set(targets.filter((target) => moves(target, about.degraded)).map(appName));
  const found = targets.find((target) => !moving.has(appName(target)) && stands(target, about));
  if (!found) return undefined;
  const { metadata, spec, status } = found;
  return { tenant: metadata.tenant, ...spec, message: status.rollout?.message ?? '' };
}

const appName = ({ metadata, spec }: Target): string => `${metadata.tenant}/${spec.app}`;

const moves = ({ status: { rollout } }: Target, degraded: About['degraded']): boolean =>
  rollout !== null && !ended(rollout.state) && !isStuck(degraded.get(rollout.uid));

/** Its rollout is stuck, or has ended and left what is placed Degraded, and nothing newer is on its way there by itself. */
function stands({ status: { rollout, waiting, health } }: Target, { degraded, known }: About): boolean {
  if (!rollout || known.has(rollout.uid)) return false;
  if (waiting && !forPeople.includes(waiting.reason)) return false;
  return ended(rollout.state) ? health === 'Degraded' : isStuck(degraded.get(rollout.uid));
}

/**
 * A cluster is Degraded only after the time that it was given, or of what waiting does not mend. Others that are in flight, or that may still start beside
 * it, bring the rollout on; when there are none, most likely only a person does. Not surely: one that is not heard from may come back healthy and make room,
 * and what was Degraded may recover. Whoever waits is better told than kept.
 */
function isStuck(rollout: Rollout | undefined): boolean {
  if (rollout?.status.state !== 'Progressing' || rollout.status.reason !== 'ClustersDegraded') return false;
  const { started, degraded, unreachable, waiting } = rollout.status.clusters;
  return started === 0 && (waiting === 0 || degraded + unreachable >= rollout.spec.maxConcurrent);
}

function lackOf({ status: { rollout, waiting, health, placements } }: Target): string | undefined {
  if (rollout && !ended(rollout.state)) return `rollout ${rollout.state}: ${brief(rollout.message)}`;
  if (waiting && !forPeople.includes(waiting.reason)) return `${waiting.reason}: ${brief(waiting.message)}`;
  if (health !== 'Healthy' && health !== 'Empty') return `${health}, ${placements.healthy} of ${placements.total} placements healthy`;
  return undefined;
}

export const ended = (state: string): boolean => state === 'Succeeded' || state === 'Failed' || state === 'Superseded';

export function judgeRollout(rollout: Rollout): Look {
  const { metadata, spec, status } = rollout;
  const name = `${metadata.tenant}/${spec.app}.${spec.environment} ${spec.release}`;
  if (status.state === 'Succeeded') return { waitsFor: [] };
  if (ended(status.state)) return { waitsFor: [], failed: `${name}: ${status.state}: ${status.reason}: ${status.message}` };
  const { succeeded, unchanged, total } = status.clusters;
  const skipped = leftOut(status.clusters);
  const left = skipped === 0 ? '' : ` (${skipped} left out)`;
  const stalled = { tenant: metadata.tenant, app: spec.app, environment: spec.environment, message: status.message };
  return {
    ...(isStuck(rollout) && { stalled }),
    waitsFor: [`${name}: ${status.state}, ${succeeded + unchanged} of ${total} clusters${left}: ${brief(status.message || status.reason)}`],
  };
}

/** An app's source has been looked at when it answered after `before`, and what it said has become something. */
export function judgeSource({ metadata, status: { source, commit } }: App, before: string | null): Look {
  const name = `${metadata.tenant}/${metadata.name}`;
  if (source?.error) return { waitsFor: [`${name}: its source: ${source.error.code}: ${brief(source.error.message)}`] };
  if (!source || source.answeredAt === null || source.answeredAt === before)
    return { waitsFor: [`${name}: its source has not answered yet`] };
  if (source.commit !== commit?.commit) return { waitsFor: [`${name}: commit ${source.commit.slice(0, 12)} is being packaged`] };
  if (commit.outcome === 'Failed')
    return { waitsFor: [], failed: `${name}: commit ${commit.commit.slice(0, 12)} by ${commit.author}: ${commit.outcomeMessage}` };
  return { waitsFor: [] };
}
