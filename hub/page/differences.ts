const ages = /data-at="(-?\d+)">[^<]*</g;
/** Receipts are told to the millisecond, and the moment of a question moves by some. */
const sameWithinMs = 1_500;

/** Whether a browser that has `before` would show the same as with `after`: ages go on counting by themselves. Pure. */
export function looksSame(before: string, after: string): boolean {
  if (before === after) return true;
  if (before.replaceAll(ages, '') !== after.replaceAll(ages, '')) return false;
  const moments = (text: string): number[] => Array.from(text.matchAll(ages), ([, at]) => Number(at));
  const then = moments(before);
  return moments(after).every((at, i) => Math.abs(at - (then[i] ?? Number.NaN)) <= sameWithinMs);
}
