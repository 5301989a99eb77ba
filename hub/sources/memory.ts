import { createHash } from 'node:crypto';
import { SourceError } from './errors.ts';
import type { Files, Snapshot, Source } from './port.ts';

/** A source in memory, for one process: keeps the same contract as a repository. */
export class MemorySource implements Source {
  readonly #commits = new Map<string, Snapshot>();
  #head: string | undefined;

  /** Makes a commit of all given files the head, and returns its id: the same content on the same commit has the same. */
  commit(files: Readonly<Record<string, string>>, { author = 'Ada <ada@example.com>', message = 'change', committedAt = 0 } = {}): string {
    const content: Files = new Map(Object.entries(files).map(([path, text]) => [path, Buffer.from(text)]));
    const id = createHash('sha1')
      .update(JSON.stringify([this.#head, files, author, message, committedAt]))
      .digest('hex');
    this.#commits.set(id, { commit: id, files: content, author, message, committedAt });
    this.#head = id;
    return id;
  }

  async head(signal: AbortSignal): Promise<{ readonly commit: string }> {
    signal.throwIfAborted();
    if (this.#head === undefined) throw new SourceError('REF_MISSING', 'the source has no commit yet');
    return { commit: this.#head };
  }

  async read(commit: string, signal: AbortSignal): Promise<Snapshot> {
    signal.throwIfAborted();
    const found = this.#commits.get(commit);
    if (!found) throw new SourceError('MOVED', `the source does not have ${commit} any more`);
    if (found.files.size === 0) throw new SourceError('PATH_MISSING', `the source has no manifests at ${commit}`);
    return found;
  }
}
