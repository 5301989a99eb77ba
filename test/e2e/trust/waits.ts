import { setTimeout as sleep } from 'node:timers/promises';
import { explain } from '#shared/kernel/mod.ts';

const lookEveryMs = 50;

/** Asks until the answer is true. Any other answer is why not yet, and is told when time runs out; an error that is thrown ends the wait at once. */
export async function until(what: string, ask: () => unknown, maxMs = 60_000): Promise<void> {
  const end = performance.now() + maxMs;
  for (;;) {
    const answer = await ask();
    if (answer === true) return;
    if (performance.now() > end) throw new Error(`waited ${maxMs / 1000} s, and not: ${what}; last seen: ${shown(answer)}`);
    await sleep(lookEveryMs);
  }
}

/** Like `until`, and gives what was found; undefined means not yet. */
export async function untilFound<T>(what: string, find: () => Promise<T | undefined> | T | undefined, maxMs = 60_000): Promise<T> {
  let found: T | undefined;
  await until(what, async () => (found = await find()) !== undefined, maxMs);
  return found as T;
}

const shown = (answer: unknown): string =>
  answer instanceof Error ? explain(answer) : (JSON.stringify(answer)?.slice(0, 2_000) ?? 'nothing');
