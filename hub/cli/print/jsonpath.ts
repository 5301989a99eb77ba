import { usageError } from '../exits.ts';

// kubectl's JSONPath, the part that people use: {.items[*].metadata.name}, ['key'], [0], [-1], [0:2], [?(@.a=="b")], .., {range}{end}, {"\n"}, text.

type Step =
  | { readonly step: 'key'; readonly key: string }
  | { readonly step: 'every' }
  | { readonly step: 'deep' }
  | { readonly step: 'slice'; readonly from: number | undefined; readonly to: number | undefined }
  | { readonly step: 'index'; readonly index: number }
  | { readonly step: 'where'; readonly path: Path; readonly operator: string; readonly value: unknown };
type Path = readonly Step[];

type Part =
  | { readonly part: 'text'; readonly text: string }
  | { readonly part: 'value'; readonly path: Path }
  | { readonly part: 'range'; readonly path: Path; readonly parts: readonly Part[] };

export type Template = readonly Part[];

const templateMaxChars = 4_096;

/** Throws CliError USAGE. A template without braces is one path. */
export function parseTemplate(text: string): Template {
  if (text.length > templateMaxChars) throw usageError(`a jsonpath has at most ${templateMaxChars} characters`);
  const tokens = tokensOf(text.includes('{') ? text : `{${text}}`);
  const { parts, rest } = partsOf(tokens, false);
  if (rest.length > 0) throw broken('{end} without {range}');
  return parts;
}

const broken = (why: string): Error => usageError(`-o jsonpath: ${why}`, "write it as '{.items[*].metadata.name}'");

interface Token {
  readonly braces: boolean;
  readonly text: string;
}

