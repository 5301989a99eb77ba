import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from '../port.ts';
import { leavesOf, withLeaf, withoutLeaf, type Path, type Value } from './fields.ts';

/** Manager -> the paths that it owns. Who writes by update owns under a name of its own (`name/Update`), as with a real API server. */
export type Owners = ReadonlyMap<string, ReadonlySet<string>>;

export interface Owned {
  readonly object: KubeObject;
  readonly owners: Owners;
  /** Who made it this by a change of fields. */
  readonly writer?: string;
}

export type Applied =
  | { readonly outcome: 'conflict'; readonly conflicts: readonly { readonly manager: string; readonly path: string }[] }
  | { readonly outcome: 'applied'; readonly next: Owned };

/** Server-side apply: sets what the document names, removes what this manager named before and no longer names and nobody else owns. Pure. */
export function applied(live: Owned | undefined, document: KubeObject, manager: string, force: boolean): Applied {
  const wanted = leavesOf(document);
  const owners = new Map<string, ReadonlySet<string>>(live?.owners);
  const liveLeaves = live ? leavesOf(live.object) : new Map<string, Value>();
  const differs = (path: string): boolean => !isDeepStrictEqual(liveLeaves.get(path), wanted.get(path));
  const conflicts = [...owners]
    .filter(([other]) => other !== manager)
    .flatMap(([other, paths]) => [...paths].filter((path) => wanted.has(path) && differs(path)).map((path) => ({ manager: other, path })));
  if (conflicts.length > 0 && !force) return { outcome: 'conflict', conflicts };
  for (const { manager: other, path } of conflicts) disown(owners, other, path);

  const before = owners.get(manager) ?? new Set<string>();
  owners.set(manager, new Set(wanted.keys()));
  let object: Value = (live?.object ?? document) as unknown as Value;
  for (const path of before) if (!wanted.has(path) && !isOwned(owners, path)) object = withoutLeaf(object, steps(path)) ?? {};
  for (const [path, value] of wanted) object = withLeaf(object, steps(path), value);
  return { outcome: 'applied', next: owned(object as unknown as KubeObject, owners, manager) };
}

/** A plain write: `manager` takes over every field whose value it changes; fields that are gone belong to nobody. Pure. */
export function updated(live: Owned | undefined, object: KubeObject, manager: string): Owned {
  const before = live ? leavesOf(live.object) : new Map<string, Value>();
  const after = leavesOf(object);
  const owners = new Map<string, ReadonlySet<string>>(live?.owners);
  const changed = [...after]
    .filter(([path, value]) => !before.has(path) || !isDeepStrictEqual(before.get(path), value))
    .map(([path]) => path);
  const lost = new Set([...changed, ...[...before.keys()].filter((path) => !after.has(path))]);
  for (const other of owners.keys()) for (const path of lost) disown(owners, other, path);
  const writer = `${manager}/Update`;
  if (changed.length > 0) owners.set(writer, new Set([...(owners.get(writer) ?? []), ...changed]));
  return owned(object, owners, writer);
}

const steps = (path: string): Path => JSON.parse(path) as string[];
const isOwned = (owners: Owners, path: string): boolean => owners.values().some((paths) => paths.has(path));

/** What is not there is owned by nobody, and who owns nothing is no manager. */
function owned(object: KubeObject, owners: Owners, writer: string): Owned {
  const there = leavesOf(object);
  const left = [...owners].map(([manager, paths]) => [manager, new Set([...paths].filter((path) => there.has(path)))] as const);
  return { object, owners: new Map(left.filter(([, paths]) => paths.size > 0)), writer };
}

function disown(owners: Map<string, ReadonlySet<string>>, manager: string, path: string): void {
  const paths = owners.get(manager);
  if (!paths?.has(path)) return;
  owners.set(manager, new Set([...paths].filter((other) => other !== path)));
}
