import { buildRelease, type Release } from '#shared/artifact/mod.ts';
import { readManifests, type Files } from './manifests.ts';
import { variantsOf, type VariantOf } from './variants.ts';

export interface Packaging {
  /** URL of the source, without credentials. */
  readonly source: string;
  readonly commit: string;
  /** `Name <mail>` */
  readonly author: string;
  /** Epoch milliseconds. */
  readonly committedAt: number;
  readonly files: Files;
  readonly targets: readonly VariantOf[];
}

export interface Packaged {
  readonly release: Release;
  /** References of the images that its manifests name, sorted. */
  readonly images: readonly string[];
}

/**
 * A commit as a release: the same commit of the same app gives the same, byte for byte. Pure.
 * @throws PackagingError, ArtifactError: neither goes away by trying again
 */
export async function packageCommit({ source, commit, author, committedAt, files, targets }: Packaging): Promise<Packaged> {
  const variants = variantsOf(targets, files);
  const named: string[] = [];
  for (const [environment, own] of variants) named.push(...(await readManifests(environment, own)).images);
  const images = [...new Set(named)].sort();
  const release = await buildRelease({ created: new Date(committedAt), source, revision: commit, author, images, variants });
  return { release, images };
}
