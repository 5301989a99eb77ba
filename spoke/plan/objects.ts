import { readObjects, readObjectsInSteps, type Content } from '../../shared/manifests/mod.ts';
import type { KubeObject } from '../kube/mod.ts';
import { PlanError } from './model.ts';

/**
 * The objects of a variant's files, in the order of paths and documents, as the hub has read them before it shipped them.
 * @throws PlanError MALFORMED with every problem: file, line, column
 */
export const objectsOf = (files: ReadonlyMap<string, Uint8Array>): readonly KubeObject[] => checked(readObjects(files));

/** The same for what came from elsewhere: others run between its steps. */
export const objectsOfInSteps = async (files: ReadonlyMap<string, Uint8Array>): Promise<readonly KubeObject[]> =>
  checked(await readObjectsInSteps(files));

function checked({ found, problems, kustomizations }: Content): readonly KubeObject[] {
  if (problems.length > 0) throw new PlanError('MALFORMED', problems);
  if (found.length === 0) throw new PlanError('MALFORMED', [nothing(kustomizations)]);
  return found.map(({ object }) => object);
}

const nothing = (kustomizations: readonly string[]): string =>
  kustomizations.length > 0
    ? 'the only content is a kustomization: render it before it is packaged (kustomize build)'
    : 'no objects: the content has no document in a *.yaml, *.yml or *.json file';
