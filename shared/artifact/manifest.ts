import type { Content, Descriptor } from '../oci/mod.ts';
import { mediaTypes as oci } from '../oci/mod.ts';
import { canonicalJson, digestOf, type Digest, type Json } from '../kernel/mod.ts';
import { ArtifactError } from './errors.ts';
import { artifactLimits } from './limits.ts';
import { annotationsOf, checkForm, descriptorOf, optional, parseDocument, readName } from './document.ts';

export const mediaTypes = {
  config: 'application/vnd.cncf.flux.config.v1+json',
  layer: 'application/vnd.cncf.flux.content.v1.tar+gzip',
} as const;

/** Layers that `flux push artifact` and ORAS (a directory) write. */
const layerTypes: readonly string[] = [mediaTypes.layer, 'application/vnd.oci.image.layer.v1.tar+gzip'];

export const annotations = {
  created: 'org.opencontainers.image.created',
  source: 'org.opencontainers.image.source',
  revision: 'org.opencontainers.image.revision',
  environment: 'dev.wheelhouse.environment',
  /** JSON array of the image references in the manifests of all environments, sorted. */
  images: 'dev.wheelhouse.images',
  /** Who wrote the commit. */
  author: 'dev.wheelhouse.author',
} as const;

export const content = (mediaType: string, bytes: Uint8Array): Content => ({
  descriptor: { mediaType, digest: digestOf(bytes), size: bytes.byteLength },
  bytes,
});

export const jsonContent = (mediaType: string, value: Json): Content => content(mediaType, Buffer.from(canonicalJson(value)));

export const descriptorJson = ({ mediaType, digest, size }: Descriptor): { [key: string]: Json } => ({ mediaType, digest, size });

/** A config in the form of an image's, so that crane and Flux can read it; `diff_ids` is the hash of the uncompressed layer. */
export const buildConfig = (created: string, layerHash: Digest): Content =>
  jsonContent(mediaTypes.config, {
    architecture: '',
    config: {},
    created,
    history: [{ created, created_by: 'wheelhouse' }],
    os: '',
    rootfs: { diff_ids: [layerHash], type: 'layers' },
  });

/** A plain Flux artifact: one config, one layer, annotations. */
export const buildManifest = (config: Descriptor, layer: Descriptor, given: Readonly<Record<string, string>>): Content =>
  jsonContent(oci.manifest, {
    schemaVersion: 2,
    mediaType: oci.manifest,
    config: descriptorJson(config),
    layers: [descriptorJson(layer)],
    annotations: { ...given },
  });

/** One environment's content, as its manifest says it. What another tool did not write is undefined. */
export interface VariantManifest {
  readonly config: Descriptor;
  readonly layer: Descriptor;
  readonly environment: string | undefined;
  readonly created: string | undefined;
  readonly source: string | undefined;
  readonly revision: string | undefined;
}

/**
 * Reads a manifest of ours, of `flux push artifact` or of ORAS: any config, exactly one layer that is a gzipped tar.
 * @throws ArtifactError MANIFEST_TOO_LARGE, MANIFEST_MALFORMED, MANIFEST_UNSUPPORTED
 */
export function parseManifest(bytes: Uint8Array): VariantManifest {
  const document = parseDocument(bytes, 'manifest');
  checkForm(document, oci.manifest, 'manifests');
  const layers = document['layers'];
  if (!Array.isArray(layers)) throw new ArtifactError('MANIFEST_MALFORMED', 'manifest: layers is not a list');
  const [layer, ...others] = layers.slice(0, 2).map((item, i) => descriptorOf(item, `manifest: layers[${i}]`));
  if (layer === undefined || others.length > 0)
    throw new ArtifactError('MANIFEST_UNSUPPORTED', `manifest: ${layers.length} layers; an artifact has exactly one`);
  if (!layerTypes.includes(layer.mediaType))
    throw new ArtifactError(
      'MANIFEST_UNSUPPORTED',
      `manifest: the layer is ${JSON.stringify(layer.mediaType.slice(0, 100))}, not one of ${layerTypes.join(', ')}`,
    );
  if (layer.size > artifactLimits.archiveMaxBytes)
    throw new ArtifactError('ARCHIVE_TOO_LARGE', `manifest: the layer has ${layer.size} bytes, at most ${artifactLimits.archiveMaxBytes}`);
  const given = annotationsOf(document, 'manifest');
  return {
    config: descriptorOf(document['config'], 'manifest: config'),
    layer,
    environment: readName(given[annotations.environment], 'manifest'),
    created: optional(given[annotations.created]),
    source: optional(given[annotations.source]),
    revision: optional(given[annotations.revision]),
  };
}
