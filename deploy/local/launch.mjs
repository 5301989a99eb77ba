// node deploy/local/launch.mjs FILE.ts [ARGUMENT...]: runs FILE.ts on Node 24, whatever Node and whatever state of node_modules this machine has.
//
// Plain JavaScript for Node 18 and later, with nothing to import: it is the first thing that runs in a fresh clone. It installs what the lock file says
// (progress on stderr: stdout belongs to the program), then starts the program on the Node that npm brought, found by path: npm 9 and 10 link no
// `.bin/node` when a lock names one per machine type. The program ends when this process does, see deploy/local/processes/launchers.ts.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, realpathSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { constants, hostname, tmpdir, userInfo } from 'node:os';
import { basename, delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..');
const nodeWanted = [24, 15];
const lockWaitMaxMs = 15 * 60_000;
const lockPollMs = 300;
const parentPollMs = 500;

/** What must be in node_modules on this machine and is not, as one reason; undefined when nothing is missing. */
export function staleReason(wantedText, installedText) {
  if (installedText === undefined) return 'node_modules is missing or incomplete';
  const wanted = JSON.parse(wantedText).packages;
  const installed = JSON.parse(installedText).packages;
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '') continue;
    const found = installed[path];
    // Optional packages are left out on machines that they do not fit.
    if (!found && (entry.optional || entry.devOptional || entry.peer)) continue;
    if (found?.version !== entry.version || found.integrity !== entry.integrity) return `${path} is not at ${entry.version}`;
  }
  return undefined;
}

/** The Node to run programs on: the one npm installed for this machine, else the running one if it is recent enough, else a sentence. */
export function chooseNode({ installed, running, version, platform, arch }) {
  if (installed) return { path: installed };
  const [major, minor] = version.split('.').map(Number);
  if (major > nodeWanted[0] || (major === nodeWanted[0] && minor >= nodeWanted[1])) return { path: running };
  return {
    problem:
      `Wheelhouse needs Node ${nodeWanted.join('.')} or later. This is ${version}, and npm installed none for ${platform}-${arch}` +
      ` (there is one for linux-x64 and linux-arm64 with glibc, unless optional packages are omitted): install it from https://nodejs.org`,
  };
}

/** How to run npm: the one that runs this script, else the one on PATH. */
export function npmCommand(env, execPath) {
  const cli = env.npm_execpath;
  return cli && basename(cli).startsWith('npm') ? [execPath, cli] : ['npm'];
}

const read = (path) => {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
};

const stale = () => staleReason(read(join(root, 'package-lock.json')), read(join(root, 'node_modules', '.package-lock.json')));

let child;
const forwarded = new Set();
/** Runs a command until it ends. A signal that comes meanwhile is passed on, once: a terminal sends Ctrl-C to every process by itself. */
function run(command, args, options) {
  return new Promise((done, failed) => {
    child = spawn(command, args, options);
    child.once('error', failed);
    child.once('exit', (code, signal) => done({ code, signal }));
    for (const signal of forwarded) child.kill(signal);
  });
}

/** Installs what is missing. Resolves with how npm ended if this process is to end with it. */
async function install() {
  const lock = join(root, '.install.lock');
  if (!(await holdLock(lock))) return { code: null, signal: [...forwarded][0] };
  try {
    const reason = stale();
    if (reason === undefined) return undefined;
    process.stderr.write(`wheelhouse: ${reason}: installing npm dependencies\n`);
    const [command, ...first] = npmCommand(process.env, process.execPath);
    const args = [...first, 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    // Without a home npm would put its cache into the working folder.
    if (!process.env.HOME) args.push('--cache', join(tmpdir(), `wheelhouse-npm-${userInfo().uid}`));
    const ended = await run(command, args, { cwd: root, stdio: ['ignore', 2, 2] });
    if (ended.signal || forwarded.size > 0) return ended;
    if (ended.code !== 0) throw new Error(`npm ci ended with ${ended.code}: its own words are above`);
    return undefined;
  } catch (error) {
    throw error.code === 'ENOENT' ? new Error('npm is not on PATH: it comes with Node, https://nodejs.org') : error;
  } finally {
    rmSync(lock, { force: true });
  }
}

/** Two launchers in one clone must not install at once: the second waits. A lock whose process is gone, or that is too old, counts as none. False: a signal came. */
async function holdLock(path) {
  const until = Date.now() + lockWaitMaxMs;
  while (forwarded.size === 0) {
    try {
      writeFileSync(path, JSON.stringify({ host: hostname(), pid: process.pid }), { flag: 'wx' });
      return true;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (lockIsDead(path)) rmSync(path, { force: true });
    else if (Date.now() > until) throw new Error(`another process has been installing for too long: remove ${path} if that is not so`);
    else await new Promise((next) => setTimeout(next, lockPollMs));
  }
  return false;
}

function lockIsDead(path) {
  try {
    if (Date.now() - statSync(path).mtimeMs > lockWaitMaxMs) return true;
    const holder = JSON.parse(readFileSync(path, 'utf8'));
    if (holder.host !== hostname()) return false;
    process.kill(holder.pid, 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH'; // else it is gone, or just being written: the next round knows
  }
}

/** Ends as the child ended, so that whoever started this sees the same. */
function leave({ code, signal }) {
  if (code !== null) process.exit(code);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
  // Reached when the signal is ignored or blocked here.
  setTimeout(() => process.exit(128 + (constants.signals[signal] ?? 0)), 100);
}

/** npm links the commands of packages that it installs, not those of the clone itself: `./node_modules/.bin/wheelhouse`. */
function linkCommand() {
  try {
    symlinkSync(join('..', '..', 'hub', 'cli', 'wheelhouse.mjs'), join(root, 'node_modules', '.bin', 'wheelhouse'));
  } catch {
    // It is there already, or this place takes no links: `npm run wheelhouse` works without.
  }
}

const stopBy = (signal) => {
  if (forwarded.has(signal)) return;
  forwarded.add(signal);
  child?.kill(signal);
};

/** npm that is told to end ends its shell, and nobody tells this process: it belongs to nobody then, and ends too. */
function endWithNpm() {
  if (!process.env.npm_lifecycle_event) return;
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) stopBy('SIGTERM');
  }, parentPollMs).unref();
}

/** Runs FILE.ts with its arguments and ends this process as it ended. */
export async function main([file, ...args]) {
  if (!file) throw new Error('usage: node deploy/local/launch.mjs FILE.ts [ARGUMENT...]');
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stopBy(signal));
  endWithNpm();
  const ended = stale() === undefined ? undefined : await install();
  if (ended) return leave(ended);
  linkCommand();

  const { platform, arch, execPath } = process;
  const own = join(root, 'node_modules', `node-${platform}-${arch}`, 'bin', 'node');
  const node = chooseNode({
    installed: existsSync(own) ? own : undefined,
    running: execPath,
    version: process.versions.node,
    platform,
    arch,
  });
  if (node.problem) throw new Error(node.problem);
  const env = {
    ...process.env,
    PATH: [dirname(node.path), process.env.PATH].filter(Boolean).join(delimiter),
    WHEELHOUSE_LAUNCHER_PID: String(process.pid),
  };
  return leave(await run(node.path, [resolve(root, file), ...args], { cwd: process.cwd(), env, stdio: 'inherit' }));
}

if (process.argv[1] && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) {
  main(process.argv.slice(2)).catch((error) => {
    process.stderr.write(`wheelhouse: ${error.message}\n`);
    process.exitCode = 1;
  });
}
