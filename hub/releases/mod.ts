// Releases: commits become releases, each exactly once; one that changes nothing makes none.
export type { Outcome, Recorded } from './decide.ts';
export { ReleaseError, type ReleaseCode } from './errors.ts';
export { Releases, type ReleasesOptions } from './service.ts';
