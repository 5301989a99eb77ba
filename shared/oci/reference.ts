import { isDigest, type Digest } from '../kernel/mod.ts';
import { OciError } from './errors.ts';

export interface Repository {
  /** `host[:port]`. */
  readonly registry: string;
  /** Path of names below the host. */
  readonly path: string;
}

export interface Reference extends Repository {
  readonly tag?: string;
  readonly digest?: Digest;
}

/** host[:port] and path together, as registries bound them; a tag has at most 128 characters, a digest 71. */
const repositoryMaxCharacters = 255;
const referenceMaxCharacters = repositoryMaxCharacters + 1 + 128 + 1 + 71;

const label = '[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?';
const registryPattern = new RegExp(`^(?:${label}(?:\\.${label})*|\\[[0-9a-fA-F:]{2,39}\\])(?::([0-9]{1,5}))?$`);
const pathPattern = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const tagPattern = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

export const isTag = (text: string): boolean => tagPattern.test(text);

/**
 * `host[:port]/path`, in the grammar of the distribution spec. The host is always written: guessing one (docker.io) is how content comes from where nobody
 * looked.
 * @throws OciError BAD_REFERENCE
 */
export function parseRepository(text: string): Repository {
  // Bounded before any pattern sees it.
  if (text.length > repositoryMaxCharacters) refuse(text, `longer than ${repositoryMaxCharacters} characters`);
  const slash = text.indexOf('/');
  if (slash < 0) refuse(text, 'a repository is host[:port]/path');
  const registry = text.slice(0, slash);
  const path = text.slice(slash + 1);
  const port = registryPattern.exec(registry);
  if (!port) refuse(text, 'the host is not a host[:port]');
  if (port[1] !== undefined && !(Number(port[1]) >= 1 && Number(port[1]) <= 65_535)) refuse(text, 'the port is not 1-65535');
  if (!pathPattern.test(path)) refuse(text, 'the path is not lower-case names with / between them');
  return { registry, path };
}

/**
 * `host[:port]/path[:tag][@digest]`; without either, the caller has a repository and no reference.
 * @throws OciError BAD_REFERENCE
 */
export function parseReference(text: string): Reference {
  if (text.length > referenceMaxCharacters) refuse(text, `longer than ${referenceMaxCharacters} characters`);
  const [name = '', digest, ...rest] = text.split('@');
  if (rest.length > 0) refuse(text, 'more than one @');
  if (digest !== undefined && !isDigest(digest)) refuse(text, 'the digest is not sha256: and 64 lower-case hex digits');
  const colon = name.lastIndexOf(':');
  const tag = colon > name.indexOf('/') && name.includes('/') ? name.slice(colon + 1) : undefined;
  if (tag !== undefined && !isTag(tag))
    refuse(text, 'the tag is not 1-128 of letters, digits, ".", "_", "-", beginning with no "." or "-"');
  if (tag === undefined && digest === undefined) refuse(text, 'a reference has a :tag or an @digest');
  const repository = parseRepository(tag === undefined ? name : name.slice(0, colon));
  return { ...repository, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) };
}

export const formatRepository = ({ registry, path }: Repository): string => `${registry}/${path}`;

export const formatReference = (reference: Reference): string =>
  formatRepository(reference) +
  (reference.tag === undefined ? '' : `:${reference.tag}`) +
  (reference.digest === undefined ? '' : `@${reference.digest}`);

function refuse(text: string, why: string): never {
  throw new OciError('BAD_REFERENCE', 'parse', 'caller', `${JSON.stringify(text.slice(0, 100))}: ${why}`);
}
