import { CodedError } from '../kernel/mod.ts';

/** Everything that can be wrong with content. None of these goes away by trying again. */
export type ArtifactCode =
  | 'ARCHIVE_MALFORMED'
  | 'ARCHIVE_EMPTY'
  | 'ARCHIVE_TOO_LARGE'
  | 'RATIO_EXCEEDED'
  | 'ENTRIES_TOO_MANY'
  | 'ENTRY_TYPE'
  | 'ENTRY_NAME'
  | 'ENTRY_DUPLICATE'
  | 'ENTRY_TOO_LARGE'
  | 'MANIFEST_MALFORMED'
  | 'MANIFEST_TOO_LARGE'
  | 'MANIFEST_UNSUPPORTED'
  | 'RELEASE_INVALID';

export class ArtifactError extends CodedError<ArtifactCode> {
  override readonly name = 'ArtifactError';
}

const quotedMaxCharacters = 200;

/** A foreign name as a message may hold it: quoted, on one line, bounded. */
export function quoted(name: string): string {
  const text = JSON.stringify(name);
  return text.length <= quotedMaxCharacters ? text : `${text.slice(0, quotedMaxCharacters)}..."`;
}
