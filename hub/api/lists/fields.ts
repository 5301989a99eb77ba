import { ApiError } from '../problems/errors.ts';

const always = [['apiVersion'], ['kind'], ['metadata', 'name'], ['metadata', 'uid']];
const pathsMax = 50;

/** `metadata.name,status.health` as paths. */
export function parseFields(text: string): readonly (readonly string[])[] {
  const paths = text.split(',').map((path) => path.trim().split('.'));
  if (paths.length > pathsMax || paths.some((path) => path.some((part) => part === '' || part === '__proto__')))
    throw new ApiError('REQUEST_INVALID', `fields: at most ${pathsMax} paths like metadata.name,status.health`);
  return [...always, ...paths];
}

/** Only those parts of a resource; a path that it does not have is left out. Pure. */
export function pick(value: object, paths: readonly (readonly string[])[]): object {
  const picked: Record<string, unknown> = {};
  for (const path of paths) copy(value, picked, path);
  return picked;
}

function copy(from: object, to: Record<string, unknown>, [part, ...rest]: readonly string[]): void {
  if (part === undefined || !Object.hasOwn(from, part)) return;
  const value = (from as Record<string, unknown>)[part];
  if (rest.length === 0 || typeof value !== 'object' || value === null || Array.isArray(value)) {
    to[part] = value;
    return;
  }
  // A part that was taken whole before stays whole.
  if (to[part] === value) return;
  const inner = (to[part] ?? {}) as Record<string, unknown>;
  to[part] = inner;
  copy(value, inner, rest);
}
