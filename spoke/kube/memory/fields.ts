// Which manager owns which field of an object. Pure. A field is a leaf: a scalar, an empty map, or a list as a whole; lists of named things (containers,
// their environment, ports, volumes) are merged item by item, as the real schemas have it.

export type Value = null | boolean | number | string | readonly Value[] | { readonly [key: string]: Value };
type Mapping = { readonly [key: string]: Value };

/** Steps to a field, as FieldsV1 writes them: `f:name`, or `k:{"name":"web"}` for an item of a merged list. */
export type Path = readonly string[];
/** Paths in their JSON text, so that sets can hold them, with the value each had. */
export type Leaves = ReadonlyMap<string, Value>;

const mergedBy: Readonly<Record<string, readonly string[]>> = {
  containers: ['name'],
  initContainers: ['name'],
  env: ['name'],
  volumes: ['name'],
  volumeMounts: ['mountPath'],
  imagePullSecrets: ['name'],
  conditions: ['type'],
};

const isMapping = (value: Value | undefined): value is Mapping => typeof value === 'object' && value !== null && !Array.isArray(value);

/** What names an item of the list at `field`; undefined: the list is a leaf. */
function keysOf(field: string, list: readonly Value[]): readonly string[] | undefined {
  const keys = mergedBy[field];
  return keys && list.length > 0 && list.every((item) => isMapping(item) && keys.every((key) => item[key] !== undefined))
    ? keys
    : undefined;
}

const itemStep = (keys: readonly string[], item: Mapping): string =>
  `k:${JSON.stringify(Object.fromEntries(keys.map((key) => [key, item[key]])))}`;

/** Every leaf of a document, the named ones of its head excepted: they name the object or belong to the API server. */
export function leavesOf(document: unknown): Map<string, Value> {
  const leaves = new Map<string, Value>();
  for (const [key, value] of Object.entries(document as Mapping)) {
    if (key === 'apiVersion' || key === 'kind' || key === 'metadata') continue;
    walk([`f:${key}`], key, value, leaves);
  }
  const metadata = (document as Mapping)['metadata'];
  for (const [key, value] of Object.entries(isMapping(metadata) ? metadata : {}))
    if (!serverOwned.has(key)) walk(['f:metadata', `f:${key}`], key, value, leaves);
  return leaves;
}

const serverOwned = new Set([
  'name',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'managedFields',
]);

function walk(path: Path, field: string, value: Value, leaves: Map<string, Value>): void {
  if (isMapping(value) && Object.keys(value).length > 0) {
    for (const [key, item] of Object.entries(value)) walk([...path, `f:${key}`], key, item, leaves);
    return;
  }
  const keys = Array.isArray(value) ? keysOf(field, value as readonly Value[]) : undefined;
  if (!keys) {
    leaves.set(JSON.stringify(path), value);
    return;
  }
  for (const item of value as readonly Mapping[]) {
    const step = itemStep(keys, item);
    for (const [key, inner] of Object.entries(item)) walk([...path, step, `f:${key}`], key, inner, leaves);
  }
}

/** A copy of `document` with the leaf at `path` set; maps and items on the way are made. */
export function withLeaf(document: Value | undefined, [step, ...rest]: Path, value: Value): Value {
  if (step === undefined) return value;
  if (step.startsWith('k:')) {
    const keys = JSON.parse(step.slice(2)) as Mapping;
    const list = Array.isArray(document) ? (document as readonly Value[]) : [];
    const at = list.findIndex((item) => hasKeys(item, keys));
    const item = withLeaf(at < 0 ? keys : list[at], rest, value);
    return at < 0 ? [...list, item] : list.with(at, item);
  }
  const key = step.slice(2);
  const map = isMapping(document) ? document : {};
  return { ...map, [key]: withLeaf(map[key], rest, value) };
}

/** A copy without the leaf at `path`; what is empty after that goes with it. */
export function withoutLeaf(document: Value, [step, ...rest]: Path): Value | undefined {
  if (step === undefined) return undefined;
  if (step.startsWith('k:')) {
    if (!Array.isArray(document)) return document;
    const keys = JSON.parse(step.slice(2)) as Mapping;
    const items = (document as readonly Value[]).flatMap((item): readonly Value[] => {
      if (!hasKeys(item, keys)) return [item];
      const left = withoutLeaf(item, rest);
      return left === undefined ? [] : [left];
    });
    return items.length === 0 ? undefined : items;
  }
  if (!isMapping(document)) return document;
  const { [step.slice(2)]: inner, ...others } = document;
  const left = inner === undefined ? undefined : withoutLeaf(inner, rest);
  if (left !== undefined) return { ...document, [step.slice(2)]: left };
  return Object.keys(others).length === 0 ? undefined : others;
}

const hasKeys = (item: Value, keys: Mapping): boolean =>
  isMapping(item) && Object.entries(keys).every(([key, value]) => item[key] === value);

/** The FieldsV1 tree of a set of paths. */
export function fieldsV1(paths: Iterable<string>): Value {
  let tree: Value = {};
  for (const path of paths) {
    let steps = JSON.parse(path) as string[];
    // `withLeaf` reads steps; the tree's own keys are the steps themselves.
    steps = steps.map((step) => `f:${step}`);
    tree = withLeaf(tree, steps, {});
  }
  return tree;
}

/** Dotted, for people: `.spec.replicas`. */
export const pathText = (path: string): string =>
  (JSON.parse(path) as string[]).map((step) => (step.startsWith('k:') ? `[${step.slice(2)}]` : `.${step.slice(2)}`)).join('');
