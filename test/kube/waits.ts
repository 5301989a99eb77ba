import { setTimeout as sleep } from 'node:timers/promises';
import { explain } from '#shared/kernel/mod.ts';
import { KubeError } from './errors.ts';
import { type Part, logTail } from './parts.ts';

const POLL_MS = 100;

export interface WaitOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** The processes without which there is nothing to wait for. */
  readonly parts: readonly Part[];
}

/**
 * Asks until `check` neither throws nor says false. `what` names it in errors.
 *
 * Throws START_TIMEOUT with the last answer, START_FAILED as soon as one of the processes ends, the signal's reason when aborted.
 */
export async function waitFor(
  what: string,
  check: () => Promise<boolean | void>,
  { timeoutMs, signal, parts }: WaitOptions,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  let last: unknown = 'not yet';
  while (performance.now() < deadline) {
    signal.throwIfAborted();
    const ended = parts.find((part) => !part.isRunning());
    if (ended)
      throw new KubeError(
        'START_FAILED',
        `${ended.name} ended (${await ended.ended}) before ${what}; ${ended.logFile} says:\n${await logTail(ended)}`,
      );
    try {
      if ((await check()) !== false) return;
    } catch (error) {
      last = error;
    }
    await sleep(POLL_MS, undefined, { signal });
  }
  throw new KubeError('START_TIMEOUT', `waited ${timeoutMs / 1000} s for ${what}: ${explain(last)}`);
}
