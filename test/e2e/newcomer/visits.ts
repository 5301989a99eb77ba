import { setTimeout as sleep } from 'node:timers/promises';
import type { StartDocument } from '#deploy/local/fleet/mod.ts';
import { newcomer, type Run } from './newcomers.ts';
import { Traces } from './traces.ts';

/** One `npm start -- --once --json` of a newcomer, and what was found after it. */
export interface Visit {
  readonly what: string;
  readonly user: string;
  readonly code: number | null;
  readonly document: StartDocument | undefined;
  readonly stderr: string;
  readonly tookMs: number;
  /** npm's packages. */
  readonly installMs: number;
  /** The servers, until the fleet itself began. */
  readonly serversMs: number;
  readonly seen: Traces['seen'];
  readonly left: readonly string[];
}

const goneMaxMs = 10_000;

/** From an empty npm cache, then once more. */
export async function visits(): Promise<readonly Visit[]> {
  using who = await newcomer();
  const done: Visit[] = [];
  for (const what of ['the first time, all caches empty', 'the second time']) {
    const traces = new Traces(who);
    const run = await who.start(traces.look);
    const left = await whatIsLeft(traces);
    done.push({ what, user: who.user, ...figures(run), stderr: run.stderr, seen: traces.seen, left });
  }
  return done;
}

/** What ends with a moment's delay, such as the guard of a process that has ended, is not left behind. */
async function whatIsLeft(traces: Traces): Promise<readonly string[]> {
  const until = performance.now() + goneMaxMs;
  for (;;) {
    const left = await traces.left();
    if (left.length === 0 || performance.now() > until) return left;
    await sleep(200);
  }
}

function figures({ code, stdout, tookMs, installMs }: Run): Pick<Visit, 'code' | 'document' | 'tookMs' | 'installMs' | 'serversMs'> {
  const document = documentIn(stdout);
  const fleetMs = (document?.took ?? 0) * 1000;
  return { code, document, tookMs, installMs, serversMs: Math.max(0, tookMs - installMs - fleetMs) };
}

/** Undefined: it is not one document and nothing else. */
function documentIn(stdout: string): StartDocument | undefined {
  try {
    return JSON.parse(stdout) as StartDocument;
  } catch {
    return undefined;
  }
}
