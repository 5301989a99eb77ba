import { CliError, exits } from '../exits.ts';
import { humanAge } from '../print/ages.ts';
import type { Session } from '../session.ts';
import type { Look, Stalled } from './judge.ts';

export interface WaitOptions {
  readonly timeout: number;
  /** What a decision of the hub may take to show: done only when a second look, this much later, says so too. 0: what is looked at cannot go back. */
  readonly settleMs?: number;
  /** What to tell whoever waits about what does not go on. */
  readonly why: (stalled: Stalled) => Promise<CliError>;
}

const lookEveryMs = 1_000;
/** What the hub may take to begin what supersedes a rollout that is stuck, slow machines included; a false alarm costs more than these seconds. */
const stalledMs = 5_000;
const namedMax = 3;

const listed = (all: readonly string[]): string =>
  all.slice(0, namedMax).join('; ') + (all.length > namedMax ? `; and ${all.length - namedMax} more` : '');

/**
 * Looks until it is done, saying on stderr what is waited for whenever that changes. Throws CliError ROLLOUT_FAILED, TIMED_OUT, and what `why` says once
 * nothing goes on any more; a hub that is away for a while is waited for as well.
 */
export async function waitFor(session: Session, look: () => Promise<Look>, { timeout, settleMs = 0, why }: WaitOptions): Promise<void> {
  const { clock, stop } = session.io;
  const until = clock.monotonicMs() + timeout;
  let said = '';
  let doneAt: number | undefined;
  let stall: Stall | undefined;
  for (;;) {
    const { waitsFor, failed, stalled, left = [], trouble } = await attempt(look);
    if (failed !== undefined)
      throw new CliError('ROLLOUT_FAILED', failed, {
        exit: exits.rolloutFailed,
        next: 'wheelhouse explain CLUSTER/TENANT/APP, or wheelhouse status, says why',
      });
    const now = clock.monotonicMs();
    doneAt = waitsFor.length > 0 ? undefined : (doneAt ?? now);
    if (doneAt !== undefined && now - doneAt >= settleMs) {
      for (const one of left) session.say(`left to you: ${one}`);
      return;
    }
    stall = stalled && stallOf(stalled, now, stall);
    const text = listed(waitsFor);
    if (text !== said && text !== '') session.say(`waiting for ${text}`);
    if (text !== '') said = text;
    if (stalled && stall && now - stall.sinceMs >= stalledMs) throw await why(stalled);
    if (now >= until) throw trouble ?? timedOut(timeout, said);
    await clock.sleep(Math.min(lookEveryMs, Math.max(1, until - now)), stop);
  }
}

interface Stall {
  readonly what: string;
  readonly sinceMs: number;
}

/** One that passes and another that begins are two. The words of a rollout change while it stays the same. */
function stallOf({ tenant, app, environment }: Stalled, nowMs: number, before: Stall | undefined): Stall {
  const what = `${tenant}/${app}.${environment}`;
  return before?.what === what ? before : { what, sinceMs: nowMs };
}

const timedOut = (timeout: number, waited: string): CliError =>
  new CliError('TIMED_OUT', `not done after ${humanAge(timeout)}; still waiting for ${waited || 'it to settle'}`, {
    exit: exits.timedOut,
    next: 'it goes on without this command; give --timeout more, or watch with wheelhouse status',
  });

async function attempt(look: () => Promise<Look>): Promise<Look & { readonly trouble?: CliError }> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof CliError) || error.exit !== exits.unreachable) throw error;
    return { waitsFor: [`the hub: ${error.message}`], trouble: error };
  }
}
