import { createHash } from 'node:crypto';

/** sha256:<64 lower-case hex>, as OCI writes content digests. */
export type Digest = `sha256:${string}`;

const pattern = /^sha256:[0-9a-f]{64}$/;

export const isDigest = (text: string): text is Digest => pattern.test(text);

export const sha256 = (...parts: readonly (Uint8Array | string)[]): Uint8Array => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

export const digestOf = (bytes: Uint8Array | string): Digest => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** The raw 32 bytes of a digest. */
export const digestBytes = (digest: Digest): Uint8Array => Buffer.from(digest.slice('sha256:'.length), 'hex');

/** First 12 hex digits: for people to read, never to compare. */
export const shortDigest = (digest: string): string => digest.replace(/^sha256:/, '').slice(0, 12);
