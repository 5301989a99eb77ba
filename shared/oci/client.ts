import type { Clock } from '../clock/mod.ts';
import { digestOf, isDigest } from '../kernel/mod.ts';
import { placeOf } from './addresses.ts';
import { refusal } from './answers.ts';
import { Authorization } from './authorization.ts';
import { OciError, type OciOperation } from './errors.ts';
import type { Wire } from './exchange.ts';
import { acceptManifests, isManifest } from './media-types.ts';
import type { Content, Credentials, Descriptor, Registry, RegistryAddress } from './ports.ts';
import { formatReference, formatRepository, isTag, parseRepository, type Reference, type Repository } from './reference.ts';
import { Session } from './session.ts';
import { checkContent, nothing, readBounded, readVerified } from './verify.ts';

export interface ClientOptions {
  readonly clock: Clock;
  /** Registries about which there is something to say; others are reached by the defaults of RegistryAddress. */
  readonly registries?: readonly RegistryAddress[];
  /** Default: anonymous. */
  readonly credentials?: Credentials;
  /** Where connections come from; own certificate authorities and proxies are its business. Default: the global fetch. */
  readonly fetch?: typeof fetch;
  readonly limits?: Partial<ClientLimits>;
}

export interface ClientLimits {
  /** A manifest or an index. */
  readonly manifestMaxBytes: number;
  /** Anything that is fetched: a descriptor is as foreign as what it describes. */
  readonly contentMaxBytes: number;
  readonly redirectsMax: number;
  readonly answerMaxMs: number;
  readonly bodyMaxMs: number;
}

const MiB = 1024 * 1024;
export const clientLimits: ClientLimits = Object.freeze({
  manifestMaxBytes: 4 * MiB,
  contentMaxBytes: 128 * MiB,
  redirectsMax: 5,
  answerMaxMs: 30_000,
  bodyMaxMs: 300_000,
});

/** Any registry of the distribution spec, over HTTP. Each verb is tried once; `retried` is what tries again. */
export class RegistryClient implements Registry {
  readonly #registries: readonly RegistryAddress[];
  readonly #limits: ClientLimits;
  readonly #wire: Wire;
  readonly #authorization: Authorization;

