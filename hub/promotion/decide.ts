import { listed } from '#hub/rollouts/mod.ts';

export interface Wait {
  /** CamelCase; '' when for nothing. */
  readonly reason: string;
  readonly message: string;
}

/** An environment before this one that the app has a target in. */
export interface Predecessor {
  readonly environment: string;
  readonly currentReleaseId: number | null;
  readonly exercised: boolean;
  /** A rollout of it has not ended. */
  readonly running: boolean;
  /** Active placements. */
  readonly placements: number;
  /** Where there are none: names of the clusters that it selects, which have not enrolled yet. */
  readonly unenrolled: readonly string[];
  /** Those that are not, at this moment, vouched Healthy at their wanted revision: `cluster (reason)`. */
  readonly unproven: readonly string[];
  /** Those that say nothing about the release, neither way: suspended, or frozen at another content. */
  readonly leftOut: readonly string[];
  /** Some placement that is not left out is Healthy now. */
  readonly proven: boolean;
}

export interface Offer {
  readonly environment: string;
  readonly mode: 'Automatic' | 'Manual';
  readonly allowUnexercised: boolean;
  /** Newest first: the newest that has something for this environment, and those that the predecessors have. */
  readonly releases: readonly { readonly id: number; readonly alias: string; readonly hasVariant: boolean }[];
  readonly currentReleaseId: number | null;
  /** Release of the target's rollout that has not ended. */
  readonly runningReleaseId: number | null;
  /** Release that somebody has asked for by an audited command. */
  readonly approvedReleaseId: number | null;
  readonly predecessors: readonly Predecessor[];
  /** Names of the clusters that the environment selects. */
  readonly enrolled: number;
  readonly unenrolled: readonly string[];
  /** A person has frozen the environment or the fleet: nothing begins. */
  readonly frozen: Wait | undefined;
  /** A person has suspended the rollout that has not ended. */
  readonly suspended: Wait | undefined;
  readonly settling: boolean;
  readonly recordBehind: boolean;
}

export interface Choice {
  /** What the target's clusters should be brought to; null: nothing may be started. */
  readonly releaseId: number | null;
  readonly wait: Wait;
}

const nothing: Wait = { reason: '', message: '' };

/**
 * Which release a target may take: the newest one that its predecessors prove at this moment, never an older one than it has. Whatever it waits for is named;
 * meanwhile it stays with what it has, so that joining clusters and changed inputs go on. Pure.
 */
export function decide(offer: Offer): Choice {
  const { enrolled, unenrolled, environment, recordBehind } = offer;
  const kept = latest(offer.currentReleaseId, offer.runningReleaseId);
  if (recordBehind)
    return { releaseId: null, wait: { reason: 'RecordBehind', message: 'the record is older than what spokes hold: waits for recover' } };
  if (offer.frozen) return { releaseId: null, wait: offer.frozen };
  const choice = next(offer, kept);
  // Nothing begins by itself beside a rollout that a person has stopped; a release that a person promotes supersedes it.
  if (offer.suspended && offer.approvedReleaseId !== choice.releaseId) return { releaseId: null, wait: offer.suspended };
  if (enrolled > 0) return choice.wait.reason === '' && unenrolled.length > 0 ? { ...choice, wait: notEnrolled(unenrolled) } : choice;
  // Over no cluster at all a rollout ends at once and proves nothing; where clusters are only late, it waits for them.
  if (unenrolled.length > 0) return { releaseId: null, wait: notEnrolled(unenrolled) };
  return { ...choice, wait: { reason: 'NothingSelected', message: `environment ${environment} selects no cluster` } };
}

const latest = (a: number | null, b: number | null): number | null => (a === null || b === null ? (a ?? b) : Math.max(a, b));

const notEnrolled = (names: readonly string[]): Wait => ({
  reason: 'NotEnrolled',
  message: `selected, but not enrolled: ${listed(names)}`,
});

function next(offer: Offer, kept: number | null): Choice {
  const stay = (reason: string, message: string): Choice => ({ releaseId: kept, wait: { reason, message } });
  const { predecessors, releases } = offer;
  const candidate = predecessors.length === 0 ? releases.find(({ hasVariant }) => hasVariant)?.id : agreed(predecessors);
  if (typeof candidate === 'object') return stay(candidate.reason, candidate.message);
  if (candidate === undefined) return stay('NoRelease', 'the app has no release for this environment yet');
  if (kept !== null && candidate <= kept) return { releaseId: kept, wait: nothing };
  const release = releases.find(({ id }) => id === candidate);
  if (!release?.hasVariant)
    return stay('NoVariant', `release ${release?.alias ?? candidate} has nothing for environment ${offer.environment}`);
  for (const predecessor of predecessors) {
    const lack = lacks(predecessor, release.alias, {
      allowUnexercised: offer.allowUnexercised,
      approved: offer.approvedReleaseId === candidate,
    });
    if (lack) return stay(lack.reason, lack.message);
  }
  if (offer.mode === 'Manual' && offer.approvedReleaseId !== candidate)
    return stay('ManualPromotion', `release ${release.alias} is ready: promote it by hand`);
  if (offer.settling) return stay('Settling', 'the hub waits until it hears its clusters again');
  return { releaseId: candidate, wait: nothing };
}

/** The one release that all predecessors have, or what keeps them from having one. */
function agreed(predecessors: readonly Predecessor[]): number | Wait {
  const empty = predecessors.find(({ placements }) => placements === 0);
  if (empty && empty.unenrolled.length > 0)
    return {
      reason: 'PredecessorNotEnrolled',
      message: `environment ${empty.environment} has no clusters yet; selected, but not enrolled: ${listed(empty.unenrolled)}`,
    };
  if (empty)
    return {
      reason: 'PredecessorHasNoClusters',
      message: `environment ${empty.environment} has no clusters, so nothing can prove itself there`,
    };
  const behind = predecessors.find(({ currentReleaseId }) => currentReleaseId === null);
  if (behind) return { reason: 'PredecessorNotThere', message: `environment ${behind.environment} has finished no rollout yet` };
  const [first] = predecessors;
  const other = predecessors.find(({ currentReleaseId }) => currentReleaseId !== first?.currentReleaseId);
  if (!first || other)
    return {
      reason: 'PredecessorsDiffer',
      message: `environments ${listed(predecessors.map((p) => p.environment))} do not have the same release`,
    };
  return first.currentReleaseId ?? 0;
}

/** What is missing before this predecessor proves the release; undefined: nothing. */
function lacks(
  { environment, running, exercised, unproven, leftOut, proven }: Predecessor,
  alias: string,
  { allowUnexercised, approved }: { readonly allowUnexercised: boolean; readonly approved: boolean },
): Wait | undefined {
  if (running) return { reason: 'PredecessorRollingOut', message: `a rollout in environment ${environment} has not ended` };
  // Not what allowUnexercised is for: there it would change something, had nobody stopped it. Freezing a first environment must not send what is untested on.
  if (!proven && unproven.length === 0 && !approved)
    return { reason: 'PredecessorLeftOut', message: `nothing in environment ${environment} can prove it now: ${listed(leftOut)}` };
  if (!exercised && !allowUnexercised && !approved)
    return { reason: 'NotExercised', message: `release ${alias} has changed nothing in environment ${environment}: approve it by hand` };
  if (unproven.length > 0)
    return { reason: 'PredecessorNotHealthy', message: `environment ${environment} is not healthy now: ${listed(unproven)}` };
  return undefined;
}
