import { randomBytes } from 'node:crypto';
import { access, mkdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { explain } from '#shared/kernel/mod.ts';
import { runCommand } from '../processes/mod.ts';
import { ServerError } from './errors.ts';
import { findServer, type FoundServer } from './find.ts';
import { commitStream, type Author } from './git-commits.ts';
import { gitHandler } from './git-http.ts';

export interface GitOptions {
  /** The repositories are kept in `repositories` below it. */
  readonly dir: string;
  /** Absent: a free one. */
  readonly port?: number;
  readonly found?: FoundServer;
  readonly signal?: AbortSignal | undefined;
}

export interface CommitOptions {
  readonly branch?: string;
  /** When it was committed, seconds since 1970; absent: now. */
  readonly atSeconds?: number;
}

export interface GitServer extends AsyncDisposable {
  readonly port: number;
  /** http://127.0.0.1:PORT; everybody may read. */
  readonly url: string;
  /** The password that allows pushes, for any user name. */
  readonly pushToken: string;
  /** Where a repository lies on this machine: who may write there can push to it as to any other. Throws ServerError. */
  pathOf(repository: string): string;
  /** Makes a bare repository with the branch `main`, unless it is there, and returns its URL. Throws ServerError. */
  createRepository(name: string): Promise<string>;
  /** Commits changed files (null removes one) on top of a branch, `main` unless said otherwise; returns the commit's id. Throws ServerError. */
  commitFiles(
    repository: string,
    files: Readonly<Record<string, string | Uint8Array | null>>,
    message: string,
    author: Author,
    options?: CommitOptions,
  ): Promise<string>;
}

const namePattern = /^[a-z0-9][a-z0-9._-]{0,99}(\/[a-z0-9][a-z0-9._-]{0,99})?$/;
const commandMaxMs = 60_000;
const connectionsMax = 256;

/** Serves Git repositories over HTTP on loopback, in this process. Throws ServerError. */
export async function startGitServer({ dir, port: given = 0, found, signal }: GitOptions): Promise<GitServer> {
  const server = found ?? (await findServer('git', { signal }));
  const root = join(dir, 'repositories');
  await mkdir(root, { recursive: true, mode: 0o700 });
  const pushToken = randomBytes(24).toString('base64url');
  const env = gitEnv(process.env, server.env);
  const http = createServer(gitHandler({ command: server.command, env, root, token: pushToken }));
  http.maxConnections = connectionsMax;
  await new Promise<void>((resolve, reject) => http.once('error', reject).listen({ host: '127.0.0.1', port: given }, resolve));
  const address = http.address();
  const port = typeof address === 'object' && address ? address.port : given;
  const url = `http://127.0.0.1:${port}`;

  const git = async (args: readonly string[], input?: Uint8Array): Promise<string> => {
    try {
      const said = await runCommand(server.command, args, { env, cwd: root, waitMaxMs: commandMaxMs, input });
      return said.stdout.trim();
    } catch (error) {
      throw new ServerError('GIT_FAILED', explain(error), { cause: error });
    }
  };
  const folderOf = (name: string): string => {
    if (!namePattern.test(name)) throw new ServerError('BAD_NAME', `not a repository name: ${JSON.stringify(name)}`);
    return join(root, `${name}.git`);
  };
  return {
    port,
    url,
    pushToken,
    pathOf: folderOf,
    createRepository: async (name) => {
      const folder = folderOf(name);
      if (!(await exists(join(folder, 'HEAD')))) await git(['init', '--quiet', '--bare', '--initial-branch=main', folder]);
      return `${url}/${name}.git`;
    },
    commitFiles: async (repository, files, message, author, { branch = 'main', atSeconds = Math.floor(Date.now() / 1000) } = {}) => {
      const here = `--git-dir=${folderOf(repository)}`;
      const known = await git([here, 'for-each-ref', '--format=%(objectname)', `refs/heads/${branch}`]);
      const stream = commitStream({ files, message, author, atSeconds, branch, exists: known !== '' });
      await git([here, 'fast-import', '--quiet', '--date-format=raw'], stream);
      return git([here, 'rev-parse', '--verify', `refs/heads/${branch}`]);
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        http.close(() => resolve());
        http.closeAllConnections();
      }),
  };
}

/** Nothing of the machine's or the user's own Git settings counts, and no question is asked at a terminal. */
function gitEnv(env: NodeJS.ProcessEnv, extra: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const foreign = Object.entries(env).filter(([name]) => !name.startsWith('GIT_') || name === 'GIT_EXEC_PATH');
  return {
    ...Object.fromEntries(foreign),
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_CONFIG_COUNT: '2',
    GIT_CONFIG_KEY_0: 'safe.directory',
    GIT_CONFIG_VALUE_0: '*',
    // A source pinned to a commit asks for it by its hash, which no branch may name any more.
    GIT_CONFIG_KEY_1: 'uploadpack.allowAnySHA1InWant',
    GIT_CONFIG_VALUE_1: 'true',
    ...extra,
  };
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
