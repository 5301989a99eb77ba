import * as fs from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import git from 'isomorphic-git';
import type { Clock } from '#shared/clock/mod.ts';
import { codeOf, explain } from '#shared/kernel/mod.ts';
import { isLoopback, type GitSource as GitSpec } from '#hub/resources/mod.ts';
import { SourceError } from './errors.ts';
import { httpClient } from './http.ts';
import { sourceLimits, type SourceLimits } from './limits.ts';
import type { Snapshot, Source, SourceCredentials } from './port.ts';
import { commitOf, followed, prefixOf, refText, type ListedRef } from './refs.ts';
import { readFiles, type Objects } from './tree.ts';

export interface GitOptions {
  readonly clock: Clock;
  /** Which files are read, by their path below the source's path. */
  readonly wants: (path: string) => boolean;
  /** Absent: there are none. */
  readonly credentials?: SourceCredentials;
  readonly limits?: SourceLimits;
}

type Http = ReturnType<typeof httpClient>;

/** A Git repository over HTTP: its refs are listed to poll it, one commit is fetched to read it, and nothing is kept. */
export class GitSource implements Source {
  readonly #spec: GitSpec;
  readonly #options: GitOptions;
  readonly #limits: SourceLimits;

  constructor(spec: GitSpec, options: GitOptions) {
    this.#spec = spec;
    this.#options = options;
    this.#limits = options.limits ?? sourceLimits;
  }

  async head(signal: AbortSignal): Promise<{ readonly commit: string }> {
    const { ref } = this.#spec;
    if ('commit' in ref) return { commit: ref.commit };
    return this.#within(this.#limits.headMaxMs, signal, async (http) => ({ commit: commitOf(await this.#follow(http)) }));
  }

