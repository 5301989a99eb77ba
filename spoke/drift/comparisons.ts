import { isDeepStrictEqual } from 'node:util';
import { fieldManager, type KubeObject } from '../kube/mod.ts';
import {
  isOurApply,
  managedFieldsOf,
  ourPaths,
  pathsIn,
  pathText,
  valueAt,
  type ManagedFields,
  type Manager,
  type Path,
} from './fields.ts';

/** What was taken from us, and by whom. */
export interface Taken {
  /** Paths, never values; sorted. What lies below a listed one is not listed. */
  readonly fields: readonly string[];
  /** Those beyond the listed. */
  readonly more: number;
  /** undefined: not recorded anywhere. */
  readonly by: Manager | undefined;
}

const fieldsMax = 5;
const fieldCharactersMax = 160;
const managerCharactersMax = 128;

export const nothingTaken: Taken = { fields: [], more: 0, by: undefined };

/**
 * What is ours in `after`, as the API server answered to a correction (or to its dry run), and was not in `before`, as it was found. Nothing has to be
 * remembered for that, so it is as exact after a restart. Who has a field now is who changed it; a field that is gone has nobody. What was ours all along was
 * changed under our own name, and its values tell which. Pure.
 */
export function takenOf(before: KubeObject, after: KubeObject): Taken {
  const had = ourPaths(before);
  const has = [...ourPaths(after)];
  const lost = has.filter((path) => !had.has(path));
  if (lost.length > 0) return taken(topmost(lost), holdersOf(before, lost));
  const otherwise = leaves(has).filter((path) => !isDeepStrictEqual(valueAt(before, path), valueAt(after, path)));
  return taken(otherwise, managedFieldsOf(before).filter(isOurApply));
}

function taken(paths: readonly Path[], by: readonly ManagedFields[]): Taken {
  const named = [...new Set(paths.map(pathText))].sort();
  const fields = named.slice(0, fieldsMax).map((field) => clipped(field, fieldCharactersMax));
  return { fields, more: named.length - fields.length, by: latest(by) };
}

/** Who made an object that stands where ours stood: known only if nobody else has written to it. Pure. */
export function makerOf(object: KubeObject): Manager | undefined {
  const writers = managedFieldsOf(object).filter(({ subresource, manager }) => subresource !== 'status' && manager !== fieldManager);
  return new Set(writers.map(({ manager }) => manager)).size === 1 ? latest(writers) : undefined;
}

function holdersOf(object: KubeObject, lost: readonly Path[]): readonly ManagedFields[] {
  return managedFieldsOf(object).filter((entry) => {
    if (isOurApply(entry)) return false;
    const theirs = pathsIn(entry.fields);
    return lost.some((path) => theirs.has(path));
  });
}

/** An item that was taken whole is named once, not field by field. */
function topmost(paths: readonly Path[]): readonly Path[] {
  const all = new Set(paths);
  return paths.filter((path) => !above(path).some((one) => all.has(one)));
}

/** What has nothing of ours below it. */
function leaves(paths: readonly Path[]): readonly Path[] {
  const stems = new Set(paths.flatMap(above));
  return paths.filter((path) => !stems.has(path));
}

function above(path: Path): readonly Path[] {
  const steps = JSON.parse(path) as string[];
  return steps.slice(1).map((_, at) => JSON.stringify(steps.slice(0, at + 1)));
}

function latest(managers: readonly Manager[]): Manager | undefined {
  const last = managers
    .filter(({ manager }) => manager !== '')
    .toSorted((a, b) => (a.atMs ?? 0) - (b.atMs ?? 0))
    .at(-1);
  if (!last) return undefined;
  const { manager, operation, subresource, atMs } = last;
  return {
    manager: clipped(manager, managerCharactersMax),
    operation: clipped(operation, 16),
    subresource: clipped(subresource, 64),
    atMs,
  };
}

/** Keys and names are somebody else's words: bounded in bytes too, and nothing that a terminal would obey. */
function clipped(text: string, charactersMax: number): string {
  const plain = text.replaceAll(/[^\x20-\x7e…]/g, '?');
  return plain.length <= charactersMax ? plain : `${plain.slice(0, charactersMax - 1)}…`;
}
