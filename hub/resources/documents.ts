import { isMap, isNode, isScalar, LineCounter, parseAllDocuments, visit, type Document } from 'yaml';
import type { Path, Position } from './problems.ts';

// YAML enters here, in its 1.2 form: `yes` and `on` are texts. What runs on clusters is read by other rules (kubectl's), see hub/packaging.

export interface SourceDocument {
  readonly value: unknown;
  readonly start: Position;
  /** Of a field's value, or of the nearest thing around it that is there. */
  readonly locate: (path: Path) => Position;
  /** Of a field's name. */
  readonly locateKey: (path: Path) => Position;
  readonly faults: readonly (Position & { readonly message: string })[];
}

const aliasesMax = 100;
/** A file that is no YAML at all has a fault at every character. */
const faultsMax = 10;

/** The documents of a file that say something. Never throws: what cannot be read is a document with faults. */
export function documentsOf(text: string): readonly SourceDocument[] {
  const lines = new LineCounter();
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  try {
    const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
    const documents = Array.isArray(parsed) ? parsed : [];
    return documents
      .filter((document) => document.contents !== null || document.errors.length > 0)
      .map((document) => sourceOf(document, at));
  } catch (error) {
    // The parser recurses: a file of brackets alone overflows its stack.
    if (error instanceof RangeError) return [unreadable('is nested too deeply')];
    throw error;
  }
}

function sourceOf(document: Document.Parsed, at: (offset: number) => Position): SourceDocument {
  const start = at(offsetOf(document, []));
  // A tag that nobody knows is a warning to the parser: its text would be taken for the value.
  const faults = [...document.errors, ...document.warnings, ...nameless(document)].slice(0, faultsMax).map(({ pos, message }) => ({
    ...at(pos[0]),
    message: message.split('\n')[0] ?? '',
  }));
  const places = {
    start,
    locate: (path: Path) => at(offsetOf(document, path)),
    locateKey: (path: Path) => at(keyOffsetOf(document, path)),
  };
  if (faults.length > 0) return { ...places, value: undefined, faults };
  try {
    return { ...places, value: document.toJS({ maxAliasCount: aliasesMax }), faults };
  } catch (error) {
    return { ...places, value: undefined, faults: [{ ...start, message: error instanceof Error ? error.message : 'cannot be read' }] };
  }
}

/** To JavaScript `__proto__` is no name: a map of names would lose it without a word. */
function nameless(document: Document.Parsed): { pos: [number]; message: string }[] {
  const found: { pos: [number]; message: string }[] = [];
  visit(document, {
    Pair: (_key, { key }) => {
      if (isScalar(key) && key.value === '__proto__') found.push({ pos: [key.range?.[0] ?? 0], message: '__proto__ is no name' });
    },
  });
  return found;
}

function unreadable(message: string): SourceDocument {
  const start = { line: 1, column: 1 };
  return { start, locate: () => start, locateKey: () => start, value: undefined, faults: [{ ...start, message }] };
}

function offsetOf(document: Document.Parsed, path: Path): number {
  for (let length = path.length; length >= 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return document.range[0];
}

function keyOffsetOf(document: Document.Parsed, path: Path): number {
  const parent = document.getIn(path.slice(0, -1), true);
  const pair = isMap(parent) ? parent.items.find(({ key }) => isScalar(key) && String(key.value) === String(path.at(-1))) : undefined;
  return isNode(pair?.key) && pair.key.range ? pair.key.range[0] : offsetOf(document, path);
}
