import type { Watch } from '#hub/health/mod.ts';
import { put, remove, type DecideContext, type Decision, type RolloutRow, type Store, type Write } from '#hub/store/mod.ts';
import { span } from '#shared/telemetry/mod.ts';
import { decide } from './decide.ts';
import type { Step } from './model.ts';
import { loadRollout, type Loaded } from './record.ts';

export interface RolloutOptions {
  readonly store: Store;
  readonly watch: Watch;
}

/** Carries a rollout one step further whenever something about it may have changed. */
export class RolloutService {
  readonly #options: RolloutOptions;

  constructor(options: RolloutOptions) {
    this.#options = options;
  }

  /** Handler of `rollout:<id>`. A visit that finds nothing new writes nothing. */
  async visit(rolloutId: number): Promise<void> {
    const { store, watch } = this.#options;
    const before = await store.read.selectFrom('rollouts').select(['traceparent', 'uid']).where('id', '=', rolloutId).executeTakeFirst();
    if (!before) return;
    await span('hub.rollouts.decide', { attributes: { 'wheelhouse.rollout': before.uid }, parent: before.traceparent }, () =>
      store.decide(
        (trx) => loadRollout(trx, rolloutId, watch),
        (loaded, context) =>
          loaded ? decisionOf(loaded, decide({ ...loaded.situation, now: context.now }), context) : { result: undefined },
      ),
    );
  }
}

/** A step as rows, one audit entry and the effects to run. Pure. */
export function decisionOf(loaded: Loaded, step: Step, context: DecideContext): Decision<undefined> {
  const before = loaded.situation.rollout;
  const writes: Write[] = [];
  if (!sameRollout(before, step.rollout)) writes.push(put('rollouts', step.rollout));
  for (const row of step.clusterRows) writes.push(put('rollout_clusters', row));
  for (const move of step.moves) {
    const placement = loaded.placements.get(move.placementId);
    if (!placement) throw new Error(`rollout ${before.uid} moves placement ${move.placementId}, which was not loaded`);
    writes.push(
      put('placements', {
        ...placement,
        wanted_revision_id: move.revisionId,
        wanted_variant_id: move.variantId,
        rollout_id: move.rolloutId,
        traceparent: move.traceparent,
        updated_at: context.now,
      }),
    );
  }
  if (step.rollout.state === 'Succeeded') writes.push(currentOf(loaded, step));
  // What has ended is suspended no more.
  if (before.state === 'Paused' && step.rollout.finished_at !== null)
    writes.push(remove('holds', { scope: 'Rollout', subject_id: before.id }));
  if (writes.length === 0) return { result: undefined };
  for (const event of step.events)
    writes.push(put('rollout_events', { id: context.newId(), rollout_id: before.id, at: context.now, ...event }));
  if (step.events.length > 0) writes.push(...loaded.oldEvents.map((id) => remove('rollout_events', { id })));
  const { started, degraded, unreachable, succeeded, unchanged, skipped, waiting } = step.counters;
  return {
    result: undefined,
    writes,
    audit: {
      actor: 'system:rollouts',
      action: 'advance.rollout',
      subject: `Rollout/${loaded.tenant}/${before.uid}`,
      reason: step.rollout.reason,
      detail: { moved: step.moves.length, waiting, started, degraded, unreachable, succeeded, unchanged, skipped },
    },
    outbox: outboxOf(loaded, step),
  };
}

const sameRollout = (a: RolloutRow, b: RolloutRow): boolean =>
  a.state === b.state && a.reason === b.reason && a.message === b.message && a.wave === b.wave && a.finished_at === b.finished_at;

/** Success is what makes a release current. An environment has proved something only if a cluster was really changed. */
function currentOf({ situation, target, exercised }: Loaded, step: Step): Write {
  const changed = exercised || step.clusterRows.some((row) => row.state === 'Succeeded');
  const sameRelease = target.current_release_id === situation.rollout.release_id;
  return put('targets', {
    ...target,
    current_release_id: situation.rollout.release_id,
    exercised: changed || (sameRelease && target.exercised === 1) ? 1 : 0,
  });
}

function outboxOf({ situation, siblings }: Loaded, step: Step): string[] {
  const keys = step.dispatches.map((clusterId) => `dispatch:${clusterId}`);
  if (step.again) keys.push(`rollout:${situation.rollout.id}`);
  if (step.rollout.finished_at !== null) keys.push(...siblings.map((id) => `target:${id}`));
  return keys;
}
