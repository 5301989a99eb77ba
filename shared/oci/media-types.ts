export const mediaTypes = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
} as const;

/** What lives under /manifests/ in a registry; everything else is a blob. Docker's own forms can be read and copied as well. */
const manifestTypes: readonly string[] = [
  mediaTypes.index,
  mediaTypes.manifest,
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];

export const isManifest = (mediaType: string): boolean => manifestTypes.includes(mediaType);

/** Sent with every request for a manifest: registries answer 404 for what exists but is not in here (docker-registry 2.8 does, for any index). */
export const acceptManifests = manifestTypes.join(', ');
