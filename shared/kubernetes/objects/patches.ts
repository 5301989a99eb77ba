import { isDoc, isList, same, type Doc } from '../values.ts';

/** RFC 7386. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isDoc(patch)) return patch;
  const result: Record<string, unknown> = isDoc(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

/** As the real one bounds it: a copy of a copy of a copy is soon larger than any machine. */
const copiedMaxChars = 3 * 1024 * 1024;
type Holder = Record<string, unknown> | unknown[];

/** RFC 6902, on a copy. Throws Error when an operation cannot be done. */
export function jsonPatch(target: unknown, operations: readonly unknown[]): unknown {
  const root = structuredClone({ whole: target });
  let copied = 0;
  for (const one of operations) {
    const { op, value = null } = one as Doc;
    const [path, from] = [pointer((one as Doc)['path']), pointer((one as Doc)['from'] ?? '')];
    const copy = (): unknown => {
      const text = JSON.stringify(read(root, from));
      if ((copied += text.length) > copiedMaxChars) throw new Error('more is copied than an object may hold');
      return JSON.parse(text) as unknown;
    };
    if (op === 'add') put(root, path, value, false);
    else if (op === 'replace') put(root, path, (read(root, path), value), true);
    else if (op === 'remove') take(root, path);
    else if (op === 'copy') put(root, path, copy(), false);
    else if (op === 'move') put(root, path, take(root, from), false);
    else if (op !== 'test' || !same(read(root, path), value)) throw new Error(`cannot ${String(op)} ${path.join('/')}`);
  }
  return root.whole;
}

function pointer(text: unknown): readonly string[] {
  if (typeof text !== 'string' || (text !== '' && !text.startsWith('/'))) throw new Error(`"${String(text)}" is no JSON pointer`);
  return `/whole${text}`
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function read(here: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((inner, key) => {
    const isPlace = isDoc(inner) || (isList(inner) && /^(0|[1-9]\d*)$/.test(key));
    if (isPlace && Object.hasOwn(inner, key)) return (inner as Doc)[key];
    throw new Error(`there is no ${key} here`);
  }, here);
}

const holderOf = (root: unknown, path: readonly string[]): readonly [Holder, string] => [
  read(root, path.slice(0, -1)) as Holder,
  path.at(-1) ?? '',
];

/** At the path, in the place of what is there or before it. */
function put(root: unknown, path: readonly string[], value: unknown, inPlace: boolean): void {
  const [holder, key] = holderOf(root, path);
  // Not by assignment: a key may be called __proto__.
  if (isDoc(holder)) return void Object.defineProperty(holder, key, { value, enumerable: true, writable: true, configurable: true });
  const index = isList(holder) && key === '-' ? holder.length : Number(key);
  if (!isList(holder) || !/^(0|[1-9]\d*|-)$/.test(key) || index > holder.length) throw new Error(`there is no ${key} here`);
  holder.splice(index, inPlace ? 1 : 0, value);
}

function take(root: unknown, path: readonly string[]): unknown {
  const [value, [holder, key]] = [read(root, path), holderOf(root, path)];
  if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else delete holder[key];
  return value;
}
