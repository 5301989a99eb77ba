import type { Event, Placement, Rollout, Target } from '#hub/api/mod.ts';
import { ageOf, measured } from './ages.ts';
import { painted, type Paint } from './colours.ts';
import { holdsOn, releaseTexts, stoppedLines } from './holds.ts';
import { rolloutText } from './rollouts.ts';
import { driftLines, eventLine } from './series.ts';
import { brief, personOf, whyText } from './tables.ts';
import { revisionText } from './trees.ts';

export interface Chain {
  readonly placement: Placement;
  readonly target: Target | undefined;
  /** The one that set what is wanted; undefined: none has. */
  readonly rollout: Rollout | undefined;
  /** The latest events that concern it, oldest first. */
  readonly lately: readonly Event[];
}

const line = (title: string, text: string): string => `${title.padEnd(13)}${text}`;

/**
 * One causal chain: what is wanted, why, how it stands with it, what it waits for, since when. Each line follows from the one above. Pure.
 */
export function chainLines(
  { placement, target, rollout, lately }: Chain,
  { now, paint }: { readonly now: number; readonly paint: Paint },
): readonly string[] {
  const { metadata, spec, status } = placement;
  const holds = holdsOn(status);
  const wait = [...waitsFor(placement, target, rollout), ...releaseTexts(holds, spec, metadata.tenant)];
  const well = status.health === 'Healthy' && wait.length === 0;
  return [
    `${spec.cluster}/${metadata.tenant}/${spec.app} ${painted(status.health, paint)}${status.since === null ? '' : ` for ${ageOf(status.since, now)}`} (namespace ${spec.namespace}, environment ${spec.environment})`,
    ...wantedLines(placement, now),
    ...stoppedLines(holds, now).map((text, i) => line(i === 0 ? 'stopped' : '', text)),
    line('connection', `${painted(status.connection, paint)}, heard ${measured(status.connectionAgeMs)} ago`),
    line('convergence', `${painted(status.convergence, paint)}: ${appliedText(status)}`),
    line('health', `${painted(status.health, paint)}, ${measured(status.healthAgeMs)} old: ${whyText(status.reason, status.message, 240)}`),
    ...status.unhealthy.map((one) => line('', `${one.object} ${painted(one.health, paint)}: ${whyText(one.reason, one.message, 240)}`)),
    ...driftLines(status, now).map((text, i) => line(i === 0 ? 'drift' : '', text)),
    ...(wait.length === 0
      ? [line('waits for', well ? 'nothing' : 'itself: it will be well, or say more')]
      : wait.map((text, i) => line(i === 0 ? 'waits for' : '', text))),
    ...lately.map((event, i) => line(i === 0 ? 'lately' : '', eventLine(event, now))),
  ];
}

function wantedLines({ status }: Placement, now: number): readonly string[] {
  const { changedBy, releaseAlias, wanted, state, holdReason } = status;
  const held = state === 'Held' ? [line('held', `${holdReason}: it keeps what it has`)] : [];
  if (wanted === null || !changedBy) return [...held, line('wanted', 'nothing yet: no rollout has reached it')];
  const { rollout, actor, reason, at, commit, author, message } = changedBy;
  return [
    ...held,
    line('wanted', `release ${releaseAlias ?? '<none>'} as revision ${revisionText(wanted)}`),
    line('why', `rollout/${rollout}, started by ${actor} ${ageOf(at, now)} ago${reason === '' ? '' : `: ${brief(reason)}`}`),
    line('', `commit ${commit.slice(0, 12)} by ${personOf(author)}: ${brief(message)}`),
  ];
}

function appliedText({ wanted, observed, convergence }: Placement['status']): string {
  if (convergence === 'Unknown')
    return observed === null ? 'nothing was ever reported' : `revision ${revisionText(observed)} was reported last`;
  if (wanted === null) return 'nothing is wanted';
  if (observed === wanted) return 'the wanted revision is applied';
  return observed === null ? 'nothing is applied yet' : `revision ${revisionText(observed)} is still applied`;
}

/** Outside in: the contact without which nothing else is known, the rollout that has it, the next promotion. */
function waitsFor({ status, spec }: Placement, target: Target | undefined, rollout: Rollout | undefined): readonly string[] {
  const waits: string[] = [];
  if (status.connection !== 'Connected') waits.push(`cluster ${spec.cluster} to connect`);
  else if (status.health === 'Unknown') waits.push('a report that a beat vouches for');
  else if (status.convergence === 'NotReceived') waits.push('the agent to take up what is wanted');
  else if (status.health === 'Degraded') waits.push('somebody to mend it: a new commit, or a change in the cluster');
  else if (status.health === 'Progressing') waits.push('its objects to become ready');
  if (rollout && !['Succeeded', 'Superseded'].includes(rollout.status.state)) waits.push(`rollout ${rolloutText(rollout)}`);
  const { currentAlias } = target?.status ?? {};
  if (holdsOn(status).length > 0 && currentAlias && currentAlias !== status.releaseAlias)
    waits.push(`release ${currentAlias}, which has gone past it in environment ${spec.environment}`);
  // Another one of the target, which has not reached it yet.
  const other = target?.status.rollout;
  if (other && other.uid !== status.changedBy?.rollout && !['Succeeded', 'Superseded', 'Failed'].includes(other.state))
    waits.push(`rollout/${other.uid} ${other.state}: ${whyText(other.reason, other.message, 160)}`);
  if (target?.status.waiting) waits.push(`promotion: ${whyText(target.status.waiting.reason, target.status.waiting.message, 160)}`);
  return waits;
}
