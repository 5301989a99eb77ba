// What programs leave on a machine, read from /proc.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

function readOr<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise; // it has ended meanwhile
  }
}

/** Running processes that have the text in their command line or environment; not this one, and no zombies. */
export function processesNaming(text: string): readonly number[] {
  // Elsewhere than on Linux nothing can be seen.
  return readOr(() => readdirSync('/proc'), [])
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid && names(pid, text));
}

const names = (pid: number, text: string): boolean =>
  ['cmdline', 'environ'].some((file) => readOr(() => readFileSync(`/proc/${pid}/${file}`, 'latin1').includes(text), false));

export const commandOf = (pid: number): string => readOr(() => readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' '), '');

/** The TCP ports that these processes listen on. */
export function portsOf(pids: readonly number[]): readonly number[] {
  const sockets = new Set(
    pids.flatMap((pid) =>
      readOr(() => readdirSync(`/proc/${pid}/fd`), []).map((fd) => readOr(() => readlinkSync(`/proc/${pid}/fd/${fd}`), '')),
    ),
  );
  return [...new Set(listeners().flatMap(({ port, inode }) => (sockets.has(`socket:[${inode}]`) ? [port] : [])))];
}

/** Every TCP port that anybody listens on. */
export const portsListening = (): ReadonlySet<number> => new Set(listeners().map(({ port }) => port));

function listeners(): readonly { port: number; inode: string }[] {
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) =>
    readOr(() => readFileSync(file, 'utf8'), '')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === '0A')
      .map((fields) => ({ port: parseInt(fields[1]?.split(':')[1] ?? '', 16), inode: fields[9] ?? '' })),
  );
}
