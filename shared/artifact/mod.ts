// What a release is made of: files <-> tar <-> layer <-> manifest <-> index. Pure: bytes in, bytes or values out.
export { ArtifactError, type ArtifactCode } from './errors.ts';
export { artifactLimits, environmentsMax, imagesMax, manifestMaxBytes, type ArtifactLimits } from './limits.ts';
export { annotations, mediaTypes, parseManifest, type VariantManifest } from './manifest.ts';
export { parseIndex, type IndexedVariant, type ReleaseIndex } from './release-index.ts';
export { buildRelease, readVariant, type Release, type ReleaseSource, type Variant } from './release.ts';
export { pack, unpack, type Files } from './tar.ts';
