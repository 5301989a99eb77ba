import { ServerError } from './errors.ts';

export interface Author {
  readonly name: string;
  readonly email: string;
}

export interface CommitRequest {
  /** Path in the repository -> content; null removes it. What is not named stays. */
  readonly files: Readonly<Record<string, string | Uint8Array | null>>;
  readonly message: string;
  readonly author: Author;
  /** Seconds since 1970. */
  readonly atSeconds: number;
  readonly branch: string;
  /** The branch has commits already: the new one stands on them. */
  readonly exists: boolean;
}

const pathPattern = /^(?!\/)(?!.*\/\/)(?!.*(^|\/)\.{1,2}(\/|$))(?!.*(^|\/)\.git(\/|$))[^\0\n"\\]+(?<!\/)$/i;
const branchPattern = /^[A-Za-z0-9][\w.-]*(\/[A-Za-z0-9][\w.-]*)*$/;

/**
 * The commit as a `git fast-import` stream: blobs, tree and branch change together or not at all, without a work tree.
 * Throws ServerError BAD_NAME for a path, branch or author that the stream could misread.
 */
export function commitStream({ files, message, author, atSeconds, branch, exists }: CommitRequest): Uint8Array {
  if (!branchPattern.test(branch)) throw new ServerError('BAD_NAME', `not a branch name: ${JSON.stringify(branch)}`);
  if (/[<>\n\0]/.test(author.name + author.email)) throw new ServerError('BAD_NAME', `not an author: ${JSON.stringify(author.name)}`);
  const ref = `refs/heads/${branch}`;
  const who = `${author.name} <${author.email}> ${atSeconds} +0000`;
  const parts: (string | Uint8Array)[] = [`commit ${ref}\nauthor ${who}\ncommitter ${who}\n`, ...data(message)];
  if (exists) parts.push(`from ${ref}^0\n`);
  for (const path of Object.keys(files).toSorted()) {
    if (!pathPattern.test(path)) throw new ServerError('BAD_NAME', `not a path in a repository: ${JSON.stringify(path)}`);
    const content = files[path] ?? null;
    if (content === null) parts.push(`D ${path}\n`);
    else parts.push(`M 100644 inline ${path}\n`, ...data(content));
  }
  return Buffer.concat(parts.map((part) => Buffer.from(part)));
}

/** Counted, so that content can hold anything. */
function data(content: string | Uint8Array): readonly (string | Uint8Array)[] {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  return [`data ${bytes.byteLength}\n`, bytes, '\n'];
}
