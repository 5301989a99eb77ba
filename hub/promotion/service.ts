import { currentTraceparent, recordSpan, span } from '#shared/telemetry/mod.ts';
import type { Watch } from '#hub/health/mod.ts';
import { plan, type Plan, type PlanFacts } from '#hub/rollouts/mod.ts';
import {
  put,
  type DecideContext,
  type Decision,
  type RolloutClusterRow,
  type RolloutRow,
  type Store,
  type TargetRow,
  type Trx,
} from '#hub/store/mod.ts';
import { decide, type Choice, type Wait } from './decide.ts';
import { loadPlan, loadTarget, type Loaded } from './record.ts';

export interface PromotionOptions {
  readonly store: Store;
  readonly watch: Watch;
}

export interface Promoted {
  /** Uid of the rollout that was begun or extended; null: none, or it was only asked what would happen. */
  readonly rollout: string | null;
  /** Of that rollout, or of the one that there would be; null: nothing to do. */
  readonly plan: PlannedRollout | null;
  readonly wait: Wait;
}

export interface PlannedRollout {
  readonly type: RolloutRow['kind'];
  readonly release: string;
  readonly clusters: number;
  /** Of those, what runs the wanted revision already. */
  readonly unchanged: number;
  readonly waves: number;
}

export interface Asked {
  readonly actor: string;
  readonly reason: string;
  /** Say what would happen, and change nothing. */
  readonly dryRun?: boolean;
  /** Called in the decision's transaction; a rejection ends it. */
  readonly check?: (trx: Trx) => Promise<void>;
}

interface State {
  readonly loaded: Loaded | undefined;
  readonly choice: Choice;
  readonly facts: PlanFacts | undefined;
  /** What a person has asked for; null: nobody has. */
  readonly approvedReleaseId: number | null;
}

/** Looks at one target: what it may take, what it waits for, and what its clusters lack. */
export class PromotionService {
  readonly #options: PromotionOptions;

  constructor(options: PromotionOptions) {
    this.#options = options;
  }

  /** Handler of `target:<id>`. A visit that finds nothing new writes nothing. */
  async visit(targetId: number): Promise<void> {
    await this.#look(targetId, null, { actor: 'system:promotion', reason: '' });
  }

  /** A person promotes a release by hand: it still needs the evidence, only not the automatic mode. Says what it waits for if it may not start. */
  promote(targetId: number, releaseId: number, asked: Asked): Promise<Promoted> {
    return this.#look(targetId, releaseId, asked);
  }

  #look(targetId: number, approvedReleaseId: number | null, asked: Asked): Promise<Promoted> {
    const { store, watch } = this.#options;
    return span('hub.promotion.decide', { attributes: { 'wheelhouse.target': targetId } }, async () => {
      const traceparent = currentTraceparent();
      const promoted = await store.decide(
        async (trx): Promise<State> => {
          await asked.check?.(trx);
          const loaded = await loadTarget(trx, targetId, watch, approvedReleaseId);
          if (!loaded) return { loaded, choice: { releaseId: null, wait: none }, facts: undefined, approvedReleaseId };
          const choice = chosen(loaded);
          const facts = choice.releaseId === null ? undefined : await loadPlan(trx, loaded, choice.releaseId, traceparent);
          return { loaded, choice, facts, approvedReleaseId };
        },
        (state, context) => decisionOf(state, asked, context),
      );
      if (promoted.rollout !== null) await this.#trace(promoted.rollout);
      return promoted;
    });
  }

  /** What was begun belongs to the trace of the change that it carries, whoever woke this look at the target. */
  async #trace(rollout: string): Promise<void> {
    const row = await this.#options.store.read.selectFrom('rollouts').select('traceparent').where('uid', '=', rollout).executeTakeFirst();
    recordSpan('hub.promotion.start', { parent: row?.traceparent ?? '', attributes: { 'wheelhouse.rollout': rollout }, seconds: 0 });
  }
}

const none: Wait = { reason: '', message: '' };

