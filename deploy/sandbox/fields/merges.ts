import { isDoc, type Doc } from '../values.ts';
import { childrenOf, itemStep, join, type Fields } from './sets.ts';
import { anything, childOf, formOf, type Shape } from './shapes.ts';

/** What an apply makes of the live value: maps and keyed lists are merged, everything else is replaced. */
export function merged(shape: Shape, live: unknown, wanted: unknown): unknown {
  if (wanted === undefined) return live;
  if (live === undefined || live === null) return wanted;
  const form = formOf(shape, wanted);
  if (form === 'leaf' || formOf(shape, live) !== form) return wanted;
  if (form === 'list') return mergedList(shape, live as readonly unknown[], wanted as readonly unknown[]);
  const result: Record<string, unknown> = { ...(live as Doc) };
  for (const [key, value] of Object.entries(wanted as Doc)) result[key] = merged(childOf(shape, key) ?? anything, result[key], value);
  return result;
}

/** In the order of the wanted list; what only the live one has keeps its place among its neighbours. */
function mergedList(shape: Shape, live: readonly unknown[], wanted: readonly unknown[]): readonly unknown[] {
  const [old, next] = [childrenOf(shape, live), childrenOf(shape, wanted)];
  const [left, right] = [[...old.keys()], [...next.keys()]];
  const shared = right.filter((step) => old.has(step));
  const done = new Set<string>();
  const out: unknown[] = [];
  const take = (step: string): void => {
    done.add(step);
    out.push(merged(shape.element ?? anything, old.get(step), next.get(step)));
    if (shared[0] === step) shared.shift();
  };
  for (let [l, r] = [0, 0]; l < left.length || r < right.length;) {
    const [mine, theirs] = [left[l], right[r]];
    if (mine !== undefined && theirs !== undefined) {
      if (mine === theirs) {
        take(mine);
        [l, r] = [l + 1, r + 1];
        continue;
      }
      // A shared item, but not the next of them: its turn comes with the wanted list.
      if (next.has(mine) && shared[0] !== undefined && shared[0] !== mine) {
        l += 1;
        continue;
      }
    }
    if (mine !== undefined) {
      if (!next.has(mine)) out.push(old.get(mine));
      if (!next.has(mine) || done.has(mine)) {
        l += 1;
        continue;
      }
    }
    if (theirs === undefined) break;
    take(theirs);
    r += 1;
  }
  return out;
}

/** A copy without the fields of the set; a map or list that loses all of its content goes too. */
export function without(shape: Shape, value: unknown, gone: Fields, path = ''): unknown {
  const form = formOf(shape, value);
  if (form === 'leaf') return value;
  if (form === 'list') {
    const items = (value as readonly unknown[]).flatMap((item) => {
      const step = join(path, itemStep(shape, item));
      const left = gone.has(step) ? undefined : without(shape.element ?? anything, item, gone, step);
      return left === undefined ? [] : [left];
    });
    return items.length > 0 || (value as readonly unknown[]).length === 0 ? items : undefined;
  }
  const entries = Object.entries(value as Doc).flatMap(([key, inner]) => {
    const step = join(path, `f:${key}`);
    const left = gone.has(step) ? undefined : without(childOf(shape, key) ?? anything, inner, gone, step);
    return left === undefined ? [] : [[key, left] as const];
  });
  return entries.length > 0 || Object.keys(value as Doc).length === 0 ? Object.fromEntries(entries) : undefined;
}

/** A strategic merge patch: as a merge patch, but lists with a patch key are merged by it. Throws Error on a directive that is not known here. */
export function strategic(shape: Shape, live: unknown, patch: unknown): unknown {
  if (!isDoc(patch)) return patch;
  const result: Record<string, unknown> = isDoc(live) ? { ...live } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith('$')) {
      if (key === '$retainKeys') continue;
      throw new Error(`the directive ${key} of strategic merge patches`);
    }
    const child = childOf(shape, key) ?? anything;
    if (value === null) delete result[key];
    else if (Array.isArray(value) && child.patchKey !== undefined && Array.isArray(result[key]))
      result[key] = strategicList(child, child.patchKey, result[key] as readonly unknown[], value);
    else result[key] = isDoc(value) && !child.atomic ? strategic(child, result[key], value) : value;
  }
  const retained = patch['$retainKeys'];
  return Array.isArray(retained) ? Object.fromEntries(Object.entries(result).filter(([key]) => retained.includes(key))) : result;
}

function strategicList(shape: Shape, key: string, live: readonly unknown[], patch: readonly unknown[]): readonly unknown[] {
  let items = [...live];
  for (const change of patch) {
    if (!isDoc(change)) return patch;
    const index = items.findIndex((item) => isDoc(item) && item[key] === change[key]);
    if (change['$patch'] === 'delete') items = items.filter((_, at) => at !== index);
    else if (index < 0) items.push(strategic(shape.element ?? anything, {}, change));
    else items[index] = strategic(shape.element ?? anything, items[index], change);
  }
  return items;
}
