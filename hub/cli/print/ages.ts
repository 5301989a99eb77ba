import { humanAge } from '#shared/kernel/mod.ts';

export { humanAge };

/** The age of an ISO time at `now`; `<unknown>` when there is none. */
export function ageOf(time: string | null | undefined, now: number): string {
  const at = Date.parse(time ?? '');
  return Number.isNaN(at) ? '<unknown>' : humanAge(now - at);
}

/** An age that was measured, not computed from two clocks. */
export const measured = (ageMs: number | null): string => (ageMs === null ? '<unknown>' : humanAge(ageMs));