/** An app that no longer names the environment leaves its clusters as they are. */
const chosen = ({ target, offer }: Loaded): Choice =>
  target.declared
    ? decide(offer)
    : {
        releaseId: null,
        wait: { reason: 'NotTargeted', message: `the app does not name environment ${target.environment.name} any more` },
      };

/** A choice and its plan as rows, one audit entry and the effects to run. Pure. */
export function decisionOf({ loaded, choice, facts, approvedReleaseId }: State, asked: Asked, context: DecideContext): Decision<Promoted> {
  if (!loaded) return { result: { rollout: null, plan: null, wait: none } };
  // Who has named a release is not given another one. The target does not wait for it either: nothing is written.
  if (approvedReleaseId !== null && choice.wait.reason === '' && choice.releaseId !== approvedReleaseId)
    return { result: { rollout: null, plan: null, wait: notOffered(loaded, choice) } };
  const planned = facts && plan(facts, context);
  const wait = waitOf(choice, planned);
  const target = targetRow(loaded.target.row, planned, wait, context.now);
  const writes = [...(planned?.writes ?? []), ...(sameTarget(target, loaded.target.row) ? [] : [put('targets', target)])];
  const rollout = planned?.rollout;
  const result: Promoted = { rollout: asked.dryRun ? null : (rollout?.uid ?? null), plan: plannedOf(planned, facts), wait };
  if (writes.length === 0 || asked.dryRun) return { result };
  const { tenant, app, environment } = loaded.target;
  return {
    result,
    writes,
    audit: {
      actor: asked.actor,
      action: rollout ? 'start.rollout' : 'review.target',
      subject: `Target/${tenant.name}/${app.name}.${environment.name}`,
      reason: asked.reason || wait.reason || rollout?.kind || 'Membership',
      detail: { rollout: rollout?.uid ?? null, kind: rollout?.kind ?? null, release: facts?.release.alias ?? null },
    },
    outbox: [
      ...(rollout ? [`rollout:${rollout.id}`] : []),
      // Who was held here may be wanted there.
      ...(planned?.membershipChanged ? loaded.siblings.filter((id) => id !== target.id).map((id) => `target:${id}`) : []),
    ],
  };
}

function notOffered({ offer }: Loaded, { releaseId }: Choice): Wait {
  const alias = offer.releases.find(({ id }) => id === releaseId)?.alias;
  const takes = offer.predecessors.length === 0 ? 'the newest release' : 'the release that the environments before it have';
  const now = alias === undefined ? '' : ` (${alias})`;
  return {
    reason: 'NotOffered',
    message: `environment ${offer.environment} takes ${takes}${now}, and never an older one than it has: what is to come back is committed again`,
  };
}

function plannedOf(planned: Plan | undefined, facts: PlanFacts | undefined): PlannedRollout | null {
  const rollout = planned?.rollout;
  if (!rollout || !facts) return null;
  const rows = planned.writes.flatMap((write) =>
    write.op === 'put' && write.table === 'rollout_clusters' ? [write.row as RolloutClusterRow] : [],
  );
  const unchanged = rows.filter(({ state }) => state === 'Unchanged').length;
  return { type: rollout.kind, release: facts.release.alias, clusters: rows.length, unchanged, waves: rollout.waves };
}

function waitOf(choice: Choice, planned: Plan | undefined): Wait {
  const [conflict] = planned?.conflicts ?? [];
  if (choice.wait.reason !== '' || conflict === undefined) return choice.wait;
  return { reason: 'ClusterSelectedTwice', message: `cluster ${conflict} is in another environment of this app, in the same namespace` };
}

function targetRow(target: TargetRow, planned: Plan | undefined, wait: Wait, now: number): TargetRow {
  const offered = planned?.rollout?.release_id;
  const isNew = offered !== undefined && offered !== target.offered_release_id;
  return {
    ...target,
    ...(isNew ? { offered_release_id: offered, offered_at: now } : {}),
    waiting_reason: wait.reason,
    waiting_message: wait.message,
  };
}

const sameTarget = (a: TargetRow, b: TargetRow): boolean =>
  a.waiting_reason === b.waiting_reason && a.waiting_message === b.waiting_message && a.offered_release_id === b.offered_release_id;
