import type { Condition, ConditionStatus } from '../../proto/mod.ts';

export type ConditionType = 'Ready' | 'Reconciling' | 'Stalled';

export interface Said {
  readonly type: ConditionType;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
}

const statuses: Readonly<Record<Said['status'], ConditionStatus>> = {
  True: 'CONDITION_STATUS_TRUE',
  False: 'CONDITION_STATUS_FALSE',
  Unknown: 'CONDITION_STATUS_UNKNOWN',
};

/** The conditions after what is said now, sorted by type. The time moves only when the status does: a new reason is no transition. Pure. */
export function conditionsAfter(before: readonly Condition[], said: readonly Said[], nowMs: number): Condition[] {
  return said
    .map(({ type, status, reason, message }): Condition => {
      const old = before.find((condition) => condition.type === type);
      const same = old?.status === statuses[status];
      return {
        type,
        status: statuses[status],
        reason,
        message,
        lastTransitionTime: (same ? old.lastTransitionTime : undefined) ?? new Date(nowMs),
      };
    })
    .sort((a, b) => (a.type < b.type ? -1 : 1));
}
