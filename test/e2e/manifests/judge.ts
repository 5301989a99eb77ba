import type { Both, Result } from './both.ts';
import { missingIn } from './inventories.ts';
import type { Project } from './projects.ts';

export interface Verdict extends Both {
  /** A line for each thing that is not as expected; none: the same on both. */
  readonly problems: readonly string[];
}

const some = (list: readonly string[]): string => `${list.slice(0, 5).join(', ')}${list.length > 5 ? `, and ${list.length - 5} more` : ''}`;

/** Whether both clusters became what was expected, and the same. Pure. */
export function judge({ health }: Pick<Project, 'health'>, both: Both): Verdict {
  const { real, sandbox } = both;
  const onlyReal = missingIn(real.inventory, sandbox.inventory);
  const onlySandbox = missingIn(sandbox.inventory, real.inventory);
  const same = real.health === sandbox.health && real.reason === sandbox.reason;
  const problems = [
    ...(onlyReal.length > 0 ? [`only on the real one: ${some(onlyReal)}`] : []),
    ...(onlySandbox.length > 0 ? [`only on the sandbox: ${some(onlySandbox)}`] : []),
    ...(same ? [] : [`${said(real)} on the real one, ${said(sandbox)} on the sandbox`]),
    ...expected(health, real).map((problem) => `real: ${problem}`),
    ...expected(health, sandbox).map((problem) => `sandbox: ${problem}`),
  ];
  return { ...both, problems };
}

const said = ({ health, reason, message }: Result): string => `${health} (${reason}: ${message})`;

function expected(health: Project['health'], result: Result): readonly string[] {
  const { inventory, objects } = result;
  if (health === 'Refused')
    return result.health === 'Degraded' && result.reason === 'NotAllowed' && inventory.length === 0
      ? []
      : [`expected to be refused with nothing written: ${said(result)}, ${inventory.length} objects there`];
  return [
    ...(result.health === 'Healthy' ? [] : [`expected to be Healthy: ${said(result)}`]),
    ...(inventory.length === objects && objects >= 4 ? [] : [`${objects} objects are reported, ${inventory.length} are there`]),
  ];
}
