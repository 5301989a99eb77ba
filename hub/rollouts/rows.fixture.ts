import type { Evidence } from '#hub/health/mod.ts';
import type { DecideContext, RolloutClusterRow, RolloutRow } from '#hub/store/mod.ts';
import { recount, type Situation, type Subject } from './model.ts';

// Rows and evidence for the tests of this module.

export const rollout = (more: Partial<RolloutRow> = {}): RolloutRow => ({
  id: 1,
  uid: 'r1',
  target_id: 1,
  release_id: 1,
  kind: 'Release',
  state: 'Progressing',
  reason: 'Progressing',
  message: '',
  max_concurrent: 2,
  waves: 1,
  wave: 1,
  created_at: 0,
  finished_at: null,
  traceparent: '00-trace',
  ...more,
});

export const row = (id: number, more: Partial<RolloutClusterRow> = {}): RolloutClusterRow => ({
  rollout_id: 1,
  placement_id: id,
  cluster_id: 100 + id,
  wave: 1,
  state: 'Waiting',
  reason: 'Waiting',
  message: '',
  from_revision_id: 1,
  to_revision_id: 2,
  to_variant_id: 3,
  started_at: null,
  finished_at: null,
  ...more,
});

export const evidence = (health: Evidence['health'], reason: string = health, message = ''): Evidence => ({
  health,
  reason,
  message,
  revisionApplied: '',
  ageMs: 0,
  vouched: health !== 'Unknown',
});

export const subject = (r: RolloutClusterRow, about: Evidence, more: Partial<Subject> = {}): Subject => ({
  row: r,
  clusterName: `c${r.placement_id}`,
  placementState: 'Active',
  leftOut: undefined,
  wantedRevisionId: r.state === 'Waiting' ? 1 : 2,
  evidence: about,
  ...more,
});

/** `subjects` are all rows of the rollout. */
export function situation(subjects: readonly Subject[], more: Partial<Situation> = {}): Situation {
  return {
    rollout: rollout(),
    counters: recount(subjects.map(({ row: r }) => r)),
    changed: subjects.filter(({ row: r }) => r.state !== 'Waiting' && r.state !== 'Unchanged'),
    more: false,
    candidates: subjects.filter(({ row: r }) => r.state === 'Waiting'),
    passedOver: [],
    superseded: false,
    hold: undefined,
    settling: false,
    recordBehind: false,
    now: 1_000,
    ...more,
  };
}

export function context(): DecideContext {
  let id = 1_000;
  return { now: 1_000, newId: () => ++id, newUid: (kind) => `${kind}${++id}` };
}
