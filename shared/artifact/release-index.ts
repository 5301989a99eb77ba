import type { Json } from '../kernel/mod.ts';
import { mediaTypes as oci, type Content, type Descriptor } from '../oci/mod.ts';
import { annotationsOf, checkForm, descriptorOf, optional, parseDocument, readName } from './document.ts';
import { ArtifactError } from './errors.ts';
import { environmentsMax, imagesMax } from './limits.ts';
import { annotations, descriptorJson, jsonContent } from './manifest.ts';

export interface IndexedVariant {
  readonly environment: string;
  readonly manifest: Descriptor;
}

/** A release: one manifest per environment, the way an image index has one per platform. */
export function buildIndex(variants: readonly IndexedVariant[], given: Readonly<Record<string, string>>): Content {
  return jsonContent(oci.index, {
    schemaVersion: 2,
    mediaType: oci.index,
    manifests: variants.map(({ environment, manifest }): Json => ({
      ...descriptorJson(manifest),
      annotations: { [annotations.environment]: environment },
    })),
    annotations: { ...given },
  });
}

/** A release as its index says it. */
export interface ReleaseIndex {
  /** In the order of the index; each environment once. */
  readonly variants: readonly IndexedVariant[];
  readonly created: string | undefined;
  readonly source: string | undefined;
  readonly revision: string | undefined;
  readonly author: string | undefined;
  readonly images: readonly string[];
}

/**
 * Reads a release's index. Manifests without an environment (attestations and the like that others add) are passed over.
 * @throws ArtifactError MANIFEST_TOO_LARGE, MANIFEST_MALFORMED, MANIFEST_UNSUPPORTED
 */
export function parseIndex(bytes: Uint8Array): ReleaseIndex {
  const document = parseDocument(bytes, 'index');
  checkForm(document, oci.index, 'layers');
  const manifests = document['manifests'];
  if (!Array.isArray(manifests)) throw malformed('manifests is not a list');
  if (manifests.length > 2 * environmentsMax) throw malformed(`${manifests.length} manifests, at most ${2 * environmentsMax}`);
  const variants = manifests.flatMap((item, i) => variantOf(item, i));
  if (variants.length === 0)
    throw new ArtifactError('MANIFEST_UNSUPPORTED', `index: no manifest has the annotation ${annotations.environment}`);
  if (new Set(variants.map((v) => v.environment)).size !== variants.length) throw malformed('an environment is there twice');
  const given = annotationsOf(document, 'index');
  return {
    variants,
    created: optional(given[annotations.created]),
    source: optional(given[annotations.source]),
    revision: optional(given[annotations.revision]),
    author: optional(given[annotations.author]),
    images: imagesOf(given[annotations.images]),
  };
}

function variantOf(item: unknown, i: number): IndexedVariant[] {
  const { annotations: given, ...manifest } = descriptorOf(item, `index: manifests[${i}]`);
  const environment = readName(given?.[annotations.environment], 'index');
  if (environment === undefined) return [];
  if (manifest.mediaType !== oci.manifest)
    throw new ArtifactError('MANIFEST_UNSUPPORTED', `index: ${environment} is a ${manifest.mediaType}, not a ${oci.manifest}`);
  return [{ environment, manifest }];
}

function imagesOf(text: string | undefined): readonly string[] {
  if (text === undefined) return [];
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ArtifactError('MANIFEST_MALFORMED', `index: ${annotations.images} is not JSON`, { cause });
  }
  if (!Array.isArray(value) || value.length > imagesMax || !value.every((item) => typeof item === 'string'))
    throw malformed(`${annotations.images} is not a list of at most ${imagesMax} texts`);
  return value;
}

const malformed = (why: string): ArtifactError => new ArtifactError('MANIFEST_MALFORMED', `index: ${why}`);
