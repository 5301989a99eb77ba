import { put, remove, type DecideContext, type EventRow, type Write } from '#hub/store/mod.ts';
import { eventLimits, type Happening } from './model.ts';

/** What an event is about, and what else it concerns. */
export type About = Pick<EventRow, 'kind' | 'tenant' | 'name' | 'cluster' | 'app' | 'environment' | 'rollout_id'>;

const clip = (text: string): string =>
  text.length <= eventLimits.messageCharsMax ? text : `${text.slice(0, eventLimits.messageCharsMax - 1)}…`;

/**
 * Rows for what happened to one object, given those that there are, newest first: the same again within an hour is the same row, counted and moved to the
 * end; beyond twenty the oldest leave. Pure.
 */
export function noted(
  about: About,
  rows: readonly EventRow[],
  happenings: readonly Happening[],
  { now, newId }: Pick<DecideContext, 'now' | 'newId'>,
): Write[] {
  let kept = [...rows];
  const changed = new Set<EventRow>();
  for (const { type, reason, cause, message, actor, times } of happenings) {
    const id = newId();
    const before = kept.find((row) => row.reason === reason && row.cause === cause && row.type === type);
    const again = before && now - before.at <= eventLimits.windowMs ? before : undefined;
    const said = { ...about, type, reason, cause, message: clip(message), actor, at: now, seq: id };
    const row: EventRow = again ? { ...again, ...said, count: again.count + times } : { ...said, id, count: times, first_at: now };
    if (again) changed.delete(again);
    changed.add(row);
    kept = [row, ...kept.filter((one) => one !== again)];
  }
  const dropped = new Set(kept.slice(eventLimits.perObjectMax));
  const stored = new Set(rows.map(({ id }) => id));
  return [
    ...[...changed].filter((row) => !dropped.has(row)).map((row) => put('events', row)),
    ...[...dropped].filter(({ id }) => stored.has(id)).map(({ id }) => remove('events', { id })),
  ];
}
