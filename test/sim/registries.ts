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

/** The registry as the fleet reaches it: away, or serving other bytes than it was asked for. */
export class WeatheredRegistry implements Resolver, Fetcher, Pusher, Tagger {
  away = false;
  wrong = false;
  pulls = 0;
  readonly #inner: MemoryRegistry;

  constructor(inner: MemoryRegistry) {
    this.#inner = inner;
  }

  async resolve(reference: Reference, signal: AbortSignal): Promise<Descriptor | undefined> {
    this.#reach('resolve');
    return this.#inner.resolve(reference, signal);
  }

  async fetch(repository: Repository, descriptor: Descriptor, signal: AbortSignal): Promise<Uint8Array> {
    this.#reach('fetch');
    this.pulls += 1;
    const bytes = await this.#inner.fetch(repository, descriptor, signal);
    // Right length, one bit wrong: what a broken disk or a man in the middle would serve. Whoever takes it in has to look.
    if (this.wrong) bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    return bytes;
  }

  async push(repository: Repository, content: Content, signal: AbortSignal): Promise<'pushed' | 'exists'> {
    this.#reach('push');
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
