import { exposed, total, type Situation, type Subject } from './model.ts';

const namesMax = 3;

export const listed = (names: readonly string[]): string =>
  names.length <= namesMax ? names.join(', ') : `${names.slice(0, namesMax).join(', ')} and ${names.length - namesMax} more`;

const described = ({ clusterName, row }: Subject): string =>
  `${clusterName} (${row.message ? `${row.reason}: ${row.message}` : row.reason})`;

export interface Wait {
  readonly reason: string;
  readonly message: string;
}

/** What a rollout that has not ended waits for: the most serious thing first. Says nothing that changes with time alone. Pure. */
export function waitsFor({ rollout, counters, changed, passedOver, settling, recordBehind }: Situation): Wait {
  const of = (state: Subject['row']['state']): Subject[] => changed.filter(({ row }) => row.state === state);
  const started = of('Started');
  if (recordBehind) return { reason: 'RecordBehind', message: 'the record is older than what spokes hold: waits for recover' };
  if (rollout.state === 'Paused') return { reason: 'Paused', message: 'starts no cluster until it is resumed' };
  if (settling) return { reason: 'Settling', message: 'the hub waits until it hears its clusters again' };
  if (counters.degraded > 0)
    return { reason: 'ClustersDegraded', message: `${counters.degraded} degraded: ${listed(of('Degraded').map(described))}` };
  if (counters.unreachable > 0)
    return {
      reason: 'ClustersUnreachable',
      message: `${counters.unreachable} unreachable since their start, policy: wait: ${listed(of('Unreachable').map(described))}`,
    };
  // Nothing is moving: what is in flight was left so by the rollout before, and its turn cannot come.
  if (exposed(counters) === counters.carried && passedOver.length > 0)
    return { reason: 'ClustersUnreachable', message: `not heard from, so nothing is started there, policy: wait: ${listed(passedOver)}` };
  const done = counters.succeeded + counters.unchanged;
  const names = listed(started.map(described));
  return { reason: 'Progressing', message: `${done} of ${total(counters)} clusters done${names ? `; in flight: ${names}` : ''}` };
}
