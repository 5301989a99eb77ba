import { PackagingError } from './errors.ts';
import { isManifestPath, type Files } from './manifests.ts';

export interface VariantOf {
  readonly environment: string;
  /** Folder of its manifests, below the source's own. */
  readonly path?: string | undefined;
}

/**
 * Which files each environment gets: those of the folder that its target names; else, where there are folders named like the app's environments, of its own;
 * else all of them, the same for all. Pure.
 * @throws PackagingError VARIANT_MISSING: an environment has no folder although others have; VARIANT_EMPTY
 */
export function variantsOf(targets: readonly VariantOf[], files: Files): ReadonlyMap<string, Files> {
  const manifests = new Map([...files].filter(([path]) => isManifestPath(path)));
  const own = targets.some(({ environment, path }) => path !== undefined || below(manifests, environment).size > 0);
  return new Map(
    targets.map(({ environment, path }) => {
      const folder = path ?? (own ? environment : '');
      const found = below(manifests, folder);
      if (found.size === 0) throw nothingIn(folder, environment, own && path === undefined);
      return [environment, found];
    }),
  );
}

function below(files: Files, folder: string): Files {
  if (folder === '') return files;
  return new Map(
    [...files].filter(([path]) => path.startsWith(`${folder}/`)).map(([path, bytes]) => [path.slice(folder.length + 1), bytes]),
  );
}

const nothingIn = (folder: string, environment: string, implied: boolean): PackagingError =>
  implied
    ? new PackagingError(
        'VARIANT_MISSING',
        `environment ${environment} has no folder, although others have: add ${folder}/, or name its path in the app`,
      )
    : new PackagingError(
        'VARIANT_EMPTY',
        `environment ${environment} would get nothing: there is no manifest in ${folder === '' ? 'the source' : `${folder}/`}; to remove what runs there, retire it`,
      );
