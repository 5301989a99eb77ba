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

const missing = Symbol('nothing there');

/** As the real one bounds it: a copy of a copy of a copy is soon larger than any machine. */
const copiedMaxChars = 3 * 1024 * 1024;

/** RFC 6902. Throws Error when an operation cannot be done. */
export function jsonPatch(target: unknown, operations: readonly unknown[]): unknown {
  let copied = 0;
  return operations.reduce((document, one) => {
    const { op, value = null } = one as Doc;
    const [path, from] = [pointer((one as Doc)['path']), pointer((one as Doc)['from'] ?? '')];
    const [there, moved] = [lookUp(document, path), lookUp(document, from)];
    if (op === 'add') return changed(document, path, value, false);
    if (op === 'replace' && there !== missing) return changed(document, path, value, true);
    if (op === 'remove' && there !== missing) return changed(document, path, missing, true);
    if (op === 'test' && same(there, value)) return document;
    if (op === 'copy' && moved !== missing && (copied += JSON.stringify(moved).length) <= copiedMaxChars)
      return changed(document, path, moved, false);
    if (op === 'move' && moved !== missing) return changed(changed(document, from, missing, true), path, moved, false);
    throw new Error(`cannot ${String(op)} ${path.join('/')}`);
  }, target);
}

function pointer(text: unknown): readonly string[] {
  if (typeof text !== 'string' || (text !== '' && !text.startsWith('/'))) throw new Error(`"${String(text)}" is no JSON pointer`);
  return text
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

const lookUp = (document: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>((here, key) => ((isList(here) || isDoc(here)) && Object.hasOwn(here, key) ? (here as Doc)[key] : missing), document);

/** A copy with that value at the path, in the place of what is there or before it; `missing` takes it away. */
function changed(here: unknown, [key, ...rest]: readonly string[], value: unknown, inPlace: boolean): unknown {
  if (key === undefined) return value;
  const next = rest.length > 0 ? changed(lookUp(here, [key]), rest, value, inPlace) : value;
  const added = next === missing ? [] : [next];
  if (isDoc(here)) return Object.fromEntries([...Object.entries(here).filter(([name]) => name !== key), ...added.map((one) => [key, one])]);
  const index = isList(here) && key === '-' ? here.length : Number(key);
  if (!isList(here) || !(index >= 0 && index <= here.length)) throw new Error(`there is no ${key} here`);
  return here.toSpliced(index, inPlace || rest.length > 0 ? 1 : 0, ...added);
}
