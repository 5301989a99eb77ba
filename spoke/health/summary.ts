import type { HealthState } from '../../shared/kernel/mod.ts';
import { refText, type KubeObject, type ObjectRef } from '../kube/mod.ts';
import { healthOf } from './rules.ts';
import { verdict, type Verdict } from './verdict.ts';

/** One object as it is known; `absent` and `unknown` are told apart in what is said, and both are Unknown. */
export interface Seen {
  readonly ref: ObjectRef;
  readonly state: KubeObject | 'absent' | 'unknown';
  /** Uid that was written; another one is another object. */
  readonly uid?: string | undefined;
  /** What is known of it beside what it says of itself; it counts while the object could else be called better. */
  readonly trouble?: Verdict | undefined;
}

export interface ObjectHealth extends Verdict {
  readonly ref: ObjectRef;
}

export interface HealthSummary extends Verdict {
  readonly counts: Readonly<Record<HealthState, number>>;
  /** Those that are not healthy, worst first, at most `listedMax`. */
  readonly objects: readonly ObjectHealth[];
}

/** Worst first. Unknown is worse than Progressing: what moves is at least seen. */
export const worstFirst: readonly HealthState[] = ['Degraded', 'Unknown', 'Progressing', 'Suspended', 'Healthy'];
const listedMax = 20;

/**
 * The health of all objects together: as bad as the worst. `waitedMs` is how long they have not been healthy; past `timeoutMs` what is still Progressing
 * is Degraded. Nothing at all is Unknown: health is never the absence of bad news.
 */
export function summarise(seen: readonly Seen[], { waitedMs, timeoutMs }: { waitedMs: number; timeoutMs: number }): HealthSummary {
  const late = waitedMs >= timeoutMs;
  const all = seen.map((one): ObjectHealth => ({ ref: one.ref, ...judged(one, late, timeoutMs) }));
  const counts = Object.fromEntries(worstFirst.map((state) => [state, all.filter(({ health }) => health === state).length])) as Record<
    HealthState,
    number
  >;
  const bad = all.filter(({ health }) => health !== 'Healthy').toSorted(byWorst);
  if (all.length === 0) return { ...verdict('Unknown', 'NothingApplied', 'nothing has been applied'), counts, objects: [] };
  const objects = bad.slice(0, listedMax);
  return { ...asBadAs(objects[0], all.length, bad.length), counts, objects };
}

/** The same, with what is known of some objects beside what they say: it counts unless they say worse themselves. */
export function worsened(summary: HealthSummary, known: (object: ObjectHealth) => Verdict | undefined): HealthSummary {
  const counts = { ...summary.counts };
  const objects = summary.objects.map((object): ObjectHealth => {
    const found = known(object);
    if (!found || rank(found) > rank(object)) return object;
    counts[object.health]--;
    counts[found.health]++;
    return { ref: object.ref, ...found };
  });
  const sorted = objects.toSorted(byWorst);
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return total === 0 ? summary : { ...asBadAs(sorted[0], total, total - counts.Healthy), counts, objects: sorted };
}

function asBadAs(worst: ObjectHealth | undefined, total: number, bad: number): Verdict {
  if (!worst) return verdict('Healthy', 'Healthy', `${total} of ${total} objects are healthy`);
  const more = bad > 1 ? ` (and ${bad - 1} more not healthy)` : '';
  return verdict(worst.health, worst.reason, `${nameOf(worst.ref)}: ${worst.message}${more}`);
}

const rank = ({ health }: Verdict): number => worstFirst.indexOf(health);
const byWorst = (a: ObjectHealth, b: ObjectHealth): number => rank(a) - rank(b) || compare(refText(a.ref), refText(b.ref));
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function judged({ trouble, ...seen }: Seen, late: boolean, timeoutMs: number): Verdict {
  const found = judgedByItself(seen, late, timeoutMs);
  return trouble && rank(trouble) < rank(found) ? trouble : found;
}

function judgedByItself({ state, uid }: Seen, late: boolean, timeoutMs: number): Verdict {
  if (state === 'unknown') return verdict('Unknown', 'NotObserved', 'the API server has not said how it is');
  if (state === 'absent') return verdict('Unknown', 'Missing', 'it is not there');
  if (uid !== undefined && state.metadata.uid !== uid) return verdict('Unknown', 'Replaced', 'another object of this name is there');
  const found = healthOf(state);
  if (found.health !== 'Progressing' || !late) return found;
  return verdict('Degraded', 'HealthTimeout', `not healthy within ${Math.round(timeoutMs / 1000)} s: ${found.reason}: ${found.message}`);
}

/** `Deployment web in shop`: for people. */
export const nameOf = ({ kind, namespace, name }: ObjectRef): string => `${kind} ${name}${namespace === '' ? '' : ` in ${namespace}`}`;
