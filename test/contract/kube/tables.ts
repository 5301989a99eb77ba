import type { CaseResult } from './types.ts';

/** What must be mended: cases that failed, and those that pass although they are listed as not covered. */
export const failuresOf = (results: readonly CaseResult[]): readonly CaseResult[] =>
  results.filter(({ outcome }) => outcome === 'failed' || outcome === 'stale');

/** What failed and how, what is not covered and why, and a row of counts for each area. Pure. */
export function tableOf(results: readonly CaseResult[]): string {
  const left = results.filter(({ outcome }) => outcome === 'not covered');
  const areas = [...new Set(results.map(({ name }) => name.split('/')[0] ?? ''))];
  const row = (title: string, rows: readonly CaseResult[]): string => {
    const counts = (['passed', 'failed', 'stale', 'not covered'] as const).map(
      (outcome) => rows.filter((result) => result.outcome === outcome).length,
    );
    return [title.padEnd(18), ...[rows.length, ...counts].map((count, index) => String(count).padStart(index === 4 ? 13 : 8))].join('');
  };
  return [
    ...failuresOf(results).flatMap(({ name, outcome, differences = [] }) => [
      `${outcome.toUpperCase()} ${name}`,
      ...differences.map((line) => `    ${line}`),
    ]),
    ...left.map(({ name, reason }) => `not covered ${name}: ${reason}`),
    `${'area'.padEnd(18)}   cases  passed  failed   stale  not covered`,
    ...areas.map((area) =>
      row(
        area,
        results.filter(({ name }) => name.startsWith(`${area}/`)),
      ),
    ),
    row('total', results),
  ].join('\n');
}