function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  // Quotes protect braces: {"}"}
  const pattern = /\{((?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^{}"'])*)\}|([^{}]+)|([{}])/g;
  for (const [, inside, outside, stray] of text.matchAll(pattern)) {
    if (stray) throw broken('a brace without its other one');
    tokens.push(inside === undefined ? { braces: false, text: outside ?? '' } : { braces: true, text: inside.trim() });
  }
  return tokens;
}

function partsOf(tokens: readonly Token[], inRange: boolean): { readonly parts: readonly Part[]; readonly rest: readonly Token[] } {
  const parts: Part[] = [];
  let rest = tokens;
  while (rest.length > 0) {
    const [token, ...after] = rest as [Token, ...Token[]];
    rest = after;
    if (!token.braces) parts.push({ part: 'text', text: token.text });
    else if (token.text === 'end') {
      if (inRange) return { parts, rest };
      return { parts, rest: [token] };
    } else if (/^range\s/.test(token.text)) {
      const inner = partsOf(rest, true);
      parts.push({ part: 'range', path: parsePath(token.text.slice('range'.length).trim()), parts: inner.parts });
      rest = inner.rest;
    } else if (/^["']/.test(token.text)) parts.push({ part: 'text', text: literal(token.text) as string });
    else parts.push({ part: 'value', path: parsePath(token.text) });
  }
  if (inRange) throw broken('{range} without {end}');
  return { parts, rest };
}

/** '…' and "…" with their escapes, numbers, true, false, null. */
function literal(text: string): unknown {
  const quoted = /^(["'])([\s\S]*)\1$/.exec(text);
  if (quoted) {
    const inner = (quoted[2] ?? '').replaceAll(/\\(.)/g, (_, char: string) => ({ n: '\n', t: '\t', r: '\r' })[char] ?? char);
    return inner;
  }
  try {
    return JSON.parse(text);
  } catch {
    throw broken(`${text} is no text in quotes, number, true, false or null`);
  }
}

const steps: readonly (readonly [RegExp, (match: readonly (string | undefined)[]) => Step])[] = [
  [/^\.\.(?=[\w*[])/, () => ({ step: 'deep' })],
  [/^\.?\[\*\]|^\.?\*/, () => ({ step: 'every' })],
  [/^\.?\[\s*(-?\d+)\s*\]/, ([, index]) => ({ step: 'index', index: Number(index) })],
  [/^\.?\[\s*(-?\d+)?\s*:\s*(-?\d+)?\s*\]/, ([, from, to]) => ({ step: 'slice', from: numberOr(from), to: numberOr(to) })],
  [/^\.?\[\s*('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\s*\]/, ([, key]) => ({ step: 'key', key: String(literal(key ?? '')) })],
  [/^\.?\[\?\(\s*((?:[^()"']|"[^"]*"|'[^']*')*?)\s*\)\]/, ([, condition]) => where(condition ?? '')],
  [/^\.?((?:[\w/:+-]|\\.)+)/, ([, key]) => ({ step: 'key', key: (key ?? '').replaceAll(/\\(.)/g, '$1') })],
];
const numberOr = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text));

function parsePath(text: string): Path {
  const path: Step[] = [];
  let rest = text.replace(/^[$@]/, '');
  if (rest === '.') return path;
  while (rest !== '') {
    const found = steps.flatMap(([pattern, make]) => {
      const match = pattern.exec(rest);
      return match ? [{ length: match[0].length, step: make([...match]) }] : [];
    })[0];
    if (!found || found.length + (found.step.step === 'deep' ? 1 : 0) === 0) throw broken(`cannot read "${rest}" in "${text}"`);
    path.push(found.step);
    rest = rest.slice(found.length);
  }
  return path;
}

function where(condition: string): Step {
  const [, left = '', operator = 'exists', right = 'null'] =
    /^(@(?:[^=!<>]|(?<=\[)[^\]]*)*?)(?:\s*(==|!=|<=|>=|<|>)\s*(.+))?$/.exec(condition) ?? [];
  if (left === '') throw broken(`a condition compares something below @: ${condition}`);
  return { step: 'where', path: parsePath(left.trim()), operator, value: literal(right.trim()) };
}

const compare: Readonly<Record<string, (a: unknown, b: unknown) => boolean>> = {
  exists: (a) => a !== undefined,
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => ordered(a, b, (x, y) => x < y),
  '>': (a, b) => ordered(a, b, (x, y) => x > y),
  '<=': (a, b) => ordered(a, b, (x, y) => x <= y),
  '>=': (a, b) => ordered(a, b, (x, y) => x >= y),
};
const ordered = (a: unknown, b: unknown, holds: (x: string | number, y: string | number) => boolean): boolean =>
  (typeof a === 'number' && typeof b === 'number' && holds(a, b)) || (typeof a === 'string' && typeof b === 'string' && holds(a, b));

const inside = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? value : typeof value === 'object' && value !== null ? Object.values(value) : [];

// Every step is one of these, which the compiler knows and the linter does not.
// oxlint-disable-next-line typescript/consistent-return
function walk(value: unknown, step: Step): readonly unknown[] {
  switch (step.step) {
    case 'key':
      return typeof value === 'object' && value !== null && Object.hasOwn(value, step.key)
        ? [(value as Record<string, unknown>)[step.key]]
        : [];
    case 'every':
      return inside(value);
    case 'deep':
      return [value, ...inside(value).flatMap((inner) => walk(inner, step))];
    case 'index':
      return Array.isArray(value) && step.index < value.length && step.index >= -value.length ? [(value as unknown[]).at(step.index)] : [];
    case 'slice':
      return Array.isArray(value) ? (value as unknown[]).slice(step.from, step.to) : [];
    case 'where':
      return inside(value).filter((one) => compare[step.operator]?.(valuesAt(one, step.path)[0], step.value));
  }
}

const valuesAt = (value: unknown, path: Path): readonly unknown[] =>
  path.reduce<readonly unknown[]>((all, step) => all.flatMap((one) => walk(one, step)), [value]);

const textOf = (value: unknown): string => (typeof value === 'string' ? value : value === null ? '' : JSON.stringify(value));

/** What a template says of a value; what is not there says nothing, as in kubectl. */
export const fillTemplate = (template: Template, value: unknown): string =>
  template
    .map((part) => {
      if (part.part === 'text') return part.text;
      const found = valuesAt(value, part.path);
      return part.part === 'value' ? found.map(textOf).join(' ') : found.map((one) => fillTemplate(part.parts, one)).join('');
    })
    .join('');

/** The first value at `.a.b`, for sorting. Throws CliError USAGE. */
export function pathReader(text: string): (value: unknown) => unknown {
  const path = parsePath(text.replace(/^\{(.*)\}$/, '$1'));
  return (value) => valuesAt(value, path)[0];
}
