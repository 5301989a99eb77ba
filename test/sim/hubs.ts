import { Goodbye, type HubMessage, type SpokeMessage } from '#proto/mod.ts';
import type { MemoryBus } from '#shared/bus/mod.ts';
import type { Clock } from '#shared/clock/mod.ts';
import { explain, type Random } from '#shared/kernel/mod.ts';
import { parseRepository, type Pusher, type Resolver, type Tagger } from '#shared/oci/mod.ts';
import type { RpcStream } from '#shared/rpc/mod.ts';
import { DispatchService, keysUnpublished, signerOf, type Signer } from '#hub/dispatch/mod.ts';
import { dispatchesOf, evidenceOf, HealthService, reportedOf, type Evidence } from '#hub/health/mod.ts';
import { Holds } from '#hub/holds/mod.ts';
import { keysAffectedBy, keysWaiting, PromotionService } from '#hub/promotion/mod.ts';
import { Releases } from '#hub/releases/mod.ts';
import { RolloutService } from '#hub/rollouts/mod.ts';
import { openSqliteStore, Outbox, type Commit, type PlacementRow, type Store } from '#hub/store/mod.ts';
import type { SimCluster } from './cluster.ts';
import type { Connection } from './streams.ts';
import type { Trace } from './trace.ts';

type SigningKey = Parameters<typeof signerOf>[0];

export interface HubAround {
  /** Of the record: a database in memory that lives as long as somebody has it open. */
  readonly file: string;
  readonly key: SigningKey;
  readonly bus: MemoryBus;
  readonly registry: Pusher & Tagger & Resolver;
  readonly clock: Clock;
  readonly random: (name: string) => Random;
  readonly trace: Trace;
  readonly onCommit: (commit: Commit) => void;
  /** What is put on the bus. */
  readonly onSaid: (clusterUid: string, envelope: Uint8Array) => void;
  /** What a spoke has said arrives at the hub. */
  readonly onHeard: (cluster: SimCluster, message: SpokeMessage) => void;
}

export interface Belief extends Evidence {
  readonly clusterId: number;
  /** What is wanted there; null: nothing yet. */
  readonly revision: string | null;
}

/** How long the hub's requests to the bus take, virtual milliseconds. */
const busDelayMs = 3;
export const registryPrefix = parseRepository('registry.example.com/fleet');

/** One hub process over the record, wired as `hub/hub.ts` wires it below HTTP, gRPC and NATS. */
export class SimHub {
  readonly store: Store;
  readonly health: HealthService;
  readonly holds: Holds;
  readonly releases: Releases;
  readonly beatMs: number;
  alive = true;
  readonly #around: HubAround;
  readonly #outbox: Outbox;
  readonly #dispatch: DispatchService;
  readonly #bus: ReturnType<MemoryBus['hub']>;
  readonly #connections = new Set<Connection>();
  #doom: { left: number; readonly when: 'before' | 'after' } | undefined;

