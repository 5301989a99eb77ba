import type { Digest } from '../kernel/mod.ts';
import type { Reference, Repository } from './reference.ts';

/** What names content: the digest is the identity, the size is what it may cost to read, the media type is what it is taken for. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Bytes and what names them. */
export interface Content {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

// Every method rejects with an OciError, or with the signal's reason when the signal said stop.

export interface Resolver {
  /** What a manifest's tag or digest names now; undefined: the registry answered, and it is not there. The digest wins over the tag. */
  resolve(reference: Reference, signal: AbortSignal): Promise<Descriptor | undefined>;
}

export interface Fetcher {
  /** The bytes, checked against digest and size while they stream: what is returned is what was asked for. */
  fetch(repository: Repository, descriptor: Descriptor, signal: AbortSignal): Promise<Uint8Array>;
}

export interface Pusher {
  /** Stores content under its digest; what a manifest names must be there before it. `exists`: it was there already and nothing was sent. */
  push(repository: Repository, content: Content, signal: AbortSignal): Promise<'pushed' | 'exists'>;
}

export interface Tagger {
  /** Stores a manifest and lets the tag name it; a tag that named another one is moved. */
  tag(repository: Repository, manifest: Content, tag: string, signal: AbortSignal): Promise<void>;
}

export interface Registry extends Resolver, Fetcher, Pusher, Tagger {}

/** How a registry is reached; everything not said is the safe choice. */
export interface RegistryAddress {
  /** `host[:port]`, as in references. */
  readonly address: string;
  /** Plain HTTP. Default: only for loopback addresses (127.0.0.0/8, ::1, localhost), which no network sees. */
  readonly insecure?: boolean;
  /** Hosts beside the registry itself that may be shown its credentials to get a token. */
  readonly tokenHosts?: readonly string[];
}

export type Credential = { readonly basic: { readonly username: string; readonly password: string } } | { readonly bearer: string };

/** Where credentials come from: asked when a registry wants some, never kept. undefined: anonymous. */
export type Credentials = (registry: string, signal: AbortSignal) => Promise<Credential | undefined>;
