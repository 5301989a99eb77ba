import { refOf, refText, type KubeObject } from '../kube/mod.ts';
import { PlanError } from './model.ts';
import { parseYaml } from './yaml.ts';

const objectsMax = 5_000;
/** A file that is no YAML at all has a problem at every character. */
const fileProblemsMax = 20;
const fileMaxBytes = 5 * 1024 * 1024;

/**
 * The objects of a variant's files, in the order of paths and documents. Read are *.yaml, *.yml and *.json; `kustomization.yaml` is an instruction for a
 * renderer and is passed over.
 * @throws PlanError MALFORMED with every problem: file, line, column
 */
export function objectsOf(files: ReadonlyMap<string, Uint8Array>): readonly KubeObject[] {
  const problems: string[] = [];
  const found: Found[] = [];
  const paths = [...files.keys()].filter((path) => /\.(ya?ml|json)$/i.test(path)).sort();
  for (const path of paths.filter((path) => !isKustomization(path))) read(path, files.get(path) ?? new Uint8Array(), found, problems);
  problems.push(...duplicates(found));
  if (found.length > objectsMax) problems.push(`${found.length} objects, at most ${objectsMax}`);
  if (problems.length === 0 && found.length === 0) problems.push(nothing(paths));
  if (problems.length > 0) throw new PlanError('MALFORMED', problems);
  return found.map(({ object }) => object);
}

interface Found {
  readonly object: KubeObject;
  readonly where: string;
}

const isKustomization = (path: string): boolean => /(^|\/)kustomization\.ya?ml$/i.test(path);

const nothing = (paths: readonly string[]): string =>
  paths.some(isKustomization)
    ? 'the only content is a kustomization: render it before it is packaged (kustomize build)'
    : 'no objects: the content has no document in a *.yaml, *.yml or *.json file';

function read(path: string, bytes: Uint8Array, found: Found[], problems: string[]): void {
  const text = bytes.byteLength > fileMaxBytes ? undefined : decode(bytes);
  if (text === undefined) {
    problems.push(`${path}: not UTF-8 text of at most ${fileMaxBytes} bytes`);
    return;
  }
  const parsed = parseYaml(text);
  problems.push(...parsed.problems.slice(0, fileProblemsMax).map(({ line, column, message }) => `${path}:${line}:${column}: ${message}`));
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
  else found.push({ object: value as KubeObject, where });
}

function faults(value: unknown): string[] {
  if (!isRecord(value)) return ['not an object'];
  const { apiVersion, kind, metadata } = value;
  const wrong: string[] = [];
  if (!isText(apiVersion) || !/^([a-z0-9][-a-z0-9.]*\/)?[a-z0-9]+$/.test(apiVersion)) wrong.push('apiVersion is missing or malformed');
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
    const name = refText(refOf(object));
    const first = seen.get(name);
    if (first === undefined) seen.set(name, where);
    return first === undefined ? [] : [`${where}: ${name} is there twice, first at ${first}`];
  });
}
