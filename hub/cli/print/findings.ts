import type { FleetStatus } from '#hub/api/mod.ts';
import { humanAge } from './ages.ts';
import { painted, type Paint } from './colours.ts';

/** One thing that the doctor looked at. */
export interface Finding {
  readonly check: string;
  readonly ok: boolean;
  readonly found: string;
  /** What to do about it; '' when it is well. */
  readonly next: string;
}

const skewMaxMs = 10_000;

// What answers mean. Pure.

export const well = (check: string, found: string): Finding => ({ check, ok: true, found, next: '' });
export const wrong = (check: string, found: string, next: string): Finding => ({ check, ok: false, found, next });

/** `hubAt` is known to whole seconds, and lies anywhere between the asking and the answer. */
export function skewFinding(hubAt: number, asked: number, answered: number): Finding {
  const ahead = Math.max(0, hubAt - answered);
  const behind = Math.max(0, asked - (hubAt + 1_000));
  const skew = Math.max(ahead, behind);
  if (skew <= skewMaxMs) return well('clock skew', 'the clocks of hub and of this machine agree');
  const which = ahead > 0 ? 'ahead of' : 'behind';
  return wrong(
    'clock skew',
    `the hub's clock is ${humanAge(skew)} ${which} this machine's`,
    'set both by NTP: certificates and tokens end by the clock',
  );
}

export function readyFindings({
  settling,
  recordBehind,
}: {
  readonly settling: boolean;
  readonly recordBehind: string | null;
}): readonly Finding[] {
  return [
    recordBehind === null
      ? well('record', 'no cluster has seen more than the hub remembers')
      : wrong('record', recordBehind, 'the hub was restored from a backup: rollouts wait until the record is recovered'),
    settling
      ? wrong(
          'settling',
          'the hub has just started, or lost many streams at once: it starts nothing and believes nobody gone',
          'wait a minute; if it stays, look at the network between hub and clusters',
        )
      : well('settling', 'the hub takes part'),
  ];
}

export function fleetFindings({ clusters, placements }: FleetStatus): readonly Finding[] {
  const { connection, state, total } = clusters;
  const silent = connection['Disconnected'] ?? 0;
  const pending = state['Pending'] ?? 0;
  const declared = state['Declared'] ?? 0;
  return [
    silent > 0
      ? wrong(
          'silent',
          `${silent} of ${total} clusters silent`,
          'wheelhouse get clusters --field-selector status.connection=Disconnected, then look at the agent in each',
        )
      : well('silent', `none of ${total} clusters is silent`),
    pending > 0
      ? wrong(
          'enrolment',
          `${pending} agents wait to be accepted`,
          'wheelhouse get clusters --field-selector status.state=Pending, then wheelhouse cluster accept NAME',
        )
      : declared > 0
        ? wrong('enrolment', `${declared} clusters have no agent yet`, 'wheelhouse cluster join-token NAME, and give it to the agent')
        : well('enrolment', 'every declared cluster has its agent'),
    placements.degraded > 0
      ? wrong(
          'apps',
          `${placements.degraded} of ${placements.total} placements Degraded`,
          'wheelhouse get placements --field-selector status.health=Degraded, then wheelhouse explain CLUSTER/TENANT/APP',
        )
      : well('apps', `none of ${placements.total} placements is Degraded`),
  ];
}

export const findingLines = (findings: readonly Finding[], paint: Paint): readonly string[] =>
  findings.flatMap(({ check, ok, found, next }) => [
    `${painted(ok ? 'ok' : 'wrong', paint)}${' '.repeat(ok ? 6 : 3)}${check.padEnd(12)}${found}`,
    ...(next === '' ? [] : [`${' '.repeat(20)}next: ${next}`]),
  ]);
