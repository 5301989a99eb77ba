import { isManifest } from './media-types.ts';
import { OciError, type OciOperation } from './errors.ts';
import type { Content, Descriptor, Registry } from './ports.ts';
import { formatReference, formatRepository, isTag, type Reference, type Repository } from './reference.ts';
import { checkContent, readVerified } from './verify.ts';
import { isDigest, type Digest } from '../kernel/mod.ts';

interface Shelf {
  readonly blobs: Map<Digest, Content>;
  readonly manifests: Map<Digest, Content>;
  readonly tags: Map<string, Digest>;
}

/** A whole registry in memory, for one process: as strict as a real one, and passes the same contract. */
export class MemoryRegistry implements Registry {
  readonly #shelves = new Map<string, Shelf>();

  async resolve(reference: Reference, signal: AbortSignal): Promise<Descriptor | undefined> {
    signal.throwIfAborted();
    if (reference.digest === undefined && reference.tag === undefined)
      throw new OciError('BAD_REFERENCE', 'resolve', 'caller', `${formatReference(reference)} has neither tag nor digest`);
    const shelf = this.#shelves.get(formatRepository(reference));
    const digest = reference.digest ?? shelf?.tags.get(reference.tag ?? '');
    return digest === undefined ? undefined : shelf?.manifests.get(digest)?.descriptor;
  }

  async fetch(repository: Repository, descriptor: Descriptor, signal: AbortSignal): Promise<Uint8Array> {
    signal.throwIfAborted();
    const { digest, mediaType } = descriptor;
    const shelf = this.#shelves.get(formatRepository(repository));
    const found = (isManifest(mediaType) ? shelf?.manifests : shelf?.blobs)?.get(digest);
    if (!found) throw new OciError('NOT_FOUND', 'fetch', 'registry', `${formatRepository(repository)}@${digest}`);
    return readVerified(inOnePart(found.bytes), descriptor);
  }

  async push(repository: Repository, content: Content, signal: AbortSignal): Promise<'pushed' | 'exists'> {
    signal.throwIfAborted();
    return this.#store('push', repository, content);
  }

  async tag(repository: Repository, manifest: Content, tag: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { digest, mediaType } = manifest.descriptor;
    if (!isTag(tag) || !isManifest(mediaType))
      throw new OciError('BAD_REFERENCE', 'tag', 'caller', `${formatRepository(repository)}: not a tag, or not a manifest`);
    this.#store('tag', repository, manifest);
    this.#shelf(repository).tags.set(tag, digest);
  }

  #store(operation: OciOperation, repository: Repository, content: Content): 'pushed' | 'exists' {
    checkContent(operation, content);
    const { mediaType, digest, size } = content.descriptor;
    const shelf = this.#shelf(repository);
    const place = isManifest(mediaType) ? shelf.manifests : shelf.blobs;
    if (place.has(digest)) return 'exists';
    if (place === shelf.manifests) checkReferences(operation, content, shelf);
    // A copy, without annotations: what the caller does to its own afterwards changes nothing here, and a registry keeps only what is in the bytes.
    place.set(digest, { descriptor: { mediaType, digest, size }, bytes: Uint8Array.from(content.bytes) });
    return 'pushed';
  }

  #shelf(repository: Repository): Shelf {
    const name = formatRepository(repository);
    const shelf = this.#shelves.get(name) ?? { blobs: new Map(), manifests: new Map(), tags: new Map() };
    this.#shelves.set(name, shelf);
    return shelf;
  }
}

/** A manifest is refused until everything that it names is there: nobody ever sees half a release. */
function checkReferences(operation: OciOperation, { descriptor, bytes }: Content, shelf: Shelf): void {
  const missing = [...namedIn(bytes)].find((digest) => !shelf.blobs.has(digest) && !shelf.manifests.has(digest));
  if (missing !== undefined)
    throw new OciError('CONTENT_REFUSED', operation, 'registry', `${descriptor.digest} names ${missing}, which is not there`);
}

function namedIn(bytes: Uint8Array): Iterable<Digest> {
  const { config, layers = [], manifests = [] } = JSON.parse(Buffer.from(bytes).toString()) as Named;
  return [config, ...layers, ...manifests].map((d) => d?.digest ?? '').filter(isDigest);
}

interface Named {
  readonly config?: { readonly digest?: string };
  readonly layers?: readonly { readonly digest?: string }[];
  readonly manifests?: readonly { readonly digest?: string }[];
}

async function* inOnePart(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.byteLength > 0) yield Uint8Array.from(bytes);
}
