/** What ran, as node:test counts it. */
export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const nothing: Totals = { passed: 0, failed: 0, skipped: 0 };

export const sumOf = (all: readonly Totals[]): Totals =>
  all.reduce((a, b) => ({ passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped }), nothing);

/** The line that a run ends with; machines read it. */
export const totalsLine = ({ passed, failed, skipped }: Totals): string => `${passed} passed, ${failed} failed, ${skipped} skipped`;

/**
 * From what the reporter wrote; undefined when it is not the counts of a run, because the run never came to its end. What was cancelled did not pass, so it
 * failed; what is marked "todo" did not count, so it was skipped.
 */
export function parseCounts(text: string): Totals | undefined {
  try {
    const counts = JSON.parse(text) as Record<string, unknown>;
    const number = (name: string): number => {
      const value = counts[name];
      if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw new TypeError(name);
      return value;
    };
    return { passed: number('passed'), failed: number('failed') + number('cancelled'), skipped: number('skipped') + number('todo') };
  } catch {
    return undefined;
  }
}
