import { Composer, Lexer, LineCounter, Parser, type Document, type ScalarTag, type Tags } from 'yaml';
import { faultsOf } from './faults.ts';

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
/** A file that is no YAML at all has a problem at every character. */
export const problemsMax = 20;

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

/** Nothing larger fits into etcd. */
export const documentBytesMax = 1.5 * 1024 * 1024;
/** Three times the largest of the public CRDs. What one document costs cannot be interrupted: about 2 us a token. */
export const documentTokensMax = 200_000;
const pauseTokens = 10_000;

/** What may be read yet, of all files together. */
export interface Budget {
  tokens: number;
}

export interface Parsed {
  readonly documents: readonly YamlDocument[];
  readonly problems: readonly YamlProblem[];
}

/**
 * Every document of a file that says something, or every problem of the file. Takes what it read from the budget,
 * and yields where others may run: after each document and every ten thousand tokens. Never throws.
 */
export function* parseYaml(text: string, budget: Budget): Generator<void, Parsed> {
  const lines = new LineCounter();
  const at = (offset: number): { line: number; column: number } => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const documents: YamlDocument[] = [];
  const problems: YamlProblem[] = [];
  try {
    for (const document of parse(text, lines, budget)) {
      if (document === undefined) {
        yield;
        continue;
      }
      const found = [
        ...document.errors.map((e) => ({ ...at(e.pos[0]), message: unquoted(e.message) })),
        // A tag that nobody knows would be dropped, and its text taken for the value.
        ...document.warnings.map((e) => ({ ...at(e.pos[0]), message: unquoted(e.message) })),
        ...faultsOf(document).map(({ offset, message }) => ({ ...at(offset), message })),
      ];
      if (found.length > 0) {
        for (const problem of found) problems.push(problem);
        if (problems.length > problemsMax) break;
        continue;
      }
      const start = document.contents?.range?.[0] ?? 0;
      try {
        const value = plain(document.toJS({ maxAliasCount: aliasesMax }), 0);
        if (value !== null) documents.push({ value, ...at(start) });
      } catch (error) {
        problems.push({ ...at(start), message: error instanceof Error ? unquoted(error.message) : 'cannot be read' });
      }
    }
  } catch (error) {
    if (error instanceof TooMuch) problems.push({ ...at(error.offset), message: error.message });
    // The parser recurses: a file of brackets alone overflows its stack.
    else if (error instanceof RangeError) return { documents: [], problems: [{ line: 1, column: 1, message: tooDeep }] };
    else throw error;
  }
  return { documents, problems };
}

class TooMuch extends Error {
  readonly offset: number;
  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

/** Token by token, so that what is too much is given up before it is built, and others run meanwhile. */
function* parse(text: string, lines: LineCounter, budget: Budget): Generator<Document.Parsed | undefined> {
  const parser = new Parser(lines.addNewLine);
  // Its own check of unique keys compares each with each.
  const composer = new Composer({
    version: '1.1',
    schema: 'yaml-1.1',
    customTags: tags,
    merge: true,
    intAsBigInt: true,
    uniqueKeys: false,
    prettyErrors: false,
  });
  lines.addNewLine(0);
  let start = 0;
  let offset = 0;
  let tokens = 0;
  let sincePause = 0;
  for (const token of new Lexer().lex(text)) {
    tokens += 1;
    sincePause += 1;
    budget.tokens -= 1;
    offset = parser.offset + token.length;
    if (budget.tokens < 0) throw new TooMuch(start, 'the files have more YAML tokens than are read together');
    if (tokens > documentTokensMax) throw new TooMuch(start, `a document of more than ${documentTokensMax} YAML tokens`);
    for (const piece of parser.next(token)) {
      if (piece.type === 'document') {
        checkBytes(text, start, piece.offset, offset - token.length);
        yield* composer.next(piece);
        start = offset - token.length;
        tokens = 0;
      } else yield* composer.next(piece);
    }
    if (tokens === 0 || sincePause >= pauseTokens) {
      sincePause = 0;
      yield undefined;
    }
  }
  checkBytes(text, start, start, text.length);
  for (const piece of parser.end()) yield* composer.next(piece);
  yield* composer.end(false, text.length);
}

function checkBytes(text: string, start: number, place: number, end: number): void {
  if (Buffer.byteLength(text.slice(start, end)) > documentBytesMax)
    throw new TooMuch(place, `a document of more than ${documentBytesMax} bytes, more than a cluster can store`);
}

/** The parser ends with what it stumbled over, which may be a Secret's value; line and column name it as well. */
const unquoted = (message: string): string => message.replace(/: .*$/su, '');

const tooDeep = `nested deeper than ${depthMax} levels`;

/** What JSON can say, and nothing with a prototype of its own: `__proto__` is a key like another. */
function plain(value: unknown, depth: number): unknown {
  if (depth > depthMax) throw new Error(tooDeep);
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map((item) => plain(item, depth + 1));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item, depth + 1)]));
  return value;
}
