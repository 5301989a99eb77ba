import { CliError, exits } from '../exits.ts';
import { humanAge } from '../print/ages.ts';
import type { Session } from '../session.ts';
import type { Look } from './judge.ts';

export interface WaitOptions {
  readonly timeout: number;
  /** What a decision of the hub may take to show: done only when a second look, this much later, says so too. 0: what is looked at cannot go back. */
  readonly settleMs?: number;
}

const lookEveryMs = 1_000;
const namedMax = 3;

const listed = (all: readonly string[]): string =>
  all.slice(0, namedMax).join('; ') + (all.length > namedMax ? `; and ${all.length - namedMax} more` : '');

/**
 * Looks until it is done, saying on stderr what is waited for whenever that changes. Throws CliError ROLLOUT_FAILED, TIMED_OUT; a hub that is away for a
 * while is waited for as well.
 */
export async function waitFor(session: Session, look: () => Promise<Look>, { timeout, settleMs = 0 }: WaitOptions): Promise<void> {
  const { clock, stop } = session.io;
  const until = clock.monotonicMs() + timeout;
  let said = '';
  let doneAt: number | undefined;
  for (;;) {
    const { waitsFor, failed, left = [], trouble } = await attempt(look);
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
    const text = listed(waitsFor);
    if (text !== said && text !== '') session.say(`waiting for ${text}`);
    if (text !== '') said = text;
    if (now >= until) throw trouble ?? timedOut(timeout, said);
    await clock.sleep(Math.min(lookEveryMs, Math.max(1, until - now)), stop);
  }
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
