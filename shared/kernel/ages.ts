/**
 * `ms` as kubectl writes ages: two units at most, and the second only while it matters. Stands on nothing outside of itself: a browser is given the text of
 * this very function.
 */
export function humanAge(ms: number): string {
  const second = 1_000;
  const minute = 60 * second;
  const hour = 60 * minute;
  const day = 24 * hour;
  const year = 365 * day;
  const whole = (ms: number, unit: number): number => Math.floor(ms / unit);
  const both = (ms: number, unit: number, word: string, small: number, smallWord: string): string => {
    const rest = whole(ms % unit, small);
    return `${whole(ms, unit)}${word}${rest === 0 ? '' : `${rest}${smallWord}`}`;
  };
  if (ms < 0) return '0s';
  if (ms < 2 * minute) return `${whole(ms, second)}s`;
  if (ms < 10 * minute) return both(ms, minute, 'm', second, 's');
  if (ms < 3 * hour) return `${whole(ms, minute)}m`;
  if (ms < 8 * hour) return both(ms, hour, 'h', minute, 'm');
  if (ms < 2 * day) return `${whole(ms, hour)}h`;
  if (ms < 8 * day) return both(ms, day, 'd', hour, 'h');
  if (ms < 2 * year) return `${whole(ms, day)}d`;
  if (ms < 8 * year) return both(ms, year, 'y', day, 'd');
  return `${whole(ms, year)}y`;
}
