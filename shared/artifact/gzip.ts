import { gunzipSync } from 'node:zlib';
import { gzipSync } from 'fflate';
import { codeOf } from '../kernel/mod.ts';
import { ArtifactError } from './errors.ts';
import { artifactLimits, type ArtifactLimits } from './limits.ts';

/**
 * Deflate in plain JavaScript, every parameter pinned: zlib's output differs between machines (Intel, ARM and s390x builds, and versions), and then the same
 * commit would have two digests. `mem` too: its default depends on the length.
 */
export const gzip = (bytes: Uint8Array): Uint8Array => gzipSync(bytes, { level: 6, mem: 8, mtime: 0 });

/**
 * Inflates at most what the limits allow, and refuses bytes behind the end.
 * @throws ArtifactError
 */
export function gunzip(bytes: Uint8Array, limits: ArtifactLimits = artifactLimits): Uint8Array {
  const ratioBytes = Math.max(limits.ratioFreeBytes, bytes.byteLength * limits.ratioMax);
  const maxOutputLength = Math.min(limits.archiveMaxBytes, ratioBytes);
  const { buffer, engine } = inflate(bytes, maxOutputLength, () =>
    ratioBytes < limits.archiveMaxBytes
      ? new ArtifactError('RATIO_EXCEEDED', `the layer expands by more than ${limits.ratioMax}:1`)
      : new ArtifactError('ARCHIVE_TOO_LARGE', `the layer has more than ${limits.archiveMaxBytes} bytes uncompressed`),
  );
  if (engine.bytesWritten !== bytes.byteLength)
    throw new ArtifactError('ARCHIVE_MALFORMED', 'not a sound gzip stream: data behind its end');
  return buffer;
}

function inflate(
  bytes: Uint8Array,
  maxOutputLength: number,
  tooLarge: () => ArtifactError,
): { buffer: Uint8Array; engine: { bytesWritten: number } } {
  try {
    // With `info` the result also has the engine, which counts what it consumed; the types of Node do not say so.
    return gunzipSync(bytes, { maxOutputLength, info: true }) as unknown as ReturnType<typeof inflate>;
  } catch (cause) {
    if (codeOf(cause) === 'ERR_BUFFER_TOO_LARGE') throw tooLarge();
    throw new ArtifactError('ARCHIVE_MALFORMED', `not a sound gzip stream: ${cause instanceof Error ? cause.message : 'unreadable'}`, {
      cause,
    });
  }
}
