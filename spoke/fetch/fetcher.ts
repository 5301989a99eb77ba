import type { Assignment, TrustPolicies } from '../../proto/mod.ts';
import type { Clock } from '../../shared/clock/mod.ts';
import { digestOf, explain, type Digest } from '../../shared/kernel/mod.ts';
import {
  OciError,
  parseRepository,
  type Descriptor,
  type Fetcher as OciFetcher,
  type Repository,
  type Resolver,
} from '../../shared/oci/mod.ts';
import { boundedRegistry } from './bounded.ts';
import type { ContentCache } from './cache.ts';
import { ContentError } from './errors.ts';
import { checkTrust } from './trust.ts';
import { digest, layerOf, listedIn, variantOf, verify, type VerifiedContent } from './verify.ts';

/** What the cluster itself holds of an assignment: verified once, before it was written. */
export interface HeldContent {
  readonly revision: string;
  readonly indexDigest: string;
  readonly layer?: Uint8Array;
}

export interface ContentFetcher {
  /**
   * The verified content of an assignment. `onFetched` is called when all bytes are here and nothing has been unpacked.
   * @throws ContentError
   */
  fetch(assignment: Assignment, held: readonly HeldContent[], signal: AbortSignal, onFetched?: () => void): Promise<VerifiedContent>;
}

export interface FetcherParts {
  readonly registry: Resolver & OciFetcher;
  readonly cache: ContentCache;
  /** Of the keyset in force; asked each time, because they change. */
  readonly policies: () => TrustPolicies | undefined;
  readonly clock: Clock;
}

/** Everything by digest: trust, then the index, the variant that it lists, its layer, the revision. */
export function contentFetcher(given: FetcherParts): ContentFetcher {
  const parts = { ...given, registry: boundedRegistry(given.registry, given.clock) };
  return {
    fetch: async (assignment, held, signal, onFetched) => {
      checkTrust(parts.policies(), assignment.tenant);
      // The index was checked when this very revision of this very release was first fetched; hub and registry may be gone since.
      const known = held.find((h) => h.layer && h.revision === assignment.revision && h.indexDigest === assignment.indexDigest);
      const layer = known?.layer ?? (await fetchLayer(parts, assignment, signal));
      onFetched?.();
      return verify(assignment, layer);
    },
  };
}

async function fetchLayer({ registry, cache }: FetcherParts, assignment: Assignment, signal: AbortSignal): Promise<Uint8Array> {
  const variant = variantOf(assignment);
  const indexDigest = digest(assignment.indexDigest, 'the release');
  const repository = translatedSync(() => parseRepository(variant.repository));
  const cached = async (wanted: Digest, fetch: () => Promise<Uint8Array>): Promise<Uint8Array> => {
    const found = await cache.get(wanted).catch(() => undefined);
    if (found) return found;
    const bytes = await translated(fetch);
    if (digestOf(bytes) !== wanted) throw new ContentError('CORRUPT', `${wanted}: the registry answered with other bytes`);
    // A full disk costs pulls, never a rollout.
    await cache.put(wanted, bytes).catch(() => undefined);
    return bytes;
  };
  const get = (descriptor: Descriptor): Promise<Uint8Array> =>
    cached(descriptor.digest, () => registry.fetch(repository, descriptor, signal));

  const index = await cached(indexDigest, () => fetchIndex(registry, repository, indexDigest, signal));
  const manifest = await get(listedIn(index, assignment));
  return get(layerOf(manifest));
}

async function fetchIndex(
  registry: Resolver & OciFetcher,
  repository: Repository,
  wanted: Digest,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const descriptor = await registry.resolve({ ...repository, digest: wanted }, signal);
  if (!descriptor) throw new ContentError('NOT_FOUND', `the registry ${repository.registry} has no ${repository.path}@${wanted}`);
  return registry.fetch(repository, descriptor, signal);
}

async function translated<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw contentErrorOf(error);
  }
}

function translatedSync<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw contentErrorOf(error);
  }
}

const codes: Partial<Record<OciError['code'], ContentError['code']>> = {
  BAD_REFERENCE: 'MALFORMED',
  NOT_FOUND: 'NOT_FOUND',
  UNAUTHORIZED: 'DENIED',
  DENIED: 'DENIED',
  SIZE_EXCEEDED: 'CORRUPT',
  DIGEST_MISMATCH: 'CORRUPT',
};

/** Anything that is not a known answer of a registry is a way there that does not work now. */
function contentErrorOf(cause: unknown): unknown {
  if (cause instanceof ContentError) return cause;
  const code = (cause instanceof OciError ? codes[cause.code] : undefined) ?? 'UNAVAILABLE';
  return new ContentError(code, `the content cannot be pulled: ${explain(cause, 2)}`, { cause });
}
