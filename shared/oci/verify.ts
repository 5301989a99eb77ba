import { createHash } from 'node:crypto';
import { digestOf } from '../kernel/mod.ts';
import { OciError, type OciOperation } from './errors.ts';
import type { Content, Descriptor } from './ports.ts';

/**
 * The one way in for foreign bytes: read at most what was announced, hash on the way, give out nothing that is not what was asked for.
 * @throws OciError SIZE_EXCEEDED at the first byte too many, TRUNCATED, DIGEST_MISMATCH
 */
export async function readVerified(body: AsyncIterable<Uint8Array>, want: Descriptor): Promise<Uint8Array> {
  const hash = createHash('sha256');
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body) {
    size += part.byteLength;
    if (size > want.size)
      throw new OciError('SIZE_EXCEEDED', 'fetch', 'registry', `${want.digest} is more than the ${want.size} bytes it should be`);
    hash.update(part);
    parts.push(part);
  }
  if (size < want.size) throw new OciError('TRUNCATED', 'fetch', 'registry', `${want.digest} ended after ${size} of ${want.size} bytes`);
  const digest = `sha256:${hash.digest('hex')}`;
  if (digest !== want.digest) throw new OciError('DIGEST_MISMATCH', 'fetch', 'registry', `asked for ${want.digest}, was served ${digest}`);
  return Buffer.concat(parts);
}

/** At most `maxBytes` of a body whose digest nobody knows yet. */
export async function readBounded(body: AsyncIterable<Uint8Array>, maxBytes: number, tooMuch: () => OciError): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body) {
    size += part.byteLength;
    if (size > maxBytes) throw tooMuch();
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** Before something is pushed: bytes that are not what their descriptor says are the caller's mistake, and are not sent. */
export function checkContent(operation: OciOperation, { descriptor, bytes }: Content): void {
  if (bytes.byteLength !== descriptor.size || digestOf(bytes) !== descriptor.digest)
    throw new OciError(
      'DIGEST_MISMATCH',
      operation,
      'caller',
      `the bytes to be sent are not ${descriptor.digest} of ${descriptor.size} bytes`,
    );
}

/** The body of an answer that has none. */
export async function* nothing(): AsyncGenerator<Uint8Array> {}
