import type { Event, Placement } from '#hub/api/mod.ts';
import { ageOf } from './ages.ts';
import { brief } from './tables.ts';

/** `12s`, `12s (x3 over 5m)`: when last, and how often since when; a hub of before tells the last only. */
export const seriesText = ({ at, firstAt, count = 1 }: Partial<Event['spec']>, now: number): string =>
  count > 1 ? `${ageOf(at, now)} (x${count} over ${ageOf(firstAt, now)})` : ageOf(at, now);

/** `kind/tenant/name`; a rollout is told by what it is of: nobody knows its uid. */
export function aboutText({ regarding, related }: Event['spec']): string {
  const { kind, tenant, name } = regarding;
  const { app = null, environment = null } = (related as Event['spec']['related'] | undefined) ?? {};
  const parts =
    kind === 'Rollout' && app !== null && environment !== null
      ? ['target', tenant, `${app}.${environment}`]
      : [kind.toLowerCase(), tenant, name];
  return parts.filter((part) => part !== null).join('/');
}

/** Who did it, then what they said; what others did in a cluster says itself whose hand it was. */
export function saidText({ actor, message }: Event['spec']): string {
  if (actor === '' || actor.startsWith('manager:')) return message;
  return message === '' ? `by ${actor}` : `by ${actor}: ${message}`;
}

/** One event in a line: when, what, by whom, why. */
export function eventLine({ spec }: Event, now: number): string {
  const { reason, regarding } = spec;
  const said = saidText(spec);
  const of = regarding.kind === 'Placement' ? '' : ` ${aboutText(spec)}`;
  return `${seriesText(spec, now)} ago ${reason}${of}${said === '' ? '' : `: ${brief(said, 160)}`}`;
}

/** What others did and what has not been put back for good: the rest is among the events. */
export const driftLines = ({ drift = [] }: Partial<Placement['status']>, now: number): readonly string[] =>
  drift.flatMap(({ object, state, kind, fields, manager, seen, corrections, lastSeenAt }) =>
    state === 'Corrected'
      ? []
      : [
          `${object} ${state}: ${[fields.join(', '), kind.toLowerCase()].filter((part) => part !== '').join(' ')} by ${manager || 'somebody'}, seen ${ageOf(lastSeenAt, now)} ago, ${seen} times, put back ${corrections} times`,
        ],
  );
