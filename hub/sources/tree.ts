import { SourceError } from './errors.ts';
import type { SourceLimits } from './limits.ts';
import type { Files } from './port.ts';

/** An entry of a Git tree. */
export interface TreeEntry {
  readonly mode: string;
  readonly path: string;
  readonly oid: string;
  readonly type: 'blob' | 'tree' | 'commit';
}

/** Git's objects, as far as reading files needs them. */
export interface Objects {
  tree(oid: string): Promise<readonly TreeEntry[]>;
  blob(oid: string): Promise<Uint8Array>;
}

export interface ReadOptions {
  readonly limits: SourceLimits;
  /** Whether a file is part of the snapshot. */
  readonly wants: (path: string) => boolean;
  readonly signal: AbortSignal;
}

const symbolicLink = '120000';

/**
 * The wanted files below a tree. A link or a submodule stands for content that is not there: leaving it out would be to read less than is meant, so it is
 * refused.
 */
export async function readFiles(objects: Objects, root: string, { limits, wants, signal }: ReadOptions): Promise<Files> {
  const files = new Map<string, Uint8Array>();
  let [entries, bytes] = [0, 0];
  const tooLarge = (why: string): SourceError => new SourceError('TOO_LARGE', `${why}: keep manifests in a folder of their own`);
  const walk = async (oid: string, folder: string, depth: number): Promise<void> => {
    if (depth > limits.depthMax) throw tooLarge(`${folder} is deeper than ${limits.depthMax} folders`);
    for (const { mode, path: name, oid: child, type } of await objects.tree(oid)) {
      signal.throwIfAborted();
      if (++entries > limits.entriesMax) throw tooLarge(`more than ${limits.entriesMax} files and folders`);
      const path = folder === '' ? name : `${folder}/${name}`;
      if (type === 'tree') await walk(child, path, depth + 1);
      else if (type === 'commit' || mode === symbolicLink)
        throw new SourceError(
          'UNSUPPORTED_ENTRY',
          `${path} is a ${type === 'commit' ? 'submodule' : 'symbolic link'}, which is not followed: put the files themselves there, or point the app's path beside it`,
        );
      else if (wants(path)) {
        const content = await objects.blob(child);
        bytes += content.byteLength;
        if (content.byteLength > limits.fileMaxBytes) throw tooLarge(`${path} has more than ${limits.fileMaxBytes} bytes`);
        if (bytes > limits.snapshotMaxBytes) throw tooLarge(`more than ${limits.snapshotMaxBytes} bytes`);
        files.set(path, content);
        if (files.size > limits.filesMax) throw tooLarge(`more than ${limits.filesMax} files`);
      }
    }
  };
  await walk(root, '', 0);
  return files;
}