  constructor(options: ClientOptions) {
    this.#registries = options.registries ?? [];
    this.#limits = { ...clientLimits, ...options.limits };
    this.#wire = {
      fetch: options.fetch ?? fetch,
      clock: options.clock,
      answerMaxMs: this.#limits.answerMaxMs,
      bodyMaxMs: this.#limits.bodyMaxMs,
    };
    this.#authorization = new Authorization(this.#wire, options.credentials ?? (() => Promise.resolve(undefined)));
  }

  async resolve(reference: Reference, signal: AbortSignal): Promise<Descriptor | undefined> {
    const name = reference.digest ?? reference.tag;
    if (name === undefined)
      throw new OciError('BAD_REFERENCE', 'resolve', 'caller', `${formatRepository(reference)} has neither tag nor digest`);
    const session = this.#session('resolve', reference, 'pull', signal);
    const request = { path: `manifests/${name}`, headers: { accept: acceptManifests } };
    const said = await session.send({ ...request, method: 'HEAD' }, async (response) => {
      if (response.status === 404) return 'absent';
      // Some registries do not know HEAD here, some leave headers out: then the bytes themselves say it.
      if (response.status === 405) return 'unsaid';
      if (response.status !== 200) throw await refusal('resolve', 'registry', formatReference(reference), response);
      return saidBy(response) ?? 'unsaid';
    });
    if (said === 'absent') return undefined;
    const found =
      said === 'unsaid' ? await session.send({ ...request, method: 'GET' }, (response) => this.#read(reference, response)) : said;
    if (found === undefined) return undefined;
    if (reference.digest !== undefined && found.digest !== reference.digest)
      throw new OciError('DIGEST_MISMATCH', 'resolve', 'registry', `${formatReference(reference)} was answered with ${found.digest}`);
    if (found.size > this.#limits.manifestMaxBytes) throw this.#manifestTooLarge(reference);
    return found;
  }

  async fetch(repository: Repository, descriptor: Descriptor, signal: AbortSignal): Promise<Uint8Array> {
    const { digest, size, mediaType } = descriptor;
    const maxBytes = isManifest(mediaType) ? this.#limits.manifestMaxBytes : this.#limits.contentMaxBytes;
    if (!(size <= maxBytes))
      throw new OciError('SIZE_EXCEEDED', 'fetch', 'caller', `${digest} should have ${size} bytes, at most ${maxBytes} are fetched`);
    const session = this.#session('fetch', repository, 'pull', signal);
    const read = async (response: Response): Promise<Uint8Array> => {
      if (response.status !== 200) throw await refusal('fetch', 'registry', `${formatRepository(repository)}@${digest}`, response);
      return readVerified(response.body ?? nothing(), descriptor);
    };
    if (isManifest(mediaType)) return session.send({ method: 'GET', path: `manifests/${digest}`, headers: { accept: mediaType } }, read);
    return session.sendFollowing(`blobs/${digest}`, this.#limits.redirectsMax, read);
  }

  async push(repository: Repository, content: Content, signal: AbortSignal): Promise<'pushed' | 'exists'> {
    checkContent('push', content);
    const { digest, mediaType } = content.descriptor;
    const session = this.#session('push', repository, 'push', signal);
    const asManifest = isManifest(mediaType);
    const path = `${asManifest ? 'manifests' : 'blobs'}/${digest}`;
    const there = await session.send({ method: 'HEAD', path, headers: asManifest ? { accept: mediaType } : {} }, async (response) => {
      if (response.status === 404 || response.status === 405) return false;
      // Only what is there is redirected to.
      if (response.status === 200 || (response.status >= 300 && response.status < 400)) return true;
      throw await refusal('push', 'registry', `${formatRepository(repository)}@${digest}`, response);
    });
    if (there) return 'exists';
    await (asManifest ? this.#putManifest(session, content, digest) : this.#putBlob(session, content));
    return 'pushed';
  }

  async tag(repository: Repository, manifest: Content, tag: string, signal: AbortSignal): Promise<void> {
    checkContent('tag', manifest);
    const refuse = (why: string): never => {
      throw new OciError('BAD_REFERENCE', 'tag', 'caller', `${formatRepository(repository)}: ${why}`);
    };
    if (!isTag(tag)) refuse(`${JSON.stringify(tag.slice(0, 150))} is not a tag`);
    if (!isManifest(manifest.descriptor.mediaType)) refuse(`${manifest.descriptor.digest} is not a manifest, and only manifests have tags`);
    await this.#putManifest(this.#session('tag', repository, 'push', signal), manifest, tag);
  }

  async #putManifest(session: Session, { bytes, descriptor }: Content, name: string): Promise<void> {
    const headers = { 'content-type': descriptor.mediaType };
    await session.send({ method: 'PUT', path: `manifests/${name}`, headers, body: bytes }, (response) =>
      session.checkStored(response, descriptor),
    );
  }

  /** Monolithic: one POST that opens an upload, one PUT that carries all of it. */
  async #putBlob(session: Session, { bytes, descriptor }: Content): Promise<void> {
    const location = await session.send({ method: 'POST', path: 'blobs/uploads/' }, async (response) => {
      if (response.status !== 202) throw await refusal('push', 'registry', `an upload for ${descriptor.digest}`, response);
      return response.headers.get('location');
    });
    const url = session.uploadUrl(location);
    url.searchParams.set('digest', descriptor.digest);
    const headers = { 'content-type': 'application/octet-stream' };
    await session.send({ method: 'PUT', url, headers, body: bytes }, (response) => session.checkStored(response, descriptor));
  }

  /** A manifest's descriptor by its bytes. */
  async #read(reference: Reference, response: Response): Promise<Descriptor | undefined> {
    if (response.status === 404) return undefined;
    if (response.status !== 200) throw await refusal('resolve', 'registry', formatReference(reference), response);
    const bytes = await readBounded(response.body ?? nothing(), this.#limits.manifestMaxBytes, () => this.#manifestTooLarge(reference));
    const digest = digestOf(bytes);
    const named = response.headers.get('docker-content-digest');
    if (named !== null && named !== digest)
      throw new OciError(
        'DIGEST_MISMATCH',
        'resolve',
        'registry',
        `${formatReference(reference)} is ${digest}, and called ${named.slice(0, 80)}`,
      );
    const mediaType = mediaTypeOf(response);
    if (mediaType === undefined)
      throw new OciError('BAD_RESPONSE', 'resolve', 'registry', `${formatReference(reference)} came without a media type`);
    return { mediaType, digest, size: bytes.byteLength };
  }

  #manifestTooLarge(reference: Reference): OciError {
    const { manifestMaxBytes } = this.#limits;
    return new OciError('SIZE_EXCEEDED', 'resolve', 'registry', `${formatReference(reference)} has more than ${manifestMaxBytes} bytes`);
  }

  #session(operation: OciOperation, { registry, path }: Repository, access: 'pull' | 'push', signal: AbortSignal): Session {
    // Whoever wrote the object by hand gets the same check as who had it parsed: the path goes into a URL.
    const repository = parseRepository(formatRepository({ registry, path }));
    const place = placeOf(registry, this.#registries);
    return new Session(this.#wire, this.#authorization, place, repository, access, { operation, side: 'registry', signal });
  }
}

const mediaTypeOf = (response: Response): string | undefined => response.headers.get('content-type')?.split(';')[0]?.trim() || undefined;

/** A descriptor by the headers of an answer; undefined when one is missing. The bytes are checked against it when they are fetched. */
function saidBy(response: Response): Descriptor | undefined {
  const mediaType = mediaTypeOf(response);
  const digest = response.headers.get('docker-content-digest') ?? '';
  const length = response.headers.get('content-length') ?? '';
  if (mediaType === undefined || !isDigest(digest) || !/^[1-9]\d{0,14}$/.test(length)) return undefined;
  return { mediaType, digest, size: Number(length) };
}
