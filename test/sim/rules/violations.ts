import type { Trace } from '../trace.ts';

/** The rules of the design's section "Rules that must always hold" that are held here, by their numbers. */
export const rules = {
  1: 'only content of a release that was signed for that cluster is written',
  2: 'the applied fence never goes back',
  3: 'missing information never deletes',
  4: 'the prune brake',
  5: "no write outside the tenant's namespace, nor under another account",
  6: 'a cluster starts only below the limit, on fresh evidence, and where nobody holds it',
  7: 'nothing is called healthy that is not',
  8: 'one generation names one content',
  9: 'one audit record for each accepted mutation',
  11: 'a reachable spoke converges',
  12: 'every rollout ends, or names what it waits for',
  13: 'a spoke that nobody speaks to goes on correcting drift',
  14: 'steady state is quiet',
} as const;
export type Rule = keyof typeof rules;

export interface Violation {
  readonly rule: Rule;
  readonly what: string;
}

/** Collected, because they are seen in the middle of calls of the very code that is watched: thrown there, it would swallow them. */
export class Violations {
  readonly found: Violation[] = [];
  readonly #trace: Trace;

  constructor(trace: Trace) {
    this.#trace = trace;
  }

  add(rule: Rule, what: string): void {
    this.#trace.add('RULE', `${rule} (${rules[rule]}): ${what}`);
    this.found.push({ rule, what });
  }
}
