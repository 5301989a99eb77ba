import { packTar } from 'modern-tar';
import { ArtifactError, quoted } from './errors.ts';
import { artifactLimits, type ArtifactLimits } from './limits.ts';
import { byBytes, checkPath } from './paths.ts';
import { readHeaders } from './tar-headers.ts';

/** Paths and their bytes, in the order of the paths' bytes. */
export type Files = ReadonlyMap<string, Uint8Array>;

/**
 * The same files give the same bytes anywhere: entries sorted bytewise; times, owners and modes fixed; directories implied by their files.
 * @throws ArtifactError for what `unpack` would refuse.
 */
export async function pack(files: Files, limits: ArtifactLimits = artifactLimits): Promise<Uint8Array> {
  checkCounts(files.size, limits);
  const tree = new Tree();
  const entries = [...files.keys()].sort(byBytes).map((path) => {
    const body = files.get(path) ?? new Uint8Array();
    checkFileBytes(path, body.byteLength, limits);
    tree.addFile(checkPath(path));
    return { header: { ...fixed, name: path, size: body.byteLength }, body };
  });
  const bytes = await packTar(entries);
  checkArchiveBytes(bytes.byteLength, limits);
  return bytes;
}

const fixed = { type: 'file', mode: 0o644, mtime: new Date(0), uid: 0, gid: 0, uname: '', gname: '' } as const;

/**
 * Reads an archive in memory: regular files and directories only. One entry of another kind, name or size refuses all of it: what was silently left out
 * would look to the reader like what was taken away.
 * @throws ArtifactError naming the entry.
 */
export function unpack(bytes: Uint8Array, limits: ArtifactLimits = artifactLimits): Files {
  checkArchiveBytes(bytes.byteLength, limits);
  const tree = new Tree();
  const found: [string, Uint8Array][] = [];
  let entries = 0;
  for (const entry of readHeaders(bytes, limits)) {
    checkCounts(++entries, limits);
    if (entry.kind === 'directory') {
      if (entry.path !== '') tree.addDirectory(checkPath(entry.path));
      continue;
    }
    tree.addFile(checkPath(entry.path));
    found.push([entry.path, bytes.subarray(entry.start, entry.start + entry.size)]);
  }
  if (found.length === 0)
    throw new ArtifactError('ARCHIVE_EMPTY', 'the archive holds no file; nothing to run is never said by an empty archive');
  return new Map(found.sort(([a], [b]) => byBytes(a, b)));
}

/** What is a file, what is a directory: no name twice, and no file where another entry needs a directory. */
class Tree {
  readonly #files = new Set<string>();
  readonly #listed = new Set<string>();
  readonly #parents = new Set<string>();

  addFile(path: string): void {
    if (this.#files.has(path) || this.#listed.has(path) || this.#parents.has(path)) this.#refuse(path);
    this.#addParents(path);
    this.#files.add(path);
  }

  addDirectory(path: string): void {
    if (this.#files.has(path) || this.#listed.has(path)) this.#refuse(path);
    this.#addParents(path);
    this.#listed.add(path);
  }

  #addParents(path: string): void {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const parent = path.slice(0, end);
      if (this.#files.has(parent)) this.#refuse(parent);
      // Whoever added it has added those above it too.
      if (this.#parents.has(parent)) return;
      this.#parents.add(parent);
    }
  }

  #refuse(path: string): never {
    throw new ArtifactError('ENTRY_DUPLICATE', `entry ${quoted(path)} is there twice, or is both a file and a directory`);
  }
}

function checkCounts(entries: number, limits: ArtifactLimits): void {
  if (entries > limits.entriesMax) throw new ArtifactError('ENTRIES_TOO_MANY', `the archive has more than ${limits.entriesMax} entries`);
}

export function checkFileBytes(path: string, size: number, limits: ArtifactLimits): void {
  if (size > limits.fileMaxBytes)
    throw new ArtifactError('ENTRY_TOO_LARGE', `entry ${quoted(path)} has ${size} bytes, at most ${limits.fileMaxBytes}`);
}

function checkArchiveBytes(size: number, limits: ArtifactLimits): void {
  if (size > limits.archiveMaxBytes)
    throw new ArtifactError('ARCHIVE_TOO_LARGE', `the archive has ${size} bytes uncompressed, at most ${limits.archiveMaxBytes}`);
}
