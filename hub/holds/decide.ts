import { put, remove, type Decision, type HoldRow, type PlacementRow, type RolloutRow, type Write } from '#hub/store/mod.ts';
import { HoldError } from './errors.ts';
import { actionOf, timeText, waitOf, type Scope } from './model.ts';

/** The thing that is held or released, with everything that follows from it. */
export interface Found {
  readonly scope: Scope;
  /** 0: the fleet. */
  readonly id: number;
  readonly name: string;
  /** As the audit log has it: Kind/name, Kind/tenant/name. */
  readonly subject: string;
  readonly existing: HoldRow | undefined;
  /** What an app's or a placement's suspension is about. */
  readonly placements: readonly PlacementRow[];
  /** Ids of those that another suspension holds as well. */
  readonly heldOtherwise: ReadonlySet<number>;
  /** The rollout that it is. */
  readonly rollout: RolloutRow | undefined;
  /** Rollouts that have not ended and have to look again. */
  readonly rolloutIds: readonly number[];
  readonly targetIds: readonly number[];
}

export interface Ask {
  readonly does: 'hold' | 'release';
  readonly actor: string;
  readonly reason: string;
  /** Epoch milliseconds; null: until somebody releases it. */
  readonly until: number | null;
  readonly dryRun: boolean;
}

export interface Changed {
  /** False: it was so already. */
  readonly changed: boolean;
  /** As it is now, or would be. */
  readonly hold: HoldRow | null;
  /** Rollouts that have not ended and are concerned. */
  readonly rollouts: number;
  /** Placements whose mode changes. */
  readonly placements: number;
}

/**
 * What holding or releasing something writes: its row, the mode of what it suspends, the state of the rollout that it stops, one audit row, and who has to look
 * again. Repeated, it changes nothing. Pure. Throws HoldError HOLD_INVALID, ROLLOUT_ENDED.
 */
export function decide(found: Found, ask: Ask, now: number): Decision<Changed> {
  const { scope, id, existing } = found;
  const hold = ask.does === 'hold' ? held(found, ask, now) : null;
  const changed = hold ? !same(hold, existing) : existing !== undefined;
  const placements = changed ? movedBy(found, ask.does) : [];
  const result: Changed = {
    changed,
    hold: changed ? hold : (existing ?? null),
    rollouts: found.rolloutIds.length,
    placements: placements.length,
  };
  if (!changed || ask.dryRun) return { result };
  const writes: Write[] = [hold ? put('holds', hold) : remove('holds', { scope, subject_id: id })];
  for (const placement of placements) writes.push(put('placements', { ...placement, updated_at: now }));
  if (found.rollout && found.rollout.finished_at === null) writes.push(put('rollouts', rolloutOf(found.rollout, hold, found.name)));
  const { actor, reason } = ask;
  const detail = {
    until: hold?.until === undefined || hold.until === null ? null : timeText(hold.until),
    since: timeText(hold?.since ?? existing?.since ?? now),
    by: existing?.actor ?? null,
    rollouts: result.rollouts,
    placements: result.placements,
  };
  return {
    result,
    writes,
    audit: { actor, action: actionOf(scope, ask.does), subject: found.subject, reason, detail },
    outbox: [
      ...new Set(placements.map(({ cluster_id }) => `dispatch:${cluster_id}`)),
      // What a target may take is decided before an older rollout of it goes on.
      ...found.targetIds.map((target) => `target:${target}`),
      ...found.rolloutIds.map((rollout) => `rollout:${rollout}`),
    ],
  };
}

function held({ scope, id, subject, existing, rollout }: Found, { actor, reason, until }: Ask, now: number): HoldRow {
  if (reason.trim() === '') throw new HoldError('HOLD_INVALID', `${subject}: a reason is needed: everybody who waits for it reads it`);
  if (until !== null && until <= now) throw new HoldError('HOLD_INVALID', `${subject}: it would have ended already, at ${timeText(until)}`);
  if (rollout && rollout.finished_at !== null)
    throw new HoldError('ROLLOUT_ENDED', `${subject} has ended (${rollout.state}, ${rollout.reason}): there is nothing left to suspend`);
  return { scope, subject_id: id, actor, reason, since: existing?.since ?? now, until };
}

/** Whoever says the same again has changed nothing, not even who said it. */
const same = (hold: HoldRow, existing: HoldRow | undefined): boolean => hold.reason === existing?.reason && hold.until === existing.until;

/** The placements that get another mode. What another suspension holds stays so. */
function movedBy({ placements, heldOtherwise }: Found, does: Ask['does']): PlacementRow[] {
  if (does === 'hold') return placements.filter(({ mode }) => mode === 'Enforce').map((p) => ({ ...p, mode: 'Suspended' as const }));
  return placements
    .filter(({ id, mode }) => mode === 'Suspended' && !heldOtherwise.has(id))
    .map((p) => ({ ...p, mode: 'Enforce' as const }));
}

const rolloutOf = (rollout: RolloutRow, hold: HoldRow | null, name: string): RolloutRow =>
  hold ? { ...rollout, state: 'Paused', ...waitOf(hold, name) } : { ...rollout, state: 'Progressing', reason: 'Progressing', message: '' };
