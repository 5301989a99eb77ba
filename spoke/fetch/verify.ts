import type { Assignment, Variant } from '../../proto/mod.ts';
import { ArtifactError, parseIndex, parseManifest, readVariant, type Files } from '../../shared/artifact/mod.ts';
import { isDigest, parseInputs, revisionOf, type Digest, type Inputs } from '../../shared/kernel/mod.ts';
import type { Descriptor } from '../../shared/oci/mod.ts';
import { ContentError } from './errors.ts';

/** Content that may be written: nothing downstream can hold any other. */
export interface VerifiedContent {
  readonly revision: string;
  readonly indexDigest: string;
  readonly layerHash: string;
  readonly inputsBytes: Uint8Array;
  readonly inputs: Inputs;
  /** The layer as served. */
  readonly layer: Uint8Array;
  readonly files: Files;
}

export const variantOf = (assignment: Assignment): Variant => {
  if (!assignment.variant) throw new ContentError('MISMATCH', 'the assignment names no variant');
  return assignment.variant;
};

export const digest = (text: string, what: string): Digest => {
  if (!isDigest(text)) throw new ContentError('MISMATCH', `${what} is no digest`);
  return text;
};

/** The manifest of the assignment's environment, as the index lists it. */
export function listedIn(index: Uint8Array, assignment: Assignment): Descriptor {
  const variant = variantOf(assignment);
  const listed = translated(() => parseIndex(index)).variants.find(({ environment }) => environment === assignment.environment);
  if (!listed) throw new ContentError('NOT_LISTED', `the release ${assignment.indexDigest} has no variant for ${assignment.environment}`);
  if (listed.manifest.digest !== variant.digest)
    throw new ContentError(
      'NOT_LISTED',
      `the release ${assignment.indexDigest} lists ${listed.manifest.digest} for ${assignment.environment}, the assignment names ${variant.digest}`,
    );
  return listed.manifest;
}

export const layerOf = (manifest: Uint8Array): Descriptor => translated(() => parseManifest(manifest)).layer;

/** From bytes whose own digest was checked to content: its hash and the inputs' make the revision that was signed. Pure. */
export function verify(assignment: Assignment, layer: Uint8Array): VerifiedContent {
  const variant = variantOf(assignment);
  const { files, layerHash } = translated(() => readVariant(layer));
  if (layerHash !== variant.layerHash)
    throw new ContentError('MISMATCH', `the content hashes to ${layerHash}, the assignment names ${variant.layerHash}`);
  const revision = revisionOf(layerHash, assignment.inputs);
  if (revision !== assignment.revision)
    throw new ContentError('MISMATCH', `content and inputs make revision ${revision}, the assignment names ${assignment.revision}`);
  const inputs = translated(() => parseInputs(assignment.inputs));
  return { revision, indexDigest: assignment.indexDigest, layerHash, inputsBytes: assignment.inputs, inputs, layer, files };
}

function translated<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const what = cause instanceof ArtifactError ? 'the release cannot be read' : 'the inputs cannot be read';
    throw new ContentError('MALFORMED', `${what}: ${cause instanceof Error ? cause.message : 'unknown'}`, { cause });
  }
}
