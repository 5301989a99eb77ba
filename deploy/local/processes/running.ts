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

/** Linux tells more in /proc; elsewhere there is none. */
function processes(): readonly string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

function statOf(pid: string): { readonly state: string; readonly group: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // What follows the name, which may itself hold spaces and brackets: state, parent, group.
    const [state = '', , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state, group: Number(group) };
  } catch {
    return undefined;
  }
}
