// Packaging: from the files of a commit to a release in a registry. Nothing empty, malformed or half is ever shipped.
export { PackagingError, type PackagingCode } from './errors.ts';
export { isManifestPath } from './manifests.ts';
export { packageCommit, type Packaged, type Packaging } from './package.ts';
export { pushRelease } from './push.ts';
