import { setTimeout as sleep } from 'node:timers/promises';

const lookEveryMs = 100;

/** Looks again and again until there is something; throws with what was seen last when time is up. Failing looks count as nothing there. */
export async function eventually<T>(what: string, maxMs: number, look: () => Promise<T | undefined>, seen?: () => string): Promise<T> {
  const until = performance.now() + maxMs;
  for (let problem = ''; ;) {
    try {
      const found = await look();
      if (found !== undefined) return found;
      problem = '';
    } catch (error) {
      problem = String(error);
    }
    if (performance.now() > until) throw new Error(`waited ${maxMs} ms for ${what}: ${[problem, seen?.()].filter(Boolean).join('; ')}`);
    await sleep(lookEveryMs);
  }
}

/** Demands that something holds at every look for as long as that. */
export async function always(forMs: number, check: () => Promise<void>): Promise<void> {
  const until = performance.now() + forMs;
  for (;;) {
    await check();
    if (performance.now() > until) return;
    await sleep(lookEveryMs);
  }
}
