// The servers that a fleet on one machine needs, found or fetched without root, started on loopback: NATS, an OCI registry, Git over HTTP.
export { ServerError, type ServerCode } from './errors.ts';
export { findServer, type FindOptions, type FoundServer, type ServerSource } from './find.ts';
export type { ServerName } from './catalogue.ts';
export { cacheFolder, makeCache } from './caches.ts';
export { startNats, type NatsOptions, type NatsServer } from './nats.ts';
export { startRegistry, type RegistryOptions, type RegistryServer } from './registry.ts';
export { startGitServer, type CommitOptions, type GitOptions, type GitServer } from './git.ts';
export type { Author } from './git-commits.ts';
export type { RunningServer, StartServer } from './running.ts';
