import type { AssignmentReport } from '#proto/mod.ts';
import { bareHealth, compareFence, fenceText, type HealthState } from '#shared/kernel/mod.ts';
import type { ReportRow } from '#hub/store/mod.ts';
import {
  beatsMax,
  type Connection,
  type Contact,
  type Dispatched,
  type Evidence,
  type Reported,
  type Silence,
  type Timing,
} from './model.ts';

/** Why a contact vouches for nothing; undefined: it does. Silence never becomes good or bad news, only no news. */
export function silenceOf(contact: Contact | undefined, { nowMs, beatMs, settling }: Timing): Silence | undefined {
  if (!contact) return settling ? 'Settling' : 'NotConnected';
  // The spoke says itself that it sees nothing, or says what it cannot show: no need to wait until its last good beat has aged.
  if (contact.connected && (contact.doubt === 'ClusterApiSilent' || contact.doubt === 'FenceUnproven')) return contact.doubt;
  if (contact.vouchedMs !== undefined && nowMs - contact.vouchedMs <= beatsMax * beatMs) return undefined;
  if (settling) return 'Settling';
  if (!contact.connected) return 'NotConnected';
  if (contact.doubt) return contact.doubt;
  return 'SpokeSilent';
}

/** Whether any beat came lately, whatever it said: what settling counts. */
export const isHeard = (contact: Contact | undefined, { nowMs, beatMs }: Pick<Timing, 'nowMs' | 'beatMs'>): boolean =>
  contact?.beatMs !== undefined && nowMs - contact.beatMs <= beatsMax * beatMs;

/** Whether the spoke is there: it beats, or has come so lately that it need not have yet. `everConnected`: the record has facts of it. */
export function connectionAt(contact: Contact | undefined, everConnected: boolean, timing: Omit<Timing, 'settling'>): Connection {
  if (!contact) return { state: everConnected ? 'Disconnected' : 'NeverConnected', ageMs: null };
  const { nowMs, beatMs } = timing;
  const live = contact.connected && (isHeard(contact, timing) || nowMs - contact.sinceMs <= beatsMax * beatMs);
  return { state: live ? 'Connected' : 'Disconnected', ageMs: Math.max(0, nowMs - (contact.beatMs ?? contact.sinceMs)) };
}

/** What a silence means, as a sentence. */
export const silenceText: Readonly<Record<Silence, string>> = {
  ClusterApiSilent: 'the spoke beats, but its API server does not answer',
  FenceUnproven: 'the spoke says that it holds a state which this hub has not given to it, and does not show it',
  ReportsOutOfDate: 'the spoke holds newer reports than the hub',
  SpokeSilent: 'the stream is open, but no beat has come for three intervals',
  NotConnected: 'the spoke is not connected',
  Settling: 'the hub has just started or lost many streams, and waits until it hears its clusters again',
};

/** What is wanted of a placement, by what its evidence is judged. */
export interface Wanted {
  readonly revision: string;
  readonly mode: 'Enforce' | 'Observe' | 'Suspended';
  /** undefined: nothing has been, ever. */
  readonly dispatched: Dispatched | undefined;
}

/**
 * Why nothing that the spoke says can be about the last move of this placement; undefined: it can. It may have run this revision before, and may be about to
 * leave it for one in between, so that its report alone proves nothing.
 */
function unheardOf({ revision, dispatched }: Wanted, contact: Contact | undefined): { reason: string; message: string } | undefined {
  if (dispatched?.revision !== revision)
    return { reason: 'NotDispatched', message: 'the hub has not written it into the desired state of the cluster yet' };
  const held = contact?.fence ?? { epoch: 0, generation: 0 };
  if (compareFence(held, dispatched) >= 0) return undefined;
  const message = `the spoke has accepted ${fenceText(held)}, what is wanted went out with ${fenceText(dispatched)}`;
  if (dispatched.published) return { reason: 'NotReceived', message };
  return { reason: 'NotPublished', message: `${message}: waits for the bus (NATS), which has not taken it` };
}

/**
 * Healthy only when a recent beat vouches for a report that says so about this very revision, from a spoke that has accepted the move to it. Everything else
 * is Progressing, Degraded or Unknown, with the reason. Pure.
 */
export function evidenceOf(wanted: Wanted, reported: Reported | undefined, contact: Contact | undefined, timing: Timing): Evidence {
  const ageMs = Math.max(0, timing.nowMs - (contact?.vouchedMs ?? contact?.sinceMs ?? 0));
  const revisionApplied = reported?.revisionApplied ?? '';
  const silence = silenceOf(contact, timing);
  const say = (health: HealthState, reason: string, message: string): Evidence => ({
    health,
    revisionApplied,
    reason,
    message,
    ageMs,
    vouched: silence === undefined,
  });
  if (silence)
    return say('Unknown', silence, contact?.doubt === silence && contact.doubtMessage ? contact.doubtMessage : silenceText[silence]);
  if (!wanted.revision) return say('Unknown', 'NothingWanted', 'nothing has been started here yet');
  if (!reported) return say('Unknown', 'NoReport', 'the spoke has said nothing about this placement yet');
  // A person who has suspended it must not believe that it is left alone before the spoke says so.
  if (wanted.mode === 'Suspended' && reported.health !== 'Suspended')
    return say('Progressing', 'NotReceived', 'the spoke has not said yet that it leaves it alone');
  if (wanted.mode !== 'Enforce') return say('Suspended', wanted.mode, `mode is ${wanted.mode}: gives no evidence`);
  const unheard = unheardOf(wanted, contact);
  if (unheard) return say('Progressing', unheard.reason, unheard.message);
  if (reported.revisionWanted !== wanted.revision && reported.revisionApplied !== wanted.revision)
    return say('Progressing', 'NotReceived', 'the spoke has not yet taken up the wanted revision');
  // Works on it: what went wrong on the way is about the new revision, although the old one is still what runs.
  if (reported.revisionApplied !== wanted.revision)
    return reported.health === 'Degraded'
      ? say('Degraded', reported.reason, reported.message)
      : say('Progressing', reported.reason || 'Applying', reported.message);
  // Applied it once, works on another one now: an older desired state has not been superseded there yet.
  if (reported.revisionWanted !== wanted.revision) return say('Progressing', 'NotReceived', 'the spoke works on another revision');
  return say(reported.health, reported.reason, reported.message);
}

export const reportedOf = (row: Omit<ReportRow, 'value' | 'placement_id' | 'since'>): Reported => ({
  revisionWanted: row.revision_wanted,
  revisionApplied: row.revision_applied,
  health: bareHealth(row.health),
  reason: row.reason,
  message: row.message,
  receivedAt: row.received_at,
});

/** The columns of a report that decide, beside its exact bytes. `before` is what it replaces: a repeat is not a transition. */
export function reportRow(placementId: number, value: Uint8Array, report: AssignmentReport, now: number, before?: ReportRow): ReportRow {
  const row = {
    placement_id: placementId,
    value,
    revision_wanted: report.revisionWanted,
    revision_applied: report.revisionApplied,
    health: bareHealth(report.health),
    reason: report.reason,
    message: report.message,
    received_at: now,
  };
  const same = before?.health === row.health && before.reason === row.reason && before.revision_applied === row.revision_applied;
  return { ...row, since: same ? before.since : now };
}
