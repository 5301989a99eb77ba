import { decodeDesired } from '#proto/mod.ts';
import { codeOf, compareFence, explain, fenceText, type Fence } from '#shared/kernel/mod.ts';
import { span } from '#shared/telemetry/mod.ts';
import { put, type DesiredRow, type Store, type Write } from '#hub/store/mod.ts';
import { compose } from './compose.ts';
import { DispatchError } from './errors.ts';
import type { DesiredHolder, DesiredWriter, Signer } from './port.ts';
import { loadCluster, type Loaded } from './record.ts';

export interface DispatchOptions {
  readonly store: Store;
  readonly signer: Signer;
  readonly bus: DesiredWriter & DesiredHolder;
  /** Set: the record is an old one, and nothing may be published. */
  readonly recordBehind: () => { readonly message: string } | undefined;
  /** The bus holds a state, signed by us, above the record's. */
  readonly onAhead: (clusterId: number, message: string) => Promise<void>;
  /** What is wanted of a cluster cannot be sent to it, so it keeps what it has until something else is decided. */
  readonly onUnsendable: (clusterId: number, message: string) => Promise<void>;
}

interface Committed {
  readonly clusterUid: string;
  readonly row: DesiredRow;
  readonly traceparent: string;
}

const pageSize = 200;

/** Brings one cluster's desired state from the placements to the record, and from there to the bus. */
export class DispatchService {
  readonly #options: DispatchOptions;

  constructor(options: DispatchOptions) {
    this.#options = options;
  }

  /**
   * Handler of `dispatch:<cluster id>`. Many decisions about one cluster are one visit, one generation and one write; a visit without news only sees to it
   * that the bus still holds what the record holds.
   */
  async visit(clusterId: number): Promise<void> {
    this.#checkRecord();
    const committed = await this.#commit(clusterId).catch(async (error: unknown) => {
      if (codeOf(error) === 'NOT_ENCODABLE') await this.#options.onUnsendable(clusterId, explain(error));
      throw error;
    });
    if (committed) await this.#publish(committed);
  }

  /**
   * At the start: the bus has to hold what the record holds, whatever either of them has been through. Visits every cluster once, in pages; goes on past one
   * that fails, and rejects at the end with what went wrong.
   */
  async verify(signal: AbortSignal): Promise<void> {
    const errors: unknown[] = [];
    for (let after = 0; ;) {
      signal.throwIfAborted();
      const rows = await this.#options.store.read
        .selectFrom('desired')
        .innerJoin('clusters', 'clusters.id', 'desired.cluster_id')
        .selectAll('desired')
        .select('clusters.uid')
        .where('cluster_id', '>', after)
        .where('clusters.state', '=', 'Accepted')
        .orderBy('cluster_id')
        .limit(pageSize)
        .execute();
      for (const { uid, ...row } of rows) {
        signal.throwIfAborted();
        this.#checkRecord();
        try {
          if (uid !== null) await this.#publish({ clusterUid: uid, row, traceparent: '' });
        } catch (error) {
          errors.push(error);
        }
        after = row.cluster_id;
      }
      if (rows.length < pageSize) break;
    }
    if (errors.length > 0) throw new AggregateError(errors, `${errors.length} clusters not verified: ${explain(errors[0])}`);
  }

  #checkRecord(): void {
    const behind = this.#options.recordBehind();
    if (behind) throw new DispatchError('RECORD_BEHIND', behind.message);
  }

  /** Transaction of its own: fence, history and exact bytes are in the record before anybody can see them. */
  #commit(clusterId: number): Promise<Committed | undefined> {
    const { store, signer } = this.#options;
    return store.decide(
      (trx) => loadCluster(trx, clusterId),
      (loaded, { now }) => {
        const row = loaded && (nextRow(loaded, signer, now) ?? loaded.desired);
        if (!row) return { result: undefined };
        const result = { clusterUid: loaded.composition.clusterUid, row, traceparent: loaded.traceparent };
        return { result, writes: [...(row === loaded.desired ? [] : rowsOf(row)), ...movesOf(loaded, row)] };
      },
    );
  }

  async #publish({ clusterUid, row, traceparent }: Committed): Promise<void> {
    const attributes = { 'wheelhouse.cluster': clusterUid, 'wheelhouse.fence': fenceText(row) };
    await span('hub.dispatch.publish', { attributes, parent: traceparent }, async () => {
      const { bus, onAhead } = this.#options;
      const held = await bus.held(clusterUid);
      const seen = held.bytes && this.#fenceIn(held.bytes, clusterUid);
      if (seen && compareFence(seen, row) > 0) {
        // A newer state was decided and published since `row` was read: only the record as it is now can be behind.
        const now = await this.#desiredNow(row.cluster_id);
        if (now && compareFence(seen, now) <= 0) return;
        const message = `the bus holds ${fenceText(seen)} for ${clusterUid}, the record only ${fenceText(row)}: run recover`;
        await onAhead(row.cluster_id, message);
        throw new DispatchError('RECORD_BEHIND', message);
      }
      if (!held.bytes || Buffer.compare(held.bytes, row.envelope) !== 0)
        await bus.put(clusterUid, row.envelope, { sequence: held.sequence });
      if (row.published === 0) await this.#markPublished(row);
    });
  }

  #desiredNow(clusterId: number): Promise<DesiredRow | undefined> {
    return this.#options.store.read.selectFrom('desired').selectAll().where('cluster_id', '=', clusterId).executeTakeFirst();
  }

  /** Of what the bus holds, if we signed it for this very cluster; anything else is overwritten without being believed. */
  #fenceIn(envelope: Uint8Array, clusterUid: string): Fence | undefined {
    const payload = this.#options.signer.open(envelope);
    const state = payload && decodeDesired(payload);
    return state?.clusterUid === clusterUid ? state : undefined;
  }

  #markPublished(row: DesiredRow): Promise<void> {
    return this.#options.store.decide(
      (trx) => trx.selectFrom('desired').selectAll().where('cluster_id', '=', row.cluster_id).executeTakeFirst(),
      (now) => ({
        result: undefined,
        // A newer one may have been committed meanwhile: that one is not published yet.
        writes: now && compareFence(now, row) === 0 ? [put('desired', { ...now, published: 1 })] : [],
      }),
    );
  }
}

function nextRow({ cluster, composition }: Loaded, signer: Signer, now: number): DesiredRow | undefined {
  const composed = compose(composition);
  if (!composed) return undefined;
  const { fence, payload, hash } = composed;
  return { cluster_id: cluster.id, ...fence, hash, envelope: signer.seal(payload), published: 0, at: now };
}

const movesOf = ({ moved }: Loaded, { epoch, generation }: DesiredRow): Write[] =>
  moved.map(({ placementId, revisionId }) => put('dispatched', { placement_id: placementId, revision_id: revisionId, epoch, generation }));

const rowsOf = (row: DesiredRow): Write[] => {
  const { cluster_id, epoch, generation, hash } = row;
  return [put('desired', row), put('desired_history', { cluster_id, epoch, generation, hash })];
};
