import type { Release } from '#shared/artifact/mod.ts';
import type { Pusher, Repository, Resolver, Tagger } from '#shared/oci/mod.ts';

/**
 * Stores a release: what is referred to before what refers to it, the tags last, so nobody ever sees half of one. What is there already is not sent again. A
 * tag that names something else has been moved by somebody: it is left alone and returned, because content is only ever pulled by digest.
 * Rejects with OciError.
 */
export async function pushRelease(
  registry: Pusher & Tagger & Resolver,
  repository: Repository,
  release: Release,
  signal: AbortSignal,
): Promise<{ readonly tagsMoved: readonly string[] }> {
  for (const content of [...release.blobs, ...release.manifests, release.index]) await registry.push(repository, content, signal);
  const tagsMoved: string[] = [];
  for (const [tag, manifest] of release.tags) {
    const named = await registry.resolve({ ...repository, tag }, signal);
    if (named === undefined) await registry.tag(repository, manifest, tag, signal);
    else if (named.digest !== manifest.descriptor.digest) tagsMoved.push(tag);
  }
  return { tagsMoved };
}
