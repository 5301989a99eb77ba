import { ageOf, humanAge } from './ages.ts';
import { orNone, tame } from './tables.ts';

const titleMax = 24;

/** `connectionAgeMs` as `Connection Age`. */
const titleOf = (key: string): string => {
  const words = key.replace(/(?<=Age)Ms$/, '').replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
};

const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const isScalar = (value: unknown): boolean => typeof value !== 'object' || value === null;

function scalar(key: string, value: unknown, now: number): string {
  if (value === null || value === undefined) return key.endsWith('AgeMs') ? '<unknown>' : '<none>';
  if (typeof value === 'number') return key.endsWith('AgeMs') ? humanAge(value) : String(Number(value.toFixed(3)));
  if (typeof value !== 'string') return JSON.stringify(value);
  if (isTime.test(value)) return `${value} (${timeText(value, now)})`;
  return tame(orNone(value));
}

/** What is still to come, such as the end of a freeze, has no age. */
const timeText = (time: string, now: number): string =>
  Date.parse(time) > now ? `in ${humanAge(Date.parse(time) - now)}` : `${ageOf(time, now)} ago`;

/** What kubectl describe makes of an object: titles, indented, one thing a line; people's keys (labels) are left as they wrote them. Pure. */
export function describeLines(value: object, now: number, indent = ''): readonly string[] {
  return section(Object.entries(value), { now, indent, titled: true });
}

interface How {
  readonly now: number;
  readonly indent: string;
  readonly titled: boolean;
}

/** Maps whose keys are data. */
const maps = new Set(['labels', 'parameters', 'matchLabels', 'detail']);

function section(entries: readonly (readonly [string, unknown])[], how: How): readonly string[] {
  const { now, indent, titled } = how;
  const title = (key: string): string => `${tame(titled ? titleOf(key) : key)}:`;
  const width = Math.min(titleMax, Math.max(0, ...entries.map(([key]) => title(key).length))) + 2;
  return entries.flatMap(([key, value]) => {
    const head = `${indent}${title(key)}`;
    if (isScalar(value)) return [`${head.padEnd(indent.length + width)}${scalar(key, value, now)}`];
    const tally = tallyText(value as object);
    if (tally !== undefined) return [`${head.padEnd(indent.length + width)}${tally}`];
    const inner = { now, indent: `${indent}  `, titled: !maps.has(key) };
    if (!Array.isArray(value)) {
      const pairs = Object.entries(value as object);
      return pairs.length === 0 ? [`${head.padEnd(indent.length + width)}<none>`] : [head, ...section(pairs, inner)];
    }
    const all = value as readonly unknown[];
    if (all.every(isScalar)) {
      const text = all.map((one) => scalar('', one, now)).join(', ');
      return [`${head.padEnd(indent.length + width)}${orNone(text)}`];
    }
    return [head, ...all.flatMap((one) => dashed(section(Object.entries(one as object), { ...inner, indent: `${indent}    ` }), indent))];
  });
}

const dashed = ([first = '', ...rest]: readonly string[], indent: string): readonly string[] => [
  `${indent}  - ${first.trimStart()}`,
  ...rest,
];

/** Counts of placements say it in one line. */
function tallyText(value: object): string | undefined {
  if (!('total' in value) || !('healthy' in value)) return undefined;
  const { total, ...counts } = value as Readonly<Record<string, number>>;
  return `${total}: ${
    Object.entries(counts)
      .flatMap(([word, count]) => (count > 0 ? [`${count} ${titleOf(word)}`] : []))
      .join(', ') || 'none'
  }`;
}
