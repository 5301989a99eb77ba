import { digestBytes, digestOf, sha256, type Digest } from './digest.ts';

/** Inputs travel inside every desired state: bounded so that 2,000 assignments fit into one document. */
export const inputsMaxBytes = 8 * 1024;

/**
 * The unit of change: what one placement should run.
 * sha256("wheelhouse.revision.v1\0" ‖ sha256 of the variant's uncompressed layer as served ‖ sha256(inputs bytes)).
 * Neither the manifest's digest nor mode, suspension, approvals or cause are part of it.
 */
export const revisionOf = (layerHash: Digest, inputs: Uint8Array): Digest =>
  digestOf(Buffer.concat([Buffer.from('wheelhouse.revision.v1\0'), digestBytes(layerHash), sha256(inputs)]));
