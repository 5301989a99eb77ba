import { readFileSync, readdirSync } from 'node:fs';

// A process that ended and was not yet collected by its parent still has its number; where nobody collects orphans, for ever.
const collectable = 'Z';

/** Whether a process runs. */
export function isRunning(pid: number): boolean {
  return answers(pid) && statOf(String(pid))?.state !== collectable;
}

/** Whether any process of the group runs. */
export function isGroupRunning(group: number): boolean {
  if (!answers(-group)) return false;
  const members = processes().flatMap((pid) => statOf(pid) ?? []);
  return members.length === 0 || members.some((member) => member.group === group && member.state !== collectable);
}

function answers(target: number): boolean {
  try {
    process.kill(target, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** What it holds in memory now, MiB; undefined where nobody tells. */
export function residentMiB(pid: number): number | undefined {
  try {
    const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
    return kibibytes === undefined ? undefined : Math.round(Number(kibibytes) / 1024);
  } catch {
    return undefined;
  }
}

/** Linux tells more in /proc; elsewhere there is none. */
function processes(): readonly string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

/** When a process began, in the kernel's own ticks: with its number it names that process and no later one. undefined where nobody tells. */
export const beganAt = (pid: number): string | undefined => statOf(String(pid))?.began;

function statOf(pid: string): { readonly state: string; readonly group: number; readonly began: string } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // What follows the name, which may itself hold spaces and brackets: state, parent, group; the twentieth is when it began.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', group: Number(fields[2]), began: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}
