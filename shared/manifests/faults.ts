import { isAlias, isMap, isNode, isScalar, isSeq, visit, type Document, type Node, type Scalar, type YAMLMap } from 'yaml';

export interface Fault {
  readonly offset: number;
  readonly message: string;
}

export const aliasesPerDocumentMax = 100;
/** What merge keys may copy. The parser does not count it, and merges of merges grow as powers do. */
const mergedCharactersMax = 1024 * 1024;

const offsetOf = (node: unknown): number => (isNode(node) ? (node.range?.[0] ?? 0) : 0);

/** What parses and yet has no JSON form, or means two things. One walk, linear in the nodes. */
export function faultsOf(document: Document.Parsed): readonly Fault[] {
  const found: Fault[] = [];
  const anchors = new Map<string, Node>();
  const merges = new Merges(anchors);
  let aliases = 0;
  visit(document, {
    Node: (_key, node) => {
      if (isAlias(node)) {
        aliases += 1;
        if (aliases <= aliasesPerDocumentMax) return undefined;
        // Each is looked up in the whole document.
        found.push({ offset: offsetOf(node), message: `more than ${aliasesPerDocumentMax} uses of an alias in one document` });
        return visit.BREAK;
      }
      if (node.anchor !== undefined) anchors.set(node.anchor, node);
      if (isScalar(node)) found.push(...unsafe(node));
      if (isMap(node)) {
        for (const fault of keyFaults(node)) found.push(fault);
        if (!merges.add(node)) {
          found.push({ offset: offsetOf(node), message: 'merge keys copy more than a cluster can store' });
          return visit.BREAK;
        }
      }
      return undefined;
    },
  });
  return found;
}

function unsafe(node: Scalar): Fault[] {
  const { value } = node;
  if (typeof value === 'bigint' && (value > BigInt(Number.MAX_SAFE_INTEGER) || value < BigInt(Number.MIN_SAFE_INTEGER)))
    return [{ offset: offsetOf(node), message: 'a number is beyond 2^53 and would lose digits: quote it, if the field is a text' }];
  if (typeof value === 'number' && !Number.isFinite(value)) return [{ offset: offsetOf(node), message: `${value} has no JSON form` }];
  return [];
}

/** Keys become text as kubectl makes them, so `1` and `'1'` are one key; anything but a scalar as a key has no JSON form. */
function keyFaults(map: YAMLMap): Fault[] {
  const seen = new Set<string>();
  return map.items.flatMap(({ key }): Fault[] => {
    if (key === null) return [];
    if (!isScalar(key)) return [{ offset: offsetOf(key), message: 'a key that is not a scalar has no JSON form' }];
    // Merge keys are symbols; there may be several.
    if (typeof key.value === 'symbol') return [];
    const text = key.value === null ? '' : (key.value as string | number | bigint | boolean).toString();
    if (seen.has(text)) return [{ offset: offsetOf(key), message: 'Map keys must be unique' }];
    seen.add(text);
    return [];
  });
}

/** How much merge keys copy: a source counts with everything that is merged into it. */
class Merges {
  readonly #anchors: ReadonlyMap<string, Node>;
  readonly #copied: { readonly offset: number; readonly characters: number }[] = [];
  #characters = 0;

  constructor(anchors: ReadonlyMap<string, Node>) {
    this.#anchors = anchors;
  }

  add(map: YAMLMap): boolean {
    for (const { key, value } of map.items) {
      if (!isScalar(key) || typeof key.value !== 'symbol') continue;
      for (const source of isSeq(value) ? value.items : [value]) {
        const characters = this.#size(isAlias(source) ? this.#anchors.get(source.source) : source);
        this.#copied.push({ offset: offsetOf(source), characters });
        this.#characters += characters;
        if (this.#characters > mergedCharactersMax) return false;
      }
    }
    return true;
  }

  #size(node: unknown): number {
    if (!isNode(node) || !node.range) return 0;
    const [from, to] = node.range;
    return this.#copied.reduce((sum, { offset, characters }) => sum + (offset >= from && offset < to ? characters : 0), to - from);
  }
}
