import { LineCounter, parseAllDocuments, type Document, type Tags } from 'yaml';

// Manifests are read as kubectl reads them: booleans of YAML 1.1 (yes, on), 0777 octal, merge keys; no sexagesimal numbers, and dates stay texts. What the
// hub lets through, the spoke reads by the same rules.
const dropped = ['omap', 'pairs', 'set', 'binary', 'timestamp', 'intTime', 'floatTime'];
const tags = (all: Tags): Tags =>
  all.filter((tag) =>
    typeof tag === 'string'
      ? !dropped.includes(tag)
      : !dropped.includes(tag.tag.replace('tag:yaml.org,2002:', '')) && !('format' in tag && tag.format === 'TIME'),
  );

const aliasesMax = 100;

export interface Place {
  readonly line: number;
  readonly column: number;
}
export interface ManifestDocument extends Place {
  readonly value: unknown;
}
export interface ManifestProblem extends Place {
  readonly message: string;
}

/** Every document of a file that says something, or every problem of the file. Never throws. */
export function parseManifest(text: string): {
  readonly documents: readonly ManifestDocument[];
  readonly problems: readonly ManifestProblem[];
} {
  const lines = new LineCounter();
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const documents: ManifestDocument[] = [];
  const problems: ManifestProblem[] = [];
  for (const document of parsed(text, lines)) {
    if (document === 'too deep') return { documents: [], problems: [{ line: 1, column: 1, message: 'is nested too deeply' }] };
    const place = at(document.contents?.range?.[0] ?? 0);
    const faults = [...document.errors, ...document.warnings];
    problems.push(...faults.map(({ pos, message }) => ({ ...at(pos[0]), message: message.split('\n')[0] ?? '' })));
    if (faults.length > 0) continue;
    try {
      const value: unknown = document.toJS({ maxAliasCount: aliasesMax });
      if (value !== null) documents.push({ ...place, value });
    } catch (error) {
      problems.push({ ...place, message: error instanceof Error ? error.message : 'cannot be read' });
    }
  }
  return { documents, problems };
}

function parsed(text: string, lineCounter: LineCounter): readonly (Document.Parsed | 'too deep')[] {
  try {
    const all = parseAllDocuments(text, {
      version: '1.1',
      schema: 'yaml-1.1',
      customTags: tags,
      merge: true,
      uniqueKeys: true,
      prettyErrors: false,
      lineCounter,
    });
    return Array.isArray(all) ? all : [];
  } catch (error) {
    // The parser recurses: a file of brackets alone overflows its stack.
    if (error instanceof RangeError) return ['too deep'];
    throw error;
  }
}
