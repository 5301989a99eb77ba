import {
  OciError,
  type Content,
  type MemoryRegistry,
  type Pusher,
  type Reference,
  type Repository,
  type Resolver,
  type Fetcher,
  type Tagger,
  type Descriptor,
} from '#shared/oci/mod.ts';

/** One bit wrong, as from a broken disk; or what somebody else asked for, whole and sound, as from a cache that mixes things up. */
export type Wrong = 'flipped' | 'mixed';

/** The registry as the fleet reaches it: away, or serving other bytes than it was asked for. */
export class WeatheredRegistry implements Resolver, Fetcher, Pusher, Tagger {
  away = false;
  wrong: Wrong | undefined;
  readonly #inner: MemoryRegistry;
  readonly #pushed: Content[] = [];

  constructor(inner: MemoryRegistry) {
    this.#inner = inner;
  }

  async resolve(reference: Reference, signal: AbortSignal): Promise<Descriptor | undefined> {
    this.#reach('resolve');
    return this.#inner.resolve(reference, signal);
  }

  async fetch(repository: Repository, descriptor: Descriptor, signal: AbortSignal): Promise<Uint8Array> {
    this.#reach('fetch');
    const bytes = await this.#inner.fetch(repository, descriptor, signal);
    if (this.wrong === 'mixed') return this.#other(descriptor) ?? bytes;
    if (this.wrong === 'flipped') bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    return bytes;
  }

  /** The last that was pushed of that media type, and is not what was asked for. */
  #other({ mediaType, digest }: Descriptor): Uint8Array | undefined {
    return this.#pushed.findLast(({ descriptor }) => descriptor.mediaType === mediaType && descriptor.digest !== digest)?.bytes;
  }

  async push(repository: Repository, content: Content, signal: AbortSignal): Promise<'pushed' | 'exists'> {
    this.#reach('push');
    this.#pushed.push(content);
    return this.#inner.push(repository, content, signal);
  }

  async tag(repository: Repository, manifest: Content, tag: string, signal: AbortSignal): Promise<void> {
    this.#reach('tag');
    return this.#inner.tag(repository, manifest, tag, signal);
  }

  #reach(operation: 'resolve' | 'fetch' | 'push' | 'tag'): void {
    if (this.away) throw new OciError('REGISTRY_UNAVAILABLE', operation, 'registry', 'the registry is away');
  }
}
