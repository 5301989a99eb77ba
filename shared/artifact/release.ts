import { digestOf, isName, type Digest } from '../kernel/mod.ts';
import type { Content } from '../oci/mod.ts';
import { ArtifactError, quoted } from './errors.ts';
import { gzip, gunzip } from './gzip.ts';
import { artifactLimits, environmentsMax, imagesMax, type ArtifactLimits } from './limits.ts';
import { annotations, buildConfig, buildManifest, content, mediaTypes } from './manifest.ts';
import { byBytes } from './paths.ts';
import { buildIndex } from './release-index.ts';
import { pack, unpack, type Files } from './tar.ts';

export interface ReleaseSource {
  /** Time of the commit; parts of a second are not part of a release. */
  readonly created: Date;
  /** URL of the source. Credentials in it are refused: a release is public to whoever may pull it. */
  readonly source: string;
  /** The commit: 40 or 64 hex digits. */
  readonly revision: string;
  /** Who wrote the commit, as Git says it: `Name <mail>`. */
  readonly author: string;
  /** References of the images that the manifests of all environments name, in any order. */
  readonly images: readonly string[];
  /** Files by environment. */
  readonly variants: ReadonlyMap<string, Files>;
}

export interface Variant {
  readonly environment: string;
  /** Of the environment's manifest. */
  readonly digest: Digest;
  /** Bytes of the manifest. */
  readonly size: number;
  /** sha256 of the uncompressed layer (diffID): what the revision is made of. */
  readonly layerHash: Digest;
}

/** Everything that is to be pushed, in this order: blobs, manifests, index; then the tags. */
export interface Release {
  /** Digest of the index: the identity of the release. */
  readonly digest: Digest;
  /** `20260102T030405Z-<7 of the commit>-<8 of the digest>`: for people to read; a valid tag. */
  readonly alias: string;
  readonly blobs: readonly Content[];
  readonly manifests: readonly Content[];
  readonly index: Content;
  /** The alias names the index, `<alias>-<environment>` a plain Flux artifact. */
  readonly tags: ReadonlyMap<string, Content>;
  /** Sorted by environment. */
  readonly variants: readonly Variant[];
}

/**
 * The same commit gives the same release, byte for byte, on any machine.
 * @throws ArtifactError RELEASE_INVALID, or what `pack` and `readVariant` refuse: what cannot be read back is not built.
 */
export async function buildRelease(given: ReleaseSource, limits: ArtifactLimits = artifactLimits): Promise<Release> {
  checkSource(given);
  const created = `${given.created.toISOString().slice(0, 19)}Z`;
  const origin = { [annotations.created]: created, [annotations.source]: given.source, [annotations.revision]: given.revision };
  const blobs = new Map<Digest, Content>();
  const built: { variant: Variant; manifest: Content }[] = [];
  for (const environment of [...given.variants.keys()].sort(byBytes)) {
    const { layer, layerHash } = await buildLayer(environment, given.variants.get(environment) ?? new Map(), limits);
    const config = buildConfig(created, layerHash);
    for (const blob of [layer, config]) blobs.set(blob.descriptor.digest, blob);
    const manifest = buildManifest(config.descriptor, layer.descriptor, { ...origin, [annotations.environment]: environment });
    const { digest, size } = manifest.descriptor;
    built.push({ variant: { environment, digest, size, layerHash }, manifest });
  }
  const index = buildIndex(
    built.map(({ variant, manifest }) => ({ environment: variant.environment, manifest: manifest.descriptor })),
    { ...origin, ...recorded(given) },
  );
  const { digest } = index.descriptor;
  const alias = aliasOf(created, given.revision, digest);
  return {
    digest,
    alias,
    blobs: [...blobs.values()],
    manifests: built.map(({ manifest }) => manifest),
    index,
    tags: new Map([[alias, index], ...built.map(({ variant, manifest }) => [`${alias}-${variant.environment}`, manifest] as const)]),
    variants: built.map(({ variant }) => variant),
  };
}

async function buildLayer(environment: string, files: Files, limits: ArtifactLimits): Promise<{ layer: Content; layerHash: Digest }> {
  if (files.size === 0) throw invalid(`the environment ${environment} has no files`);
  const tar = await pack(files, limits);
  const layer = content(mediaTypes.layer, gzip(tar));
  const { layerHash } = readVariant(layer.bytes, limits);
  return { layer, layerHash };
}

const aliasOf = (created: string, revision: string, digest: Digest): string =>
  `${created.replaceAll(/[-:]/g, '')}-${revision.slice(0, 7)}-${digest.slice('sha256:'.length, 'sha256:'.length + 8)}`;

/** Annotations that only the index has: they say something of the release, and nothing of what one environment runs. */
function recorded({ author, images }: ReleaseSource): Record<string, string> {
  const by = author
    .toWellFormed()
    .replaceAll(/\p{Cc}+/gu, ' ')
    .trim();
  const named = [...new Set(images)].sort(byBytes);
  return {
    ...(by === '' ? {} : { [annotations.author]: by.slice(0, authorMaxCharacters).toWellFormed() }),
    ...(named.length === 0 ? {} : { [annotations.images]: JSON.stringify(named) }),
  };
}

const authorMaxCharacters = 256;
const imageMaxCharacters = 512;

function checkSource({ created, source, revision, images, variants }: ReleaseSource): void {
  if (Number.isNaN(created.getTime()) || created.getTime() < 0 || created.getUTCFullYear() > 9999)
    throw invalid('the time of the commit is not one of 1970-9999');
  if (!/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(revision)) throw invalid(`the commit ${quoted(revision)} is not 40 or 64 hex digits`);
  const url = URL.parse(source);
  if (!url || source.length > 2048) throw invalid('the source is not a URL of at most 2,048 characters');
  // Not quoted: what is refused here is refused because it holds a secret.
  if (url.password !== '' || (url.username !== '' && url.protocol !== 'ssh:'))
    throw invalid(`the source at ${url.host} has credentials in its URL; give them apart from it`);
  if (images.length > imagesMax) throw invalid(`${images.length} images, at most ${imagesMax}`);
  for (const image of images)
    if (image === '' || image.length > imageMaxCharacters || !image.isWellFormed())
      throw invalid(`${quoted(image)} is not an image reference`);
  if (variants.size === 0) throw invalid('no environment');
  if (variants.size > environmentsMax) throw invalid(`${variants.size} environments, at most ${environmentsMax}`);
  for (const name of variants.keys()) if (!isName(name)) throw invalid(`the environment ${quoted(name)} is not a name`);
}

const invalid = (why: string): ArtifactError => new ArtifactError('RELEASE_INVALID', `no release can be built: ${why}`);

/**
 * What a spoke runs: the files of a layer as served, and the hash that the revision is made of. Whoever calls has checked the layer's own digest.
 * @throws ArtifactError
 */
export function readVariant(
  layer: Uint8Array,
  limits: ArtifactLimits = artifactLimits,
): { readonly files: Files; readonly layerHash: Digest } {
  const tar = gunzip(layer, limits);
  return { files: unpack(tar, limits), layerHash: digestOf(tar) };
}
