import { mkdir } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { runCommand, startProcess, temporaryFolder } from '#deploy/local/processes/mod.ts';

const root = join(import.meta.dirname, '../../..');
const startMaxMs = 15 * 60_000;

/** Somebody who has just cloned this: not root, with an empty home, nothing of Go on PATH, and temporary files that can be told from everybody else's. */
export interface Newcomer extends Disposable {
  readonly folder: string;
  readonly clone: string;
  readonly home: string;
  readonly temporary: string;
  readonly user: string;
  /** `npm start -- --once --json` in the clone, to its end; `meanwhile` is called again and again until then. */
  start(meanwhile: () => void): Promise<Run>;
}

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly tookMs: number;
  /** Until the program itself began: npm's packages were fetched, if they were missing. */
  readonly installMs: number;
}

/** Root becomes nobody; everybody else is themselves. */
export async function newcomer(): Promise<Newcomer> {
  const folder = temporaryFolder('newcomer');
  const [clone, home, temporary] = ['clone', 'home', 'tmp'].map((name) => join(folder.path, name)) as [string, string, string];
  const quietly = { env: process.env, waitMaxMs: 120_000 };
  await runCommand('git', ['clone', '--quiet', '--depth', '1', `file://${root}`, clone], quietly);
  for (const path of [home, temporary]) await mkdir(path);
  const isRoot = userInfo().uid === 0;
  if (isRoot) await runCommand('chown', ['-R', 'nobody:', folder.path], quietly);
  const as = isRoot ? ['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups'] : [];
  const env = { ...surroundings(), HOME: home, TMPDIR: temporary };
  return {
    folder: folder.path,
    clone,
    home,
    temporary,
    user: isRoot ? 'nobody' : userInfo().username,
    start: (meanwhile) => start([...as, 'npm', 'start', '--', '--once', '--json'], clone, env, meanwhile),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

// How the network is reached is the machine's affair; everything else of this user's environment is not the newcomer's.
const reaching = /^(https?_proxy|no_proxy|npm_config_registry|node_extra_ca_certs|ssl_cert_(file|dir)|lang)$/i;

function surroundings(): Record<string, string | undefined> {
  const kept = Object.entries(process.env).filter(([name]) => reaching.test(name));
  const isOwn = (path: string): boolean => path.startsWith(root) || existsSync(join(path, 'go'));
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((one) => one !== '' && !isOwn(one));
  return { ...Object.fromEntries(kept), PATH: path.join(delimiter) };
}

async function start(
  [command = '', ...args]: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string | undefined>>,
  meanwhile: () => void,
): Promise<Run> {
  const began = performance.now();
  const said = { stdout: '', stderr: '' };
  let installMs: number | undefined;
  const line = (text: string, stream: 'stdout' | 'stderr'): void => {
    said[stream] += `${text}\n`;
    // The first line of the program begins with the seconds that it has run for.
    const seconds = stream === 'stderr' ? /^ *(\d+\.\d) {2}/.exec(text)?.[1] : undefined;
    if (seconds !== undefined) installMs ??= performance.now() - began - Number(seconds) * 1000;
  };
  await using running = await startProcess({ name: 'npm start', command, args, cwd, env, output: { line } });
  const looking = setInterval(meanwhile, 200);
  const limit = setTimeout(() => running.kill('SIGKILL'), startMaxMs);
  try {
    const { code } = await running.ended;
    return { code, ...said, tookMs: performance.now() - began, installMs: Math.max(0, installMs ?? 0) };
  } finally {
    clearInterval(looking);
    clearTimeout(limit);
  }
}
