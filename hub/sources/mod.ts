// Sources: where apps come from. A repository is polled for its head and read at one commit; what cannot be read is never empty.
export { isOfCommit, SourceError, type SourceCode } from './errors.ts';
export { GitSource, type GitOptions } from './git.ts';
export { sourceLimits, type SourceLimits } from './limits.ts';
export { MemorySource } from './memory.ts';
export { SourcePoller, type PolledApp, type PollerOptions, type SourceStatus } from './poller.ts';
export type { Files, Snapshot, Source, SourceCredential, SourceCredentials } from './port.ts';
