import { ApiError } from '../errors.ts';
import { docAt, listAt, same, textAt, timestamp, withAt, type Doc } from '../values.ts';
import { changesOf, fieldsOf, fromFieldsV1, merged, minus, pathText, toFieldsV1, withParents, type Fields } from './sets.ts';
import type { Shape } from './shapes.ts';

/** A write: who writes, in the words of `managedFields`; the fields that this endpoint does not write; when; over others' fields or not. */
export interface Write {
  readonly writer: Doc;
  readonly ignored: RegExp;
  readonly now: number;
  readonly force?: boolean;
}
type Entries = ReadonlyMap<string, { readonly words: Doc; readonly set: Fields }>;

// An applier is the same one in every version of the API; somebody who updates is not.
const idOf = (words: Doc): string =>
  [words['operation'], words['manager'], words['subresource'], words['operation'] === 'Apply' ? '' : words['apiVersion']].join();

function entriesOf(object: Doc): Entries {
  const entries = (listAt(object, 'metadata', 'managedFields') as readonly Doc[]).map(({ fieldsV1, ...words }) => {
    return [idOf(words), { words, set: new Set(fromFieldsV1(docAt({ fieldsV1 }, 'fieldsV1'))) }] as const;
  });
  return new Map(entries);
}

/** The object with its managers after a write. `writer` has written now; everybody else keeps the time at which he did, whatever was taken from him. */
function withEntries(object: Doc, after: Entries, writer: string | undefined, now: number): Doc {
  const order = (words: Doc): string => ['operation', 'time', 'manager', 'apiVersion', 'subresource'].map((key) => words[key]).join();
  const entries = [...after].flatMap(([id, { words, set }]) => {
    const time = id === writer ? { time: timestamp(now) } : {};
    return set.size > 0 ? [{ ...words, ...time, fieldsType: 'FieldsV1', fieldsV1: toFieldsV1(set) }] : [];
  });
  const sorted = entries.sort((a, b) => (order(a) < order(b) ? -1 : 1));
  return withAt(object, ['metadata', 'managedFields'], sorted.length > 0 ? sorted : undefined);
}

// Fields of the head that nobody owns.
const unowned =
  /^(f:(apiVersion|kind|metadata)|f:metadata\0f:(name|namespace|creationTimestamp|uid|generation|managedFields|resourceVersion))?$/;
const owned = (set: Fields, { ignored }: Write): Fields => new Set([...set].filter((path) => !unowned.test(path) && !ignored.test(path)));

/** A plain write: the writer owns what it added and changed, nobody owns what is gone. */
export function updated(shape: Shape, live: Doc, next: Doc, write: Write): Doc {
  const given = listAt(next, 'metadata', 'managedFields');
  // One empty entry is how somebody asks for no managers at all.
  if (given.length === 1 && same(given[0], {})) return withEntries(next, new Map(), undefined, write.now);
  const before = entriesOf(given.length > 0 ? next : live);
  const { touched, removed } = changesOf(shape, live, next);
  const [id, mine] = [idOf(write.writer), owned(touched, write)];
  const after = new Map(
    [...before].map(([other, { words, set }]) => [other, { words, set: minus(set, removed, other === id ? new Set() : mine) }]),
  );
  after.set(id, { words: before.get(id)?.words ?? write.writer, set: new Set([...(after.get(id)?.set ?? []), ...mine]) });
  return withEntries(next, after, mine.size > 0 ? id : undefined, write.now);
}

/** A server-side apply of a document: what comes of it, and how its managers are noted in what is made of that. Throws Conflict unless forced. */
export function applied(
  shape: Shape,
  live: Doc,
  document: Doc,
  write: Write,
): { readonly object: Doc; readonly settle: (final: Doc) => Doc } {
  const [before, id] = [entriesOf(live), idOf(write.writer)];
  const words = { ...docAt(before.get(id), 'words'), ...write.writer };
  const after = new Map(before).set(id, { words, set: owned(fieldsOf(shape, document), write) });
  const dropped = minus(withParents(before.get(id)?.set ?? new Set()), ...[...after.values()].map(({ set }) => withParents(set)));
  const plain = withAt(live, ['metadata', 'managedFields'], undefined);
  const object = merged(shape, plain, document, dropped) as Doc;
  const { touched, removed } = changesOf(shape, plain, object);
  const others = [...before].filter(([other]) => other !== id);
  const conflicts = others.flatMap(([, { words, set }]) => [...set].flatMap((path) => (touched.has(path) ? [{ words, path }] : [])));
  if (conflicts.length > 0 && !write.force) throw conflictOf(conflicts);
  for (const [other, { words, set }] of others) after.set(other, { words, set: minus(set, touched, removed) });
  // Who applies what is there already gets it without a time; what defaults make of it counts too.
  const isSame = (final: Doc): boolean => same(withAt(final, ['metadata', 'managedFields'], undefined), plain);
  return { object, settle: (final) => withEntries(final, after, isSame(final) ? undefined : id, write.now) };
}

function conflictOf(conflicts: readonly { readonly words: Doc; readonly path: string }[]): ApiError {
  const found = conflicts
    .toSorted((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ words, path }) => {
      const through = textAt(words, 'subresource') === '' ? '' : ` with subresource "${textAt(words, 'subresource')}"`;
      const version = words['operation'] === 'Update' ? ` using ${textAt(words, 'apiVersion')}` : '';
      return { by: `"${textAt(words, 'manager')}"${through}${version}`, field: pathText(path) };
    });
  const causes = found.map(({ by, field }) => ({ reason: 'FieldManagerConflict', message: `conflict with ${by}`, field }));
  const groups = [...Map.groupBy(found, ({ by }) => by)].sort(([a], [b]) => (a < b ? -1 : 1));
  const words = groups.flatMap(([by, all]) => [`conflicts with ${by}:`, ...all.map(({ field }) => `- ${field}`)]).join('\n');
  const said = found.length === 1 ? `1 conflict: conflict with ${found[0]?.by}: ${found[0]?.field}` : `${found.length} conflicts: ${words}`;
  return new ApiError(409, 'Conflict', `Apply failed with ${said}`, { causes });
}
