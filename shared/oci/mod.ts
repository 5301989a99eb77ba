// Content in OCI registries: resolve, fetch, push, tag. Knows nothing of what the content means; usable on its own (see README.md).
export type {
  Content,
  Credential,
  Credentials,
  Descriptor,
  Fetcher,
  Pusher,
  Registry,
  RegistryAddress,
  Resolver,
  Tagger,
} from './ports.ts';
export { OciError, type OciCode, type OciOperation, type OciSide } from './errors.ts';
export { isManifest, mediaTypes } from './media-types.ts';
export { formatReference, formatRepository, isTag, parseReference, parseRepository, type Reference, type Repository } from './reference.ts';
export { clientLimits, RegistryClient, type ClientLimits, type ClientOptions } from './client.ts';
export { isRetryable, nextDelayMs, retried, retryPolicy, type RetryPolicy } from './retry.ts';
export { MemoryRegistry } from './memory.ts';
