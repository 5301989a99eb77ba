// From an assignment to verified content: by digest, under the tenant's trust policy; from the cluster's own copy or the cache when nobody answers.
export { ContentError, isContentRetryable, type ContentCode } from './errors.ts';
export { directoryCache, layered, memoryCache, type ContentCache } from './cache.ts';
export { contentFetcher, type ContentFetcher, type FetcherParts, type HeldContent } from './fetcher.ts';
export { checkTrust } from './trust.ts';
export { verify, type VerifiedContent } from './verify.ts';
