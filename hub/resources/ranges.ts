// Version ranges as npm writes them: 1.2.3, 1.2, 1.x, *, ^1.2, ~1.2, >=1.2 <2, joined by || .

export interface Version {
  readonly parts: readonly [number, number, number];
  /** Identifiers behind the dash; empty for a release. */
  readonly pre: readonly string[];
}

const versionPattern = /^v?(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?$/;

/** `v1.2.3`, `1.2.3-rc.1`; undefined: not a semantic version. */
export function parseVersion(text: string): Version | undefined {
  const match = text.length > 256 ? null : versionPattern.exec(text);
  if (!match) return undefined;
  return { parts: [Number(match[1]), Number(match[2]), Number(match[3])], pre: match[4]?.split('.') ?? [] };
}

/** Below 0: a is older. A pre-release is older than its release. */
export function compareVersions(a: Version, b: Version): number {
  for (let i = 0; i < 3; i++) if (a.parts[i] !== b.parts[i]) return (a.parts[i] ?? 0) - (b.parts[i] ?? 0);
  if (a.pre.length === 0 || b.pre.length === 0) return b.pre.length - a.pre.length;
  for (let i = 0; i < Math.max(a.pre.length, b.pre.length); i++) {
    const order = compareIdentifiers(a.pre[i], b.pre[i]);
    if (order !== 0) return order;
  }
  return 0;
}

function compareIdentifiers(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1;
  const [na, nb] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (na && nb) return Number(a) - Number(b);
  if (na !== nb) return na ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

interface Comparator {
  readonly operator: '>=' | '<' | '=' | '>' | '<=';
  readonly version: Version;
}
/** One of the lists holds, all of its comparators. */
export type Range = readonly (readonly Comparator[])[];

const partial =
  /^(\^|~|>=|<=|>|<|=)?v?(\d{1,9}|[xX*])(?:\.(\d{1,9}|[xX*]))?(?:\.(\d{1,9}|[xX*]))?(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?$/;

/** undefined: not a range. */
export function parseRange(text: string): Range | undefined {
  if (text.length > 256) return undefined;
  const alternatives = text.split('||').map((part) => part.trim().split(/\s+/).map(comparators));
  return alternatives.every((list) => list.every((item) => item !== undefined))
    ? alternatives.map((list) => list.flatMap((item) => item ?? []))
    : undefined;
}

/** A pre-release counts only where the range names one of the same three numbers. */
export const inRange = (range: Range, version: Version): boolean =>
  range.some(
    (list) =>
      list.every(({ operator, version: bound }) => holds[operator](compareVersions(version, bound))) &&
      (version.pre.length === 0 || list.some(({ version: bound }) => bound.pre.length > 0 && sameNumbers(bound, version))),
  );

const sameNumbers = (a: Version, b: Version): boolean => a.parts.every((part, i) => part === b.parts[i]);

const holds: Readonly<Record<Comparator['operator'], (order: number) => boolean>> = {
  '=': (order) => order === 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
};

/** What one word of a range says, in comparators of whole versions. */
function comparators(text: string): readonly Comparator[] | undefined {
  const match = partial.exec(text);
  if (!match) return undefined;
  const given = match.slice(2, 5).map((part) => (part === undefined || /[xX*]/.test(part) ? undefined : Number(part)));
  const open = given.indexOf(undefined);
  const count = open < 0 ? 3 : open;
  const [major = 0, minor = 0, patch = 0] = given.slice(0, count);
  const version: Version = { parts: [major, minor, patch], pre: count === 3 ? (match[5]?.split('.') ?? []) : [] };
  const upTo = (shared: number): readonly Comparator[] => [
    { operator: '>=', version },
    ...(shared === 0 ? [] : [{ operator: '<', version: above(version, shared) } as const]),
  ];
  const operator = match[1] ?? '=';
  if (operator === '^') return upTo(major > 0 || count < 2 ? Math.min(count, 1) : minor > 0 || count < 3 ? 2 : 3);
  if (operator === '~') return upTo(Math.min(count, 2));
  if (count === 3) return [{ operator: operator as Comparator['operator'], version }];
  if (operator === '=') return upTo(count);
  if (operator === '>=' || operator === '<') return count === 0 && operator === '<' ? undefined : [{ operator, version }];
  // > 1.2 means from 1.3 on, <= 1.2 below 1.3; of everything (*) there is nothing above.
  if (count === 0) return operator === '<=' ? upTo(0) : undefined;
  return [{ operator: operator === '>' ? '>=' : '<', version: above(version, count) }];
}

/** The first release after all that share the first `count` parts. */
function above({ parts: [major, minor, patch] }: Version, count: number): Version {
  const parts =
    count === 1 ? ([major + 1, 0, 0] as const) : count === 2 ? ([major, minor + 1, 0] as const) : ([major, minor, patch + 1] as const);
  return { parts, pre: [] };
}
