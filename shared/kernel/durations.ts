const units = [86_400_000, 3_600_000, 60_000, 1_000, 1] as const;
const pattern = /^(?=\d)(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?(?:(\d{1,9})ms)?$/;

/**
 * `250ms`, `90s`, `1h30m`, `30d` in milliseconds: days, hours, minutes, seconds, milliseconds, in this order, each at most once, in whole numbers; undefined:
 * not a duration. Neither fractions nor another order: there is one way to write it that nobody misreads.
 */
export function durationMs(text: string): number | undefined {
  const parts = pattern.exec(text)?.slice(1);
  const ms = parts?.reduce((sum, part, i) => sum + Number(part ?? 0) * (units[i] ?? 0), 0);
  return ms !== undefined && Number.isSafeInteger(ms) ? ms : undefined;
}
