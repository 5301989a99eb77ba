import { PackagingError } from './errors.ts';
import { parseManifest } from './yaml.ts';

export type Files = ReadonlyMap<string, Uint8Array>;

const objectsMax = 5_000;
const problemsMax = 20;

/** Whether a file can hold manifests: *.yaml, *.yml and *.json. What begins with a dot (`.github/`) speaks to other tools. */
export const isManifestPath = (path: string): boolean => /\.(ya?ml|json)$/i.test(path) && !/(^|\/)\./.test(path);

export interface Manifests {
  readonly objects: number;
  /** References of container images, sorted. */
  readonly images: readonly string[];
}

/**
 * Reads all manifests of one variant. What a spoke would refuse is refused here, before anything is shipped. Pure.
 * @throws PackagingError MANIFEST_MALFORMED with file, line and column of every problem; VARIANT_EMPTY, NOT_RENDERED, TOO_MANY_OBJECTS
 */
export function readManifests(environment: string, files: Files): Manifests {
  const problems: string[] = [];
  const seen = new Map<string, string>();
  const images = new Set<string>();
  for (const path of [...files.keys()].sort()) {
    const text = decode(files.get(path) ?? new Uint8Array());
    const { documents, problems: faults } = text === undefined ? notText : parseManifest(text);
    problems.push(...faults.map(({ line, column, message }) => `${path}:${line}:${column}: ${message}`));
    for (const { value, line, column } of documents) {
      const where = `${path}:${line}:${column}`;
      for (const item of itemsOf(value)) {
        const fault = faultOf(item);
        if (fault !== undefined) {
          problems.push(`${where}: ${fault}`);
          continue;
        }
        const name = nameOf(item as Named);
        const first = seen.get(name);
        if (first === undefined) seen.set(name, where);
        else problems.push(`${where}: ${name} is there twice, first at ${first}`);
        collectImages(item, images, 0);
      }
    }
  }
  if (problems.length > 0) throw malformed(environment, problems);
  if (seen.size === 0)
    throw new PackagingError(
      'VARIANT_EMPTY',
      `environment ${environment} would get no objects at all: to remove what runs there, retire it`,
    );
  if (seen.size > objectsMax)
    throw new PackagingError('TOO_MANY_OBJECTS', `environment ${environment}: ${seen.size} objects, at most ${objectsMax}`);
  return { objects: seen.size, images: [...images].sort() };
}

const notText = { documents: [], problems: [{ line: 1, column: 1, message: 'is not UTF-8 text' }] };

function malformed(environment: string, problems: readonly string[]): PackagingError {
  const rendered = problems.find((problem) => problem.endsWith(notRendered));
  if (rendered !== undefined) return new PackagingError('NOT_RENDERED', rendered);
  const more = problems.length > problemsMax ? [`and ${problems.length - problemsMax} more`] : [];
  const lines = [...problems.slice(0, problemsMax), ...more];
  return new PackagingError('MANIFEST_MALFORMED', `environment ${environment} cannot be packaged:\n${lines.join('\n')}`);
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

/** A List stands for its items. */
const itemsOf = (value: unknown): readonly unknown[] =>
  isRecord(value) && isText(value['kind']) && value['kind'].endsWith('List') && Array.isArray(value['items'])
    ? value['items'].flatMap(itemsOf)
    : [value];

const notRendered = 'is an instruction for kustomize, which is not supported yet: commit what `kustomize build` renders';

interface Named {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

const nameOf = ({ apiVersion, kind, metadata: { name, namespace } }: Named): string => {
  const [group = ''] = apiVersion.split('/').toReversed().slice(1);
  return [`${kind}${group === '' ? '' : `.${group}`}`, namespace, name].filter((part) => part !== undefined).join('/');
};

function faultOf(value: unknown): string | undefined {
  if (!isRecord(value)) return 'is not a Kubernetes object';
  const { apiVersion, kind, metadata } = value;
  if (!isText(apiVersion) || !/^([a-z0-9][-a-z0-9.]*\/)?[a-z0-9]+$/.test(apiVersion))
    return 'is not a Kubernetes object: apiVersion is missing or malformed';
  if (!isText(kind)) return 'is not a Kubernetes object: kind is missing';
  if (apiVersion.startsWith('kustomize.config.k8s.io/')) return notRendered;
  if (!isRecord(metadata) || !isText(metadata['name'])) return `${kind}: metadata.name is missing`;
  if (metadata['name'].length > 253 || /[/%\s]|^\.{1,2}$/.test(metadata['name'])) return `${kind}: metadata.name is not a name`;
  if (metadata['namespace'] !== undefined && !isText(metadata['namespace']))
    return `${kind}/${metadata['name']}: metadata.namespace is not a name`;
  return undefined;
}

const containers: ReadonlySet<string> = new Set(['containers', 'initContainers', 'ephemeralContainers']);
const depthMax = 64;

/** Wherever a pod's containers are listed, also in kinds that nobody here knows. */
function collectImages(value: unknown, images: Set<string>, depth: number): void {
  if (depth > depthMax || typeof value !== 'object' || value === null) return;
  for (const [key, child] of Object.entries(value)) {
    if (containers.has(key) && Array.isArray(child))
      for (const container of child) if (isRecord(container) && isText(container['image'])) images.add(container['image']);
    collectImages(child, images, depth + 1);
  }
}
