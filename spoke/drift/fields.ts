import { isDeepStrictEqual } from 'node:util';
import { fieldManager, type KubeObject } from '../kube/mod.ts';

// Who has which field of an object, as the API server records it in `managedFields`. Pure.

/** Whom the API server names beside a field: a program, as it called itself. */
export interface Manager {
  readonly manager: string;
  readonly operation: string;
  readonly subresource: string;
  /** Of the API server's clock, whole seconds in epoch milliseconds; undefined: not recorded. */
  readonly atMs: number | undefined;
}

export interface ManagedFields extends Manager {
  readonly fields: unknown;
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const instant = (value: unknown): number | undefined => {
  const atMs = Date.parse(text(value));
  return Number.isNaN(atMs) ? undefined : atMs;
};

/** Every entry that can be read; what else is there means nothing. */
export function managedFieldsOf({ metadata: { managedFields } }: KubeObject): readonly ManagedFields[] {
  if (!Array.isArray(managedFields)) return [];
  return managedFields
    .filter((entry): entry is Record<string, unknown> => typeof entry === 'object' && entry !== null)
    .map(({ manager, operation, subresource, time, fieldsV1 }) => ({
      manager: text(manager),
      operation: text(operation),
      subresource: text(subresource),
      atMs: instant(time),
      fields: fieldsV1,
    }));
}

/** What we applied; an update of ours (a mark taken off, a status) is another entry, and no claim to a field. */
export const isOurApply = ({ manager, operation, subresource }: Manager): boolean =>
  manager === fieldManager && operation === 'Apply' && subresource === '';

/** The steps to a field, in JSON, so that sets can hold them: `["f:spec","f:replicas"]`. */
export type Path = string;

/** No schema goes deeper; what does is not looked into. */
export const levelsMax = 64;

/** Every field in a FieldsV1 tree: its leaves, and the items and maps that it names themselves (`.`). */
export function pathsIn(tree: unknown): ReadonlySet<Path> {
  const found = new Set<Path>();
  const walk = (node: unknown, steps: readonly string[]): void => {
    if (typeof node !== 'object' || node === null || steps.length > levelsMax) return;
    const below = Object.entries(node);
    if (below.length === 0 || '.' in node) found.add(JSON.stringify(steps));
    for (const [step, inner] of below) if (step !== '.') walk(inner, [...steps, step]);
  };
  for (const [step, inner] of typeof tree === 'object' && tree !== null ? Object.entries(tree) : []) walk(inner, [step]);
  return found;
}

export const ourPaths = (object: KubeObject): ReadonlySet<Path> =>
  new Set(
    managedFieldsOf(object)
      .filter(isOurApply)
      .flatMap(({ fields }) => [...pathsIn(fields)]),
  );

/** What an object has at a path; undefined: nothing. */
export function valueAt(object: KubeObject, path: Path): unknown {
  let node: unknown = object;
  for (const step of JSON.parse(path) as string[]) node = stepInto(node, step.slice(0, 2), step.slice(2));
  return node;
}

function stepInto(node: unknown, how: string, what: string): unknown {
  if (typeof node !== 'object' || node === null) return undefined;
  if (how === 'f:') return Object.hasOwn(node, what) ? (node as Record<string, unknown>)[what] : undefined;
  if (!Array.isArray(node)) return undefined;
  if (how === 'i:') return (node as unknown[])[Number(what)];
  const wanted = parsed(what);
  return (node as unknown[]).find((item) => (how === 'k:' ? hasKeys(item, wanted) : isDeepStrictEqual(item, wanted)));
}

const hasKeys = (item: unknown, keys: unknown): boolean =>
  typeof item === 'object' &&
  item !== null &&
  Object.entries(keys ?? {}).every(([key, value]) => isDeepStrictEqual((item as Record<string, unknown>)[key], value));

/** The steps as the API server writes them in its conflicts: `.spec.template.spec.containers[name="web"].image`. */
export const pathText = (path: Path): string => (JSON.parse(path) as string[]).map(stepText).join('');

/** What names an item of a list in Kubernetes' own kinds. What another key holds, and an item that is its own name, may be a secret. */
const tellingKeys: ReadonlySet<string> = new Set([
  'name',
  'port',
  'containerPort',
  'protocol',
  'type',
  'mountPath',
  'devicePath',
  'topologyKey',
  'whenUnsatisfiable',
]);

function stepText(step: string): string {
  const rest = step.slice(2);
  if (step.startsWith('f:')) return `.${rest}`;
  if (step.startsWith('k:')) return `[${keysText(rest)}]`;
  return step.startsWith('i:') ? `[${rest}]` : '[=…]';
}

function keysText(json: string): string {
  const keys = parsed(json);
  if (typeof keys !== 'object' || keys === null) return '…';
  return Object.entries(keys)
    .map(([key, value]) => `${key}=${tellingKeys.has(key) ? JSON.stringify(value) : '…'}`)
    .join(',');
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return undefined;
  }
}
