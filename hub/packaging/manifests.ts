import { notRendered, objectsMax, readObjectsInSteps } from '#shared/manifests/mod.ts';
import { PackagingError } from './errors.ts';

export type Files = ReadonlyMap<string, Uint8Array>;

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
export async function readManifests(environment: string, files: Files): Promise<Manifests> {
  const { found, problems, kustomizations } = await readObjectsInSteps(files);
  const [kustomization] = kustomizations;
  if (kustomization !== undefined) throw new PackagingError('NOT_RENDERED', `${kustomization} ${notRendered}`);
  if (found.length > objectsMax)
    throw new PackagingError('TOO_MANY_OBJECTS', `environment ${environment}: ${found.length} objects, at most ${objectsMax}`);
  if (problems.length > 0) throw malformed(environment, problems);
  if (found.length === 0)
    throw new PackagingError(
      'VARIANT_EMPTY',
      `environment ${environment} would get no objects at all: to remove what runs there, retire it`,
    );
  const images = new Set<string>();
  for (const { object } of found) collectImages(object, images, 0);
  return { objects: found.length, images: [...images].sort() };
}

function malformed(environment: string, problems: readonly string[]): PackagingError {
  const rendered = problems.find((problem) => problem.endsWith(notRendered));
  if (rendered !== undefined) return new PackagingError('NOT_RENDERED', rendered);
  const more = problems.length > problemsMax ? [`and ${problems.length - problemsMax} more`] : [];
  const lines = [...problems.slice(0, problemsMax), ...more];
  return new PackagingError('MANIFEST_MALFORMED', `environment ${environment} cannot be packaged:\n${lines.join('\n')}`);
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

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
