import { spawn, type ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';

/**
 * Reads "+ GROUP", "- GROUP" and "f FOLDER" lines. When its input ends, this process is gone, by whatever way: kill what is left, remove its temporary folders.
 * A shell, because it must outlive this process and cost nothing; it ignores the signals that a terminal sends to everybody.
 */
const script = `
trap '' INT TERM HUP
groups=' '
folders=''
while IFS=' ' read -r do what; do
  case $do in
    +) groups="$groups$what " ;;
    -) before=\${groups%%" $what "*}; after=\${groups#*" $what "}
       [ "$before" = "$groups" ] || groups="$before $after" ;;
    f) folders="$folders$what
" ;;
  esac
done
for group in $groups; do kill -KILL -"$group" 2>/dev/null; done
printf %s "$folders" | while IFS= read -r folder; do rm -rf -- "$folder"; done
`;

let guard: ChildProcess | undefined;
const groups = new Set<number>();
const folders = new Set<string>();

/**
 * Ends the process group when this process ends, on every way out, SIGKILL included: a pipe to a small guard process closes then. Needs no handler of
 * signals, so how a program answers them stays its own affair.
 */
export function guardGroup(pid: number): void {
  groups.add(pid);
  tell(`+ ${pid}`);
}

/** The group has ended: its number may be given to somebody else, so nothing may be sent to it any more. */
export function releaseGroup(pid: number): void {
  if (groups.delete(pid)) tell(`- ${pid}`);
}

/** Removes the folder when this process ends, after the guarded groups. Only for temporary folders that this process made. */
export function guardFolder(path: string): void {
  if (!/\/wheelhouse-[^/\n]+$/.test(path)) throw new TypeError(`not a temporary folder of ours: ${path}`);
  folders.add(path);
  tell(`f ${path}`);
}

/** Removes a guarded folder now. */
export function removeFolder(path: string): void {
  folders.delete(path);
  rmSync(path, { recursive: true, force: true, maxRetries: 3 });
}

function tell(line: string): void {
  guard ??= startGuard();
  guard.stdin?.write(`${line}\n`);
}

function startGuard(): ChildProcess {
  const child = spawn('/bin/sh', ['-c', script], { stdio: ['pipe', 'ignore', 'ignore'], detached: true, cwd: '/' });
  child.stdin?.on('error', () => {}); // it was killed: the exit handler below still does what it can
  child.once('error', () => {});
  // Neither may keep this process alive.
  child.unref();
  (child.stdin as unknown as { unref(): void } | null)?.unref();
  process.once('exit', () => {
    for (const pid of groups) killGroup(pid, 'SIGKILL');
    for (const path of folders) rmSync(path, { recursive: true, force: true });
  });
  return child;
}

/** Does nothing when there is no such group any more. */
export function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // gone
  }
}
