import type { AssignmentReport, RefusedReport } from '#proto/mod.ts';
import type { Clock } from '#shared/clock/mod.ts';
import { put, type RefusalRow, type ReportRow, type Store, type Trx, type Write } from '#hub/store/mod.ts';
import { healthLimits } from './bounds.ts';
import { reportRow } from './evidence.ts';
import { noteRefusals, refusalsOf, type RefusalNote } from './record.ts';

export interface Queued {
  readonly clusterId: number;
  readonly report: AssignmentReport;
  readonly bytes: Uint8Array;
}

/** What became of one report: stored, or refused with the reason. */
export type Settled = (refused: RefusedReport | undefined) => void;

interface Waiting extends Queued {
  readonly settled: Settled[];
  readonly failed: ((error: unknown) => void)[];
}

interface Loaded {
  readonly placements: ReadonlyMap<string, { readonly id: number; readonly clusterId: number }>;
  readonly stored: ReadonlyMap<number, ReportRow>;
  readonly refusals: ReadonlyMap<number, readonly RefusalRow[]>;
}

/**
 * Reports of all streams, committed in groups: one transaction for whatever came within `groupDelayMs`. A later value of the same assignment replaces an
 * earlier one that still waits.
 */
export class ReportGroups {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #groupDelayMs: number;
  readonly #onStored: (clusterIds: ReadonlySet<number>, reports: readonly AssignmentReport[]) => void;
  readonly #onFailed: (error: unknown) => void;
  #waiting = new Map<string, Waiting>();
  #scheduled = false;
  #committing: Promise<void> = Promise.resolve();

  constructor(options: {
    readonly store: Store;
    readonly clock: Clock;
    readonly groupDelayMs: number;
    /** The record could not take a group: who reported is told to come again, the operator why. */
    readonly onFailed: (error: unknown) => void;
    readonly onStored: (clusterIds: ReadonlySet<number>, reports: readonly AssignmentReport[]) => void;
  }) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#groupDelayMs = options.groupDelayMs;
    this.#onFailed = options.onFailed;
    this.#onStored = options.onStored;
  }

  get full(): boolean {
    return this.#waiting.size >= healthLimits.queuedMax;
  }

  /** Calls `settled` after the commit, or `failed` when the record could not take it. */
  add(queued: Queued, settled: Settled, failed: (error: unknown) => void): void {
    const key = `${queued.clusterId}/${queued.report.assignmentUid}`;
    const earlier = this.#waiting.get(key);
    this.#waiting.set(key, { ...queued, settled: [...(earlier?.settled ?? []), settled], failed: [...(earlier?.failed ?? []), failed] });
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#clock.after(this.#groupDelayMs, () => void this.flush());
  }

  /** Resolves when everything added before is settled. Never rejects: who added is told. */
  flush(): Promise<void> {
    this.#scheduled = false;
    const group = [...this.#waiting.values()];
    this.#waiting = new Map();
    if (group.length > 0) this.#committing = this.#committing.then(() => this.#commit(group));
    return this.#committing;
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    try {
      const { refused, stored } = await this.#store.decide(
        (trx) => load(trx, group),
        (loaded, context) => {
          const outcome = sort(group, loaded, context.now);
          const writes: Write[] = outcome.rows.map((row) => put('reports', row));
          for (const [clusterId, notes] of Map.groupBy(outcome.notes, (note) => note.clusterId))
            writes.push(...noteRefusals(loaded.refusals.get(clusterId) ?? [], notes, context));
          return { result: outcome, writes };
        },
      );
      if (stored.length > 0)
        this.#onStored(
          new Set(stored.map((q) => q.clusterId)),
          stored.map((q) => q.report),
        );
      for (const waiting of group) for (const settled of waiting.settled) settled(refused.get(waiting));
    } catch (error) {
      this.#onFailed(error);
      for (const waiting of group) for (const failed of waiting.failed) failed(error);
    }
  }
}

async function load(trx: Trx, group: readonly Queued[]): Promise<Loaded> {
  const uids = [...new Set(group.map((q) => q.report.assignmentUid))];
  const rows = await trx.selectFrom('placements').select(['id', 'uid', 'cluster_id']).where('uid', 'in', uids).execute();
  const ids = rows.map(({ id }) => id);
  const stored = ids.length === 0 ? [] : await trx.selectFrom('reports').selectAll().where('placement_id', 'in', ids).execute();
  const placements = new Map(rows.map((row) => [row.uid, { id: row.id, clusterId: row.cluster_id }]));
  const refusals = new Map<number, RefusalRow[]>();
  for (const { clusterId, report } of group)
    if (placements.get(report.assignmentUid)?.clusterId !== clusterId && !refusals.has(clusterId))
      refusals.set(clusterId, await refusalsOf(trx, clusterId));
  return { placements, stored: new Map(stored.map((row) => [row.placement_id, row])), refusals };
}

interface Outcome<Q extends Queued> {
  readonly rows: ReportRow[];
  /** Those that changed the record; a repeat of what is stored changes nothing. */
  readonly stored: Q[];
  readonly refused: Map<Q, RefusedReport>;
  readonly notes: RefusalNote[];
}

/** A report is about a placement of its own cluster, or it is refused. Pure. */
function sort<Q extends Queued>(group: readonly Q[], loaded: Loaded, now: number): Outcome<Q> {
  const outcome: Outcome<Q> = { rows: [], stored: [], refused: new Map(), notes: [] };
  for (const queued of group) {
    const uid = queued.report.assignmentUid;
    const placement = loaded.placements.get(uid);
    if (placement?.clusterId !== queued.clusterId) {
      // Says no more about a placement of another cluster than about one that does not exist.
      const message = `assignment ${uid.slice(0, 63)} is not of this cluster`;
      outcome.refused.set(queued, { assignmentUid: uid, code: 'ForeignAssignment', message });
      outcome.notes.push({ clusterId: queued.clusterId, code: 'ForeignAssignment', message });
      continue;
    }
    const before = loaded.stored.get(placement.id);
    if (!before || Buffer.compare(before.value, queued.bytes) !== 0) {
      outcome.rows.push(reportRow(placement.id, queued.bytes, queued.report, now, before));
      outcome.stored.push(queued);
    }
  }
  return outcome;
}
