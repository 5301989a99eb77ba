const MiB = 1024 * 1024;

const defaults = {
  /** One answer of a server: a pack, or a list of refs. */
  answerMaxBytes: 64 * MiB,
  filesMax: 5_000,
  fileMaxBytes: 5 * MiB,
  /** All files together. */
  snapshotMaxBytes: 50 * MiB,
  /** Looked at, wanted or not. */
  entriesMax: 100_000,
  depthMax: 32,
  headMaxMs: 30_000,
  readMaxMs: 120_000,
};
export type SourceLimits = Readonly<typeof defaults>;
export const sourceLimits: SourceLimits = Object.freeze(defaults);
