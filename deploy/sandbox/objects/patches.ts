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

/** RFC 6902. Throws Error that says which operation cannot be done. */
export function jsonPatch(target: unknown, operations: readonly unknown[]): unknown {
  return operations.reduce((document, operation) => step(document, operation as Doc), target);
}

const pointer = (text: unknown): readonly string[] => {
  if (typeof text !== 'string' || (text !== '' && !text.startsWith('/'))) throw new Error(`"${String(text)}" is no JSON pointer`);
  return text
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
};

function step(document: unknown, { op, path: to, from, value }: Doc): unknown {
  const path = pointer(to);
  switch (op) {
    case 'add':
      return put(document, path, value, 'insert');
    case 'replace':
      lookUp(document, path, `replace operation does not apply: doc is missing key: ${String(to)}: missing value`);
      return put(document, path, value, 'replace');
    case 'remove':
      return take(document, path, `remove operation does not apply: doc is missing path: "${String(to)}": missing value`);
    case 'test':
      if (same(lookUp(document, path, undefined), value ?? undefined)) return document;
      throw new Error(`testing path ${String(to)} failed: test failed`);
    case 'move':
      return put(
        take(document, pointer(from), `move operation does not apply: ${String(from)}`),
        path,
        lookUp(document, pointer(from), ''),
        'insert',
      );
    case 'copy':
      return put(document, path, lookUp(document, pointer(from), `copy operation does not apply: ${String(from)}`), 'insert');
    default:
      throw new Error(`Unexpected kind: ${String(op)}`);
  }
}

/** The value at a path; when it is not there throws `missing`, or answers undefined without it. */
function lookUp(document: unknown, path: readonly string[], missing: string | undefined): unknown {
  const found = path.reduce<unknown>(
    (here, key) => (isList(here) ? here[Number(key)] : isDoc(here) && Object.hasOwn(here, key) ? here[key] : undefined),
    document,
  );
  if (found === undefined && missing !== undefined) throw new Error(missing);
  return found;
}

function put(here: unknown, [key, ...rest]: readonly string[], value: unknown, how: 'insert' | 'replace'): unknown {
  if (key === undefined) return value;
  if (isList(here)) {
    const index = key === '-' ? here.length : Number(key);
    if (!Number.isInteger(index) || index < 0 || index > here.length)
      throw new Error(`add operation does not apply: index ${key} is out of bounds`);
    if (rest.length > 0) return here.with(index, put(here[index], rest, value, how));
    return here.toSpliced(index, how === 'insert' ? 0 : 1, value);
  }
  if (!isDoc(here)) throw new Error(`add operation does not apply: doc is missing path: "/${[key, ...rest].join('/')}": missing value`);
  return { ...here, [key]: put(here[key], rest, value, how) };
}

function take(here: unknown, [key = '', ...rest]: readonly string[], missing: string): unknown {
  const inner = lookUp(here, [key], missing);
  if (isList(here)) return rest.length > 0 ? here.with(Number(key), take(inner, rest, missing)) : here.toSpliced(Number(key), 1);
  const { [key]: _, ...others } = here as Doc;
  return rest.length > 0 ? { ...others, [key]: take(inner, rest, missing) } : others;
}
