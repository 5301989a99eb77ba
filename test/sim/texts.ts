import { rules } from './rules/violations.ts';
import type { Figures, Outcome } from './run.ts';

/** Everything that is needed to understand a failure, and the command that shows it again. */
export function failureText({ seed, beat, violation, last }: Outcome): string {
  if (!violation) return `seed ${seed} held`;
  const lines = [
    `seed ${seed}, beat ${beat}: rule ${violation.rule} is broken (${rules[violation.rule]})`,
    `  ${violation.what}`,
    '  before that:',
    ...last.map((line) => `    ${line}`),
    `  again: npm run sim -- --seed ${seed} --trace`,
  ];
  return lines.join('\n');
}

const none: Figures = { virtualMs: 0, timers: 0, events: 0, writes: 0, deletions: 0, starts: 0 };

export const sumOf = (outcomes: readonly Outcome[]): Figures =>
  outcomes.reduce(
    (sum, { figures }) => ({
      virtualMs: sum.virtualMs + figures.virtualMs,
      timers: sum.timers + figures.timers,
      events: sum.events + figures.events,
      writes: sum.writes + figures.writes,
      deletions: sum.deletions + figures.deletions,
      starts: sum.starts + figures.starts,
    }),
    none,
  );

export function figuresText({ virtualMs, timers, events, writes, deletions, starts }: Figures, seeds: number, seconds: number): string {
  const hours = virtualMs / 3_600_000;
  return `${seeds} seeds, ${hours.toFixed(1)} virtual hours in ${seconds.toFixed(1)} s: ${timers} timers, ${events} events, ${writes} writes, ${deletions} deletions, ${starts} clusters started`;
}
