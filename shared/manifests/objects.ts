import { letOthersRun } from '../clock/mod.ts';
import { parseYaml, problemsMax, type Budget } from './yaml.ts';

export const objectsMax = 5_000;
const fileMaxBytes = 5 * 1024 * 1024;
const variantMaxBytes = 16 * 1024 * 1024;
const variantTokensMax = 2_000_000;

/** One object; fields that nobody here knows are part of it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

export interface Found {
  readonly object: Manifest;
  /** file:line:column */
  readonly where: string;
}

export interface Content {
  /** In the order of paths and documents. */
  readonly found: readonly Found[];
  /** Everything that is wrong, each with its place. */
  readonly problems: readonly string[];
  /** Paths of instructions for a renderer, which were passed over. */
  readonly kustomizations: readonly string[];
}

export const notRendered = 'is an instruction for kustomize, which is not supported yet: commit what `kustomize build` renders';

/** The objects of the *.yaml, *.yml and *.json files, for who has nothing else to do meanwhile. Never throws. */
export function readObjects(files: ReadonlyMap<string, Uint8Array>): Content {
  const reading = steps(files);
  for (;;) {
    const step = reading.next();
    if (step.done === true) return step.value;
  }
}

/** The same in steps between which `pause` lets others run: what a stranger wrote may take seconds, but nobody else's. Never rejects by itself. */
export async function readObjectsInSteps(
  files: ReadonlyMap<string, Uint8Array>,
  pause: () => Promise<unknown> = letOthersRun,
): Promise<Content> {
  const reading = steps(files);
  for (;;) {
    const step = reading.next();
    if (step.done === true) return step.value;
    await pause();
  }
}

function* steps(files: ReadonlyMap<string, Uint8Array>): Generator<void, Content> {
  const problems: string[] = [];
  const found: Found[] = [];
  const paths = [...files.keys()].filter((path) => /\.(ya?ml|json)$/i.test(path)).sort();
  const kustomizations = paths.filter(isKustomization);
  const bytes = paths.reduce((sum, path) => sum + (files.get(path)?.byteLength ?? 0), 0);
  if (bytes > variantMaxBytes) return { found, problems: [`${bytes} bytes of manifests, at most ${variantMaxBytes}`], kustomizations };
  const budget: Budget = { tokens: variantTokensMax };
  for (const path of paths.filter((path) => !isKustomization(path))) {
    yield* read(path, files.get(path) ?? new Uint8Array(), budget, found, problems);
    if (budget.tokens < 0) break;
  }
  problems.push(...duplicates(found));
  if (found.length > objectsMax) problems.push(`${found.length} objects, at most ${objectsMax}`);
  return { found, problems, kustomizations };
}

const isKustomization = (path: string): boolean => /(^|\/)kustomization\.ya?ml$/i.test(path);

function* read(path: string, bytes: Uint8Array, budget: Budget, found: Found[], problems: string[]): Generator<void> {
  const text = bytes.byteLength > fileMaxBytes ? undefined : decode(bytes);
  if (text === undefined) {
    problems.push(`${path}: not UTF-8 text of at most ${fileMaxBytes} bytes`);
    return;
  }
  const parsed = yield* parseYaml(text, budget);
  problems.push(...parsed.problems.slice(0, problemsMax).map(({ line, column, message }) => `${path}:${line}:${column}: ${message}`));
  for (const { value, line, column } of parsed.documents) collect(value, `${path}:${line}:${column}`, found, problems);
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

function collect(value: unknown, where: string, found: Found[], problems: string[]): void {
  if (isRecord(value) && isText(value['kind']) && value['kind'].endsWith('List') && Array.isArray(value['items'])) {
    value['items'].forEach((item, i) => collect(item, `${where}: items[${i}]`, found, problems));
    return;
  }
  const wrong = faults(value);
  if (wrong.length > 0) problems.push(`${where}: ${wrong.join(', ')}`);
  else found.push({ object: value as Manifest, where });
}

function faults(value: unknown): string[] {
  if (!isRecord(value)) return ['is not a Kubernetes object'];
  const { apiVersion, kind, metadata } = value;
  const wrong: string[] = [];
  if (!isText(apiVersion) || !/^([a-z0-9][-a-z0-9.]*\/)?[a-z0-9]+$/.test(apiVersion)) wrong.push('apiVersion is missing or malformed');
  else if (apiVersion.startsWith('kustomize.config.k8s.io/')) return [notRendered];
  if (!isText(kind)) wrong.push('kind is missing');
  if (!isRecord(metadata)) return [...wrong, 'metadata is missing'];
  if (!isText(metadata['name']))
    wrong.push(
      isText(metadata['generateName']) ? 'generateName names nothing that could be kept: give a name' : 'metadata.name is missing',
    );
  else if (!isPathSegment(metadata['name'])) wrong.push('metadata.name is not a name');
  if ('namespace' in metadata && (!isText(metadata['namespace']) || !isPathSegment(metadata['namespace'])))
    wrong.push('metadata.namespace is not a name');
  for (const field of ['labels', 'annotations'])
    if (metadata[field] !== undefined && metadata[field] !== null && !isTexts(metadata[field]))
      wrong.push(`metadata.${field} is not a map of texts (quote numbers and booleans)`);
  return wrong;
}

/** What Kubernetes accepts as a part of a URL path; what it finds too long or too odd beyond that, it says itself. */
const isPathSegment = (name: string): boolean => name.length <= 253 && !/[/%\s]|^\.{1,2}$/.test(name);
const isTexts = (value: unknown): boolean => isRecord(value) && Object.values(value).every((item) => typeof item === 'string');

function duplicates(found: readonly Found[]): string[] {
  const seen = new Map<string, string>();
  return found.flatMap(({ object, where }) => {
    const name = nameOf(object);
    const first = seen.get(name);
    if (first === undefined) seen.set(name, where);
    return first === undefined ? [] : [`${where}: ${name} is there twice, first at ${first}`];
  });
}

/** Kind.group/namespace/name, without what there is not. */
const nameOf = ({ apiVersion, kind, metadata: { name, namespace } }: Manifest): string => {
  const [group = ''] = apiVersion.split('/').toReversed().slice(1);
  return [`${kind}${group === '' ? '' : `.${group}`}`, namespace, name].filter((part) => part !== undefined).join('/');
};
