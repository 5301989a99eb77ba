/** What an artifact may cost whoever reads it. The same limits hold for what is built, so that what is built can be read. */
export interface ArtifactLimits {
  /** Files and directories of one archive. */
  readonly entriesMax: number;
  /** The uncompressed archive, headers included. */
  readonly archiveMaxBytes: number;
  readonly fileMaxBytes: number;
  /** Uncompressed bytes per compressed byte. */
  readonly ratioMax: number;
  /** Below this size the ratio does not count: a few small, alike manifests compress by more than 100:1 and cost nobody anything. */
  readonly ratioFreeBytes: number;
}

const MiB = 1024 * 1024;

export const artifactLimits: ArtifactLimits = Object.freeze({
  entriesMax: 20_000,
  archiveMaxBytes: 100 * MiB,
  fileMaxBytes: 10 * MiB,
  ratioMax: 100,
  ratioFreeBytes: MiB,
});

/** An index, a manifest or a config: what registries accept as well. */
export const manifestMaxBytes = 4 * MiB;
export const environmentsMax = 64;
export const imagesMax = 1_000;
