import { isDigest, isName } from '../kernel/mod.ts';
import type { Descriptor } from '../oci/mod.ts';
import { ArtifactError } from './errors.ts';
import { manifestMaxBytes } from './limits.ts';

// Foreign JSON becomes a value here, strictly: what is missing or of another type refuses the document; fields that we do not know pass.

export type Document = Readonly<Record<string, unknown>>;

const malformed = (why: string, options?: ErrorOptions): ArtifactError => new ArtifactError('MANIFEST_MALFORMED', why, options);

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

export function parseDocument(bytes: Uint8Array, what: string): Document {
  if (bytes.byteLength > manifestMaxBytes)
    throw new ArtifactError('MANIFEST_TOO_LARGE', `${what}: ${bytes.byteLength} bytes, at most ${manifestMaxBytes}`);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw malformed(`${what}: not UTF-8 JSON`, { cause });
  }
  if (!isRecord(value)) throw malformed(`${what}: not a JSON object`);
  return value;
}

/**
 * A document is what its media type says and nothing else as well: one that has both `layers` and `manifests` is read as an index by one tool and as a
 * manifest by another.
 */
export function checkForm(document: Document, mediaType: string, foreign: 'layers' | 'manifests'): void {
  const what = foreign === 'layers' ? 'index' : 'manifest';
  if (document['schemaVersion'] !== 2) throw malformed(`${what}: schemaVersion is not 2`);
  const written = document['mediaType'];
  if (written !== undefined && written !== mediaType)
    throw new ArtifactError('MANIFEST_UNSUPPORTED', `${what}: mediaType is ${JSON.stringify(written)?.slice(0, 100)}, not ${mediaType}`);
  if (document[foreign] !== undefined) throw malformed(`${what}: it also has ${foreign}`);
}

export function descriptorOf(value: unknown, what: string): Descriptor {
  if (!isRecord(value)) throw malformed(`${what} is not a descriptor`);
  const { mediaType, digest, size } = value;
  if (typeof mediaType !== 'string' || !/^[\w!#$&^.+-]{1,127}\/[\w!#$&^.+-]{1,127}$/.test(mediaType))
    throw malformed(`${what}.mediaType is not a media type`);
  if (typeof digest !== 'string' || !isDigest(digest)) throw malformed(`${what}.digest is not sha256: and 64 lower-case hex digits`);
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) throw malformed(`${what}.size is not a number of bytes`);
  return { mediaType, digest, size, ...(value['annotations'] === undefined ? {} : { annotations: annotationsOf(value, what) }) };
}

export function annotationsOf(document: Document, what: string): Readonly<Record<string, string>> {
  const value = document['annotations'];
  if (value === undefined) return {};
  if (!isRecord(value) || !Object.values(value).every((item) => typeof item === 'string'))
    throw malformed(`${what}: annotations are not texts`);
  return value as Record<string, string>;
}

export const optional = (text: string | undefined): string | undefined => (text === '' ? undefined : text);

export function readName(text: string | undefined, what: string): string | undefined {
  if (text !== undefined && !isName(text)) throw malformed(`${what}: the environment ${JSON.stringify(text.slice(0, 100))} is not a name`);
  return text;
}
