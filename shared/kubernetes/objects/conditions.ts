import { listAt, textAt, timestamp, type Doc } from '../values.ts';

const conditionOf = (object: unknown, type: string): unknown =>
  listAt(object, 'status', 'conditions').find((one) => textAt(one, 'type') === type);
export const isTrue = (object: unknown, type: string): boolean => textAt(conditionOf(object, type), 'status') === 'True';

/** A condition as it is to be; its time moves with its status alone. `now`: epoch milliseconds. */
export function condition(object: unknown, next: Doc, now: number): Doc {
  const old = conditionOf(object, textAt(next, 'type'));
  const since = textAt(old, 'status') === next['status'] ? textAt(old, 'lastTransitionTime') : '';
  return { ...next, lastTransitionTime: since || timestamp(now) };
}
