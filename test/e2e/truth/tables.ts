import { boundMs, type Report, type Story } from './stories.ts';

const seconds = (value: number | null): string => (value === null ? 'never' : value.toFixed(1));

/** The API first, then the others where they came later. */
function timesText({ afterSeconds }: Story): string {
  return Object.entries(afterSeconds)
    .map(([view, value]) => `${view} ${seconds(value)}`)
    .join(', ');
}

/** For people: a row for each case. Pure. */
export function tableOf({ kubernetes, beatSeconds, samples, stories, broken }: Report): string {
  const head = ['case', 'shown as', 'reason', 'after (s)', 'bound', 'falsely healthy', 'others disturbed'];
  const rows = stories.map((one) => [
    one.name,
    one.shownAs,
    one.reason,
    seconds(one.lastSeconds),
    String(boundMs / 1000),
    String(one.falselyHealthy),
    one.othersDisturbed.join('; ') || '0',
  ]);
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd();
  return [
    line(head),
    line(widths.map((width) => '-'.repeat(width))),
    ...rows.map(line),
    '',
    ...stories.map((one) => `${one.name}: ${timesText(one)}`),
    '',
    `${kubernetes} clusters, a beat every ${beatSeconds} s, ${samples} looks at the API; "after" is the last of all views`,
    ...(broken.length === 0 ? ['every answer added up, worst first, and said why'] : broken.map((one) => `untrue: ${one}`)),
  ].join('\n');
}

/** What is not as it must be. */
export const failuresOf = ({ stories, broken }: Report): readonly string[] => [
  ...broken,
  ...stories.flatMap(({ name, lastSeconds, falselyHealthy, othersDisturbed, afterSeconds }) => [
    ...(lastSeconds === null || lastSeconds > boundMs / 1000 ? [`${name}: shown too late: ${JSON.stringify(afterSeconds)}`] : []),
    ...(falselyHealthy > 0 ? [`${name}: ${falselyHealthy} looks saw it healthy`] : []),
    ...othersDisturbed.map((one) => `${name}: disturbed ${one}`),
  ]),
];
