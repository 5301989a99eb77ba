import { exposed, total, type Situation, type Subject, type Wait } from './model.ts';

const namesMax = 3;

export const listed = (names: readonly string[]): string =>
  names.length <= namesMax ? names.join(', ') : `${names.slice(0, namesMax).join(', ')} and ${names.length - namesMax} more`;

const described = ({ clusterName, row }: Subject): string =>
  `${clusterName} (${row.message ? `${row.reason}: ${row.message}` : row.reason})`;

const suspendedText = ({ clusterName, leftOut }: Subject): string => `${clusterName} (${leftOut?.message ?? ''})`;

/** What a rollout that has not ended waits for: the most serious thing first. Says nothing that changes with time alone. Pure. */
export function waitsFor({ rollout, counters, changed, passedOver, hold, settling, recordBehind }: Situation): Wait {
  const of = (state: Subject['row']['state']): Subject[] => changed.filter(({ row }) => row.state === state);
  const started = of('Started');
  if (recordBehind) return { reason: 'RecordBehind', message: 'the record is older than what spokes hold: waits for recover' };
  if (rollout.state === 'Paused') return hold ?? { reason: 'Paused', message: 'starts no cluster until it is resumed' };
  if (settling) return { reason: 'Settling', message: 'the hub waits until it hears its clusters again' };
  // What is in flight goes on; only what has not begun is kept back.
  const bad = counters.degraded > 0 ? `; ${counters.degraded} degraded: ${listed(of('Degraded').map(described))}` : '';
  if (hold && counters.waiting > 0) return { reason: hold.reason, message: `${hold.message}${bad}` };
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
  // A person has taken away what would end it: it gives no evidence, be it well or not.
  const suspended = started.filter(({ leftOut }) => leftOut?.reason === 'Suspended');
  if (suspended.length > 0 && suspended.length === exposed(counters))
    return { reason: 'ClustersSuspended', message: `suspended since their start: ${listed(suspended.map(suspendedText))}` };
  const names = listed(started.map(described));
  const left = counters.skipped > 0 ? `; left out: ${counters.skipped}` : '';
  return { reason: 'Progressing', message: `${done} of ${total(counters)} clusters done${names ? `; in flight: ${names}` : ''}${left}` };
}