  private constructor(around: HubAround, inner: Store, beatMs: number) {
    const { clock, random, trace, key, bus, registry } = around;
    this.#around = around;
    this.beatMs = beatMs;
    this.#bus = bus.hub();
    const store = this.#mortal(inner);
    this.store = store;
    store.onCommit((commit) => this.alive && around.onCommit(commit));
    const onError = (what: string, error: unknown): void => this.#failed(`${what}: ${explain(error)}`);
    const signer: Signer = signerOf(key);
    this.health = new HealthService({
      store,
      clock,
      beatIntervalMs: beatMs,
      opens: (envelope) => signer.open(envelope),
      onChange: (clusterIds) => void this.#wake(keysAffectedBy(store.read, clusterIds)),
      onSettled: () => {
        trace.add('hub', 'has settled');
        void this.#wake(keysWaiting(store.read));
      },
      onRefused: (clusterId) => this.#outbox.wake(`dispatch:${clusterId}`),
      onError: (error) => onError('health', error),
    });
    const watch = this.health;
    this.#dispatch = new DispatchService({
      store,
      signer,
      bus: this.#slowBus(),
      recordBehind: () => watch.recordBehind,
      onAhead: (clusterId, message) => watch.setRecordBehind(clusterId, message),
      onUnsendable: (clusterId, message) => watch.note(clusterId, 'NotEncodable', message),
    });
    const promotion = new PromotionService({ store, watch });
    const rollouts = new RolloutService({ store, watch });
    this.holds = new Holds({ store, clock, onError: (error) => onError('holds', error) });
    this.releases = new Releases({ store, registry, prefix: registryPrefix });
    this.#outbox = new Outbox({
      store,
      clock,
      random: random('outbox'),
      onError: (outboxKey, error) => onError(outboxKey, error),
      handlers: {
        target: (id) => promotion.visit(id),
        rollout: (id) => rollouts.visit(id),
        dispatch: (id) => this.#dispatch.visit(id),
      },
    });
  }

  static async start(around: HubAround, beatMs: number): Promise<SimHub> {
    const inner = await openSqliteStore({ file: around.file, clock: around.clock, random: around.random('record') });
    const hub = new SimHub(around, inner, beatMs);
    around.trace.add('hub', 'starts');
    await hub.health.start();
    hub.#bus.events(({ kind }) => kind === 'connected' && void hub.#wake(keysUnpublished(hub.store.read)));
    await hub.holds.start();
    await hub.#outbox.start();
    await hub.#wake(keysWaiting(hub.store.read));
    void hub.#dispatch.verify(new AbortController().signal).catch((error: unknown) => hub.#failed(`verify: ${explain(error)}`));
    return hub;
  }

  /** kill -9: memory and connections are gone, a transaction that was under way never was; the record stays. */
  kill(): void {
    if (!this.alive) return;
    this.alive = false;
    this.#around.trace.add('hub', 'is killed');
    for (const connection of this.#connections) connection.cut('the hub is gone');
    void this.#bus.close();
    this.holds.stop();
    void this.#outbox.stop();
    void this.health.stop().catch(() => undefined);
    void this.store.read.destroy().catch(() => undefined);
  }

  /** Says goodbye to its spokes first. */
  async stop(): Promise<void> {
    await this.health.stop();
    this.kill();
  }

  /** Dies at one of its next decisions: before it is committed, or right after. */
  doom(left: number, when: 'before' | 'after'): void {
    this.#doom = { left, when };
  }

  setBus(cut: boolean): void {
    if (!this.alive || this.#bus.connected !== cut) return;
    if (cut) this.#bus.cut();
    else this.#bus.mend();
  }

  /** A spoke's stream. Throws when nobody listens. */
  accept(cluster: SimCluster, connection: Connection): void {
    if (!this.alive) throw new Error('connection refused');
    this.#connections.add(connection);
    void this.#converse(cluster, connection.hub).finally(() => this.#connections.delete(connection));
  }

  cutAll(): void {
    for (const connection of this.#connections) connection.cut('cut');
  }

  /** As the gateway serves it. */
  async #converse(cluster: SimCluster, stream: RpcStream<SpokeMessage, HubMessage>): Promise<void> {
    const spoke = this.health.open(
      { clusterUid: cluster.uid, certificateSerial: '1' },
      {
        send: (message) => stream.send(message),
        close: (reason, message) => {
          stream.send({ message: { $case: 'goodbye', value: Goodbye.create({ reason, message }) } });
          stream.end();
        },
      },
    );
    let ended = false;
    const end = (reason: string): void => {
      if (!ended) spoke.ended(reason);
      ended = true;
    };
    stream.onEnd(end);
    try {
      for await (const message of stream) {
        if (!this.alive) return;
        this.#around.onHeard(cluster, message);
        await spoke.receive(message);
      }
    } catch (error) {
      if (this.alive) this.#around.trace.add('hub', `stream of ${cluster.name} ended: ${explain(error)}`);
    } finally {
      end('the stream has ended');
      stream.end();
    }
  }

  /** What the hub believes about the app on each cluster, by the words that its page and its decisions use. */
  async beliefs(): Promise<readonly Belief[]> {
    const { read } = this.store;
    const placements = await this.placements();
    const reports = new Map((await read.selectFrom('reports').selectAll().execute()).map((row) => [row.placement_id, row]));
    const dispatches = await dispatchesOf(
      read,
      placements.map(({ id }) => id),
    );
    const timing = this.health.timing();
    return placements.map((placement) => {
      const wanted = { revision: placement.revision ?? '', mode: placement.mode, dispatched: dispatches.get(placement.id) };
      const row = reports.get(placement.id);
      const evidence = evidenceOf(wanted, row && reportedOf(row), this.health.contactOf(placement.cluster_id), timing);
      return { ...evidence, clusterId: placement.cluster_id, revision: placement.revision };
    });
  }

  placements(): Promise<(PlacementRow & { readonly revision: string | null })[]> {
    return this.store.read
      .selectFrom('placements')
      .leftJoin('revisions', 'revisions.id', 'placements.wanted_revision_id')
      .selectAll('placements')
      .select('revisions.revision')
      .orderBy('placements.id')
      .execute();
  }

  async #wake(found: Promise<string[]>): Promise<void> {
    try {
      for (const key of await found) this.#outbox.wake(key);
    } catch (error) {
      if (this.alive) this.#failed(`wake: ${explain(error)}`);
    }
  }

  /** Told, and no more: an effect that fails is tried again. */
  #failed(what: string): void {
    if (this.alive) this.#around.trace.add('hub', `! ${what}`.slice(0, 300));
  }

  /** The record through which a dead process does nothing more. */
  #mortal(inner: Store): Store {
    const decide: Store['decide'] = async (load, decision) => {
      if (!this.alive) throw new Error('dead');
      const doom = this.#doom;
      const dies = doom && doom.left-- === 0 ? doom.when : undefined;
      const result = await inner.decide(load, (state, context) => {
        if (dies === 'before') this.kill();
        if (!this.alive) throw new Error('dead');
        return decision(state, context);
      });
      if (dies === 'after') this.kill();
      if (!this.alive) throw new Error('dead');
      return result;
    };
    return {
      decide,
      read: inner.read,
      onOutbox: (listener) => inner.onOutbox(listener),
      onCommit: (listener) => inner.onCommit(listener),
      [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
    };
  }

  /** A bus takes its time, in which the hub may die. */
  #slowBus(): Pick<ReturnType<MemoryBus['hub']>, 'held' | 'put'> {
    const { clock } = this.#around;
    const slow = async <T>(act: () => Promise<T>): Promise<T> => {
      await clock.sleep(busDelayMs);
      if (!this.alive) throw new Error('dead');
      return act();
    };
    return {
      held: (uid) => slow(() => this.#bus.held(uid)),
      put: (uid, bytes, expected) =>
        slow(async () => {
          const written = await this.#bus.put(uid, bytes, expected);
          this.#around.onSaid(uid, bytes);
          return written;
        }),
    };
  }
}
