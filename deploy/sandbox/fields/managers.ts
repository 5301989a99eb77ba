import { docAt, isDoc, listAt, same, textAt, timestamp, type Doc } from '../values.ts';
import { merged, without } from './merges.ts';
import { changesOf, fieldsOf, fromFieldsV1, isUnder, minus, toFieldsV1, union, withParents, type Fields } from './sets.ts';
import type { Shape } from './shapes.ts';

/** Who writes, and through what. */
export interface Writer {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource: string;
}

interface Entry extends Writer {
  readonly time: string;
  readonly set: Fields;
}
type Entries = ReadonlyMap<string, Entry>;

export interface Conflict {
  readonly writer: Writer;
  readonly path: string;
}

// An applier is the same one in every version of the API; somebody who updates is not.
const idOf = ({ manager, operation, apiVersion, subresource }: Writer): string =>
  [manager, operation, operation === 'Apply' ? '' : apiVersion, subresource].join('\0');

/** The entries of `managedFields`. */
export function entriesOf(object: unknown): Entries {
  const entries = listAt(object, 'metadata', 'managedFields').map((one): Entry => {
    const operation = textAt(one, 'operation') === 'Apply' ? 'Apply' : 'Update';
    const names = { manager: textAt(one, 'manager'), apiVersion: textAt(one, 'apiVersion'), subresource: textAt(one, 'subresource') };
    return { ...names, operation, time: textAt(one, 'time'), set: fromFieldsV1(docAt(one, 'fieldsV1')) };
  });
  return new Map(entries.map((entry) => [idOf(entry), entry]));
}

const order = ({ operation, time, manager, apiVersion, subresource }: Entry): string =>
  [operation, time, manager, apiVersion, subresource].join('\0');

function listed(entries: Entries): readonly Doc[] {
  return [...entries.values()]
    .sort((a, b) => (order(a) < order(b) ? -1 : 1))
    .map(({ set, subresource, ...entry }) => ({
      apiVersion: entry.apiVersion,
      fieldsType: 'FieldsV1',
      fieldsV1: toFieldsV1(set),
      manager: entry.manager,
      operation: entry.operation,
      ...(subresource === '' ? {} : { subresource }),
      ...(entry.time === '' ? {} : { time: entry.time }),
    }));
}

/** Fields of the head that nobody owns, and what the other endpoint of the object is there for. */
const unowned = new Set(
  ['apiVersion', 'kind', 'metadata', ...'name namespace creationTimestamp uid generation managedFields resourceVersion selfLink'.split(' ')]
    .map((name, index) => (index < 3 ? `f:${name}` : `f:metadata\0f:${name}`))
    .concat(''),
);
const kept = (set: Fields, ignored: readonly string[]): Fields =>
  new Set([...set].filter((path) => !unowned.has(path) && !ignored.some((prefix) => isUnder(path, prefix))));

/** `now` undefined: nothing else changed, and so no time does. */
function withEntries(object: Doc, before: Entries, after: Map<string, Entry>, now: number | undefined): Doc {
  for (const [id, entry] of after) {
    const old = before.get(id);
    if (entry.set.size === 0) after.delete(id);
    else if (now !== undefined && (!old || !same(old.set, entry.set))) after.set(id, { ...entry, time: timestamp(now) });
  }
  const { managedFields: _, ...metadata } = docAt(object, 'metadata');
  return { ...object, metadata: after.size > 0 ? { ...metadata, managedFields: listed(after) } : metadata };
}

/** A plain write: the writer owns what it added and changed, nobody owns what is gone. `ignored`: fields that this endpoint does not write. */
export function updated(shape: Shape, live: Doc, next: Doc, writer: Writer, ignored: readonly string[], now: number): Doc {
  const given = listAt(next, 'metadata', 'managedFields');
  const before = given.length > 0 ? entriesOf(next) : entriesOf(live);
  if (given.length === 1 && isDoc(given[0]) && Object.keys(given[0]).length === 0) return withEntries(next, before, new Map(), now);
  const { added, changed, removed } = changesOf(shape, live, next);
  const touched = kept(union(added, changed), ignored);
  const gone = union(removed, touched);
  const after = new Map([...before].map(([id, entry]) => [id, idOf(writer) === id ? entry : { ...entry, set: minus(entry.set, gone) }]));
  const own = union(minus(before.get(idOf(writer))?.set ?? new Set(), removed), touched);
  after.set(idOf(writer), { ...writer, time: before.get(idOf(writer))?.time ?? '', set: own });
  return withEntries(next, entriesOf(live), after, now);
}

/** A server-side apply of what the document says, or the conflicts that it has. */
export function applied(
  shape: Shape,
  live: Doc,
  document: Doc,
  writer: Writer,
  { force, ignored, now }: { readonly force: boolean; readonly ignored: readonly string[]; readonly now: number },
): { readonly object: Doc; readonly settle: (final: Doc) => Doc } | { readonly conflicts: readonly Conflict[] } {
  const before = entriesOf(live);
  const id = idOf(writer);
  const set = kept(fieldsOf(shape, document), ignored);
  const after = new Map(before).set(id, { ...writer, time: before.get(id)?.time ?? '', set });
  const dropped = withParents(shape, before.get(id)?.set ?? new Set());
  const owned = union(...[...after.values()].map((entry) => withParents(shape, entry.set)));
  const { managedFields: _, ...metadata } = docAt(live, 'metadata');
  const both = merged(shape, { ...live, metadata }, document);
  const object = without(shape, both, minus(dropped, owned)) as Doc;
  const { added, changed, removed } = changesOf(shape, live, object);
  const isNoop = same(object, { ...live, metadata });
  const touched = union(added, changed);
  const conflicts = [...before.entries()]
    .filter(([other]) => other !== id)
    .flatMap(([, entry]) => [...entry.set].filter((path) => touched.has(path)).map((path) => ({ writer: entry, path })));
  if (conflicts.length > 0 && !force) return { conflicts: conflicts.sort((a, b) => (a.path < b.path ? -1 : 1)) };
  for (const [other, entry] of after) {
    if (other !== id) after.set(other, { ...entry, set: minus(entry.set, union(touched, removed)) });
  }
  return { object, settle: (final) => withEntries(final, before, after, isNoop ? undefined : now) };
}
