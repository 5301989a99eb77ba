import type { App, Rollout, Target } from '#hub/api/mod.ts';
import { leftOut } from '../print/rollouts.ts';
import { brief } from '../print/tables.ts';

/** What one look at something that is waited for found. */
export interface Look {
  /** What it still waits for, each thing named; empty: it is done. */
  readonly waitsFor: readonly string[];
  /** A rollout that failed: waiting on would be in vain. */
  readonly failed?: string;
  /** What only a person can do now: said, not waited for. */
  readonly left?: readonly string[];
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

/** Targets are done when no rollout runs, nothing is waited for but people, and what is placed is healthy. `known`: rollouts that had failed before. */
export function judgeTargets(targets: readonly Target[], known: ReadonlySet<string>): Look {
  const failed = targets.find(({ status: { rollout } }) => rollout?.state === 'Failed' && !known.has(rollout.uid));
  if (failed) return { waitsFor: [], failed: `${targetName(failed)}: ${failed.status.rollout?.reason}: ${failed.status.rollout?.message}` };
  const left = targets.filter(({ status }) => forPeople.includes(status.waiting?.reason ?? ''));
  return {
    waitsFor: targets.flatMap((target) => {
      const why = lackOf(target);
      return why === undefined ? [] : [`${targetName(target)}: ${why}`];
    }),
    left: left.map((target) => `${targetName(target)}: ${target.status.waiting?.message}`),
  };
}

function lackOf({ status: { rollout, waiting, health, placements } }: Target): string | undefined {
  if (rollout && !ended(rollout.state)) return `rollout ${rollout.state}: ${brief(rollout.message)}`;
  if (waiting && !forPeople.includes(waiting.reason)) return `${waiting.reason}: ${brief(waiting.message)}`;
  if (health !== 'Healthy' && health !== 'Empty') return `${health}, ${placements.healthy} of ${placements.total} placements healthy`;
  return undefined;
}

export const ended = (state: string): boolean => state === 'Succeeded' || state === 'Failed' || state === 'Superseded';

export function judgeRollout({ metadata, spec, status }: Rollout): Look {
  const name = `${metadata.tenant}/${spec.app}.${spec.environment} ${spec.release}`;
  if (status.state === 'Succeeded') return { waitsFor: [] };
  if (ended(status.state)) return { waitsFor: [], failed: `${name}: ${status.state}: ${status.reason}: ${status.message}` };
  const { succeeded, unchanged, total } = status.clusters;
  const skipped = leftOut(status.clusters);
  const left = skipped === 0 ? '' : ` (${skipped} left out)`;
  return {
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