  async read(commit: string, signal: AbortSignal): Promise<Snapshot> {
    return this.#within(this.#limits.readMaxMs, signal, async (http, until) => {
      const oid = await this.#wanted(commit, http);
      const dir = await mkdtemp(join(tmpdir(), 'wheelhouse-source-'));
      try {
        return await this.#fetch(commit, oid, dir, http, until);
      } finally {
        await rm(dir, { recursive: true, force: true });
      }
    });
  }

  async #follow(http: Http): Promise<ListedRef> {
    const { url, ref } = this.#spec;
    const prefix = prefixOf(ref) ?? '';
    const listed = await git.listServerRefs({ http, url, prefix, peelTags: true, protocolVersion: 2 });
    const found = followed(ref, listed);
    if (!found) throw new SourceError('REF_MISSING', `${url} has no ${refText(ref)}`);
    return found;
  }

  /** What to ask the server for: it gives out what it lists, and an annotated tag is listed by its own id. */
  async #wanted(commit: string, http: Http): Promise<string> {
    if ('commit' in this.#spec.ref) return commit;
    const found = await this.#follow(http);
    if (commitOf(found) !== commit)
      throw new SourceError(
        'MOVED',
        `${this.#spec.url}: ${refText(this.#spec.ref)} has moved from ${commit} to ${commitOf(found)} meanwhile`,
      );
    return found.oid;
  }

  async #fetch(commit: string, oid: string, dir: string, http: Http, signal: AbortSignal): Promise<Snapshot> {
    const { url, path } = this.#spec;
    const cache = {};
    const at = { fs, gitdir: dir, cache };
    await git.init({ fs, gitdir: dir, bare: true });
    await git.addRemote({ fs, gitdir: dir, remote: 'origin', url });
    await git.fetch({ ...at, http, url, ref: oid, singleBranch: true, depth: 1, tags: false });
    const { commit: found, oid: read } = await git.readCommit({ ...at, oid });
    if (read !== commit) throw new SourceError('BAD_RESPONSE', `${url} gave ${read} for ${commit}`);
    const objects: Objects = {
      tree: async (oid) => (await git.readTree({ ...at, oid })).tree,
      blob: async (oid) => (await git.readBlob({ ...at, oid })).blob,
    };
    const root = await folderIn(objects, found.tree, path);
    if (root === undefined) throw new SourceError('PATH_MISSING', `${url} has no folder ${path} at ${commit}: correct the app's path`);
    const files = await readFiles(objects, root, { limits: this.#limits, wants: this.#options.wants, signal });
    if (files.size === 0)
      throw new SourceError('PATH_MISSING', `${url} has no manifests in ${path === '' ? 'its root folder' : path} at ${commit}`);
    const { name, email, timestamp } = found.author;
    return {
      commit,
      files,
      author: `${name} <${email}>`,
      message: found.message,
      committedAt: timestampMs(found.committer.timestamp, timestamp),
    };
  }

  /** Runs one exchange with the server within its time, and says what went wrong in our own words. */
  async #within<T>(maxMs: number, signal: AbortSignal, run: (http: Http, until: AbortSignal) => Promise<T>): Promise<T> {
    const { url } = this.#spec;
    const deadline = new AbortController();
    const until = AbortSignal.any([signal, deadline.signal]);
    const late = new SourceError('TIMED_OUT', `${url} has not answered within ${maxMs} ms`);
    const cancel = this.#options.clock.after(maxMs, () => deadline.abort(late));
    try {
      signal.throwIfAborted();
      const authorization = await this.#authorization(until);
      return await run(httpClient({ signal: until, answerMaxBytes: this.#limits.answerMaxBytes, authorization }), until);
    } catch (error) {
      signal.throwIfAborted();
      if (deadline.signal.aborted) throw late;
      throw translated(error, url);
    } finally {
      cancel();
    }
  }

  async #authorization(signal: AbortSignal): Promise<string | undefined> {
    const { url, insecure, credentials } = this.#spec;
    const address = URL.parse(url);
    if (!address || (address.protocol !== 'https:' && !insecure && !isLoopback(address)))
      throw new SourceError('INSECURE', `${url} is plain HTTP, which anybody on the way can change: use https://, or allow it in the app`);
    if (!credentials) return undefined;
    const found = await this.#options.credentials?.(credentials.name, signal);
    if (!found) throw new SourceError('CREDENTIALS_MISSING', `${url}: there are no credentials named ${credentials.name}`);
    return `Basic ${Buffer.from(`${found.username}:${found.password}`).toString('base64')}`;
  }
}

/** The tree of a folder, '' for the root; undefined: it is not there, or is no folder. */
async function folderIn(objects: Objects, root: string, path: string): Promise<string | undefined> {
  let tree: string | undefined = root;
  for (const name of path === '' ? [] : path.split('/')) {
    const entries = await objects.tree(tree);
    tree = entries.find((entry) => entry.path === name && entry.type === 'tree')?.oid;
    if (tree === undefined) return undefined;
  }
  return tree;
}

/** When it was committed: of the committer, who decides when it counts; of the author where there is none. */
const timestampMs = (committer: number, author: number): number => (committer || author) * 1000;

/** The library's and the platform's errors become ours here, once. */
function translated(error: unknown, url: string): unknown {
  if (error instanceof SourceError) return error;
  const status = codeOf(error) === 'HttpError' ? (error as { data?: { statusCode?: number } }).data?.statusCode : undefined;
  const options = { cause: error };
  if (status === 401 || status === 403)
    return new SourceError('UNAUTHORIZED', `${url} refuses us (${status}): name credentials in the app`, options);
  if (status === 404) return new SourceError('REPOSITORY_MISSING', `${url} is not there (404)`, options);
  if (status !== undefined) return new SourceError('UNREACHABLE', `${url} answers ${status}`, options);
  // fetch says "fetch failed" and keeps the reason in the cause.
  if (error instanceof TypeError)
    return new SourceError('UNREACHABLE', `${url} cannot be reached: ${explain(error.cause ?? error)}`, options);
  return new SourceError('BAD_RESPONSE', `${url} cannot be read: ${explain(error)}`, options);
}
