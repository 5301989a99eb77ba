import { isScalar, LineCounter, parseAllDocuments, visit, type Document, type ScalarTag, type Tags } from 'yaml';

const octal: ScalarTag = {
  tag: 'tag:yaml.org,2002:int',
  default: true,
  test: /^[-+]?0o[0-7][0-7_]*$/,
  resolve: (text) => (text.startsWith('-') ? -1n : 1n) * BigInt(text.replace(/^[-+]/, '').replaceAll('_', '')),
};

// kubectl reads YAML with go-yaml v2: 1.1 booleans (yes, on, y ...), 0777 and 0o777 octal, merge keys. It does not know the sexagesimal numbers of 1.1 (22:22 would
// be 1342) and keeps what looks like a date as text; so do we. Anything else would make the same file mean two things.
const tags = (all: Tags): Tags =>
  [octal, ...all].filter((tag) => {
    if (typeof tag === 'string') return !['omap', 'pairs', 'set', 'binary', 'timestamp', 'intTime', 'floatTime'].includes(tag);
    if (['omap', 'pairs', 'set', 'binary', 'timestamp'].includes(tag.tag.replace('tag:yaml.org,2002:', ''))) return false;
    return !('format' in tag) || tag.format !== 'TIME';
  });

const aliasesMax = 100;
const depthMax = 64;

export interface YamlProblem {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

export interface YamlDocument {
  readonly value: unknown;
  readonly line: number;
  readonly column: number;
}

/** Every document of a file that says something, or every problem of the file. Never throws. */
export function parseYaml(text: string): { readonly documents: readonly YamlDocument[]; readonly problems: readonly YamlProblem[] } {
  const lines = new LineCounter();
  const at = (offset: number): { line: number; column: number } => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const documents: YamlDocument[] = [];
  const problems: YamlProblem[] = [];
  const parsed = parse(text, lines);
  if (parsed === undefined) return { documents: [], problems: [{ line: 1, column: 1, message: tooDeep }] };
  for (const document of parsed) {
    const start = document.contents?.range?.[0] ?? 0;
    const found = [
      ...document.errors.map((e) => ({ ...at(e.pos[0]), message: unquoted(e.message) })),
      // A tag that nobody knows would be dropped, and its text taken for the value.
      ...document.warnings.map((e) => ({ ...at(e.pos[0]), message: unquoted(e.message) })),
      ...unsafeNumbers(document).map(({ offset, message }) => ({ ...at(offset), message })),
    ];
    if (found.length > 0) {
      problems.push(...found);
      continue;
    }
    try {
      const value = plain(document.toJS({ maxAliasCount: aliasesMax }), 0);
      if (value !== null) documents.push({ value, ...at(start) });
    } catch (error) {
      problems.push({ ...at(start), message: error instanceof Error ? unquoted(error.message) : 'cannot be read' });
    }
  }
  return { documents, problems };
}

function parse(text: string, lines: LineCounter): readonly Document.Parsed[] | undefined {
  try {
    const parsed = parseAllDocuments(text, {
      version: '1.1',
      schema: 'yaml-1.1',
      customTags: tags,
      merge: true,
      intAsBigInt: true,
      uniqueKeys: true,
      prettyErrors: false,
      lineCounter: lines,
    });
    return Array.isArray(parsed) ? parsed : [];
  } catch (error) {
    // The parser recurses: a file of brackets alone overflows its stack.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** The parser ends with what it stumbled over, which may be a Secret's value; line and column name it as well. */
const unquoted = (message: string): string => message.replace(/: .*$/su, '');

const tooDeep = `nested deeper than ${depthMax} levels`;

function unsafeNumbers(document: Document.Parsed): { offset: number; message: string }[] {
  const found: { offset: number; message: string }[] = [];
  visit(document, {
    Scalar: (_key, node) => {
      const { value } = node;
      const offset = node.range?.[0] ?? 0;
      if (typeof value === 'bigint' && (value > BigInt(Number.MAX_SAFE_INTEGER) || value < BigInt(Number.MIN_SAFE_INTEGER)))
        found.push({ offset, message: 'a number is beyond 2^53 and would lose digits: quote it, if the field is a text' });
      if (typeof value === 'number' && !Number.isFinite(value)) found.push({ offset, message: `${value} has no JSON form` });
    },
    // Keys become text as kubectl makes them; anything but a scalar as a key has no JSON form.
    Pair: (_key, pair) => {
      if (!isScalar(pair.key) && pair.key !== null) found.push({ offset: 0, message: 'a key that is not a scalar has no JSON form' });
    },
  });
  return found;
}

/** What JSON can say, and nothing with a prototype of its own: `__proto__` is a key like another. */
function plain(value: unknown, depth: number): unknown {
  if (depth > depthMax) throw new Error(tooDeep);
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map((item) => plain(item, depth + 1));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item, depth + 1)]));
  return value;
}
