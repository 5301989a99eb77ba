import type { AssignmentReport, CommandResult, HubMessage, TrustUpdate } from '#proto/mod.ts';
import type { Clock } from '#shared/clock/mod.ts';
import { longestBackoffMs, reconnectBackoff } from '#shared/kernel/mod.ts';
import type { Store } from '#hub/store/mod.ts';
import { CommandError, type Order } from './commands.ts';
import { silenceOf, silenceText } from './evidence.ts';
import type { Contact, Timing } from './model.ts';
import type { Channel, Peer, SpokeHandler, SpokeStream } from './port.ts';
import { writeRefusal } from './record.ts';
import { Registry, type Look, type RecordBehind } from './registry.ts';
import type { Opens } from './proofs.ts';
import { ReportGroups } from './reports.ts';
import { settlingLimits, startSettling, type Settling } from './settling.ts';
import { Stream, type Shared } from './streams.ts';

export interface HealthOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** What Welcome asks for, milliseconds. */
  readonly beatIntervalMs?: number;
  readonly antiEntropyMs?: number;
  /** How long reports of all streams are collected for one commit, milliseconds. */
  readonly groupDelayMs?: number;
  /** The longest that a spoke waits before it comes back, milliseconds; what spokes do if it is not said. */
  readonly reconnectMaxMs?: number;
  /** What these clusters report or whether it may be believed has changed: wake who decides on them. Must not throw. */
  readonly onChange: (clusterIds: readonly number[]) => void;
  /** Settling has ended, so everything that waited may go on. */
  readonly onSettled: () => void;
  /** After the commit; for traces. */
  readonly onReport?: (report: AssignmentReport) => void;
  /** The payload of what this hub's own key has signed: what a spoke can show of its state. Without it nothing is believed of that. */
  readonly opens?: Opens;
  /** A spoke was given a desired state that is not the record's. Must not throw. */
  readonly onRefused?: (clusterId: number) => void;
  /** What went wrong inside and no spoke can be told. */
  readonly onError?: (error: unknown) => void;
  /** What a spoke of this keyset version has to be sent after Welcome. */
  readonly trustUpdate?: (clusterUid: string, keysetVersion: number) => Promise<TrustUpdate | undefined>;
}

/** What who decides asks about the fleet. */
export interface Watch {
  contactOf(clusterId: number): Contact | undefined;
  timing(): Timing;
  /** Set: dispatch, rollouts and promotion stop. */
  readonly recordBehind: RecordBehind | undefined;
}

/** The shell: streams in, evidence out. */
export class HealthService implements SpokeHandler, Watch {
  readonly #options: HealthOptions;
  readonly #shared: Shared;
  readonly #registry: Registry;
  readonly #beatMs: number;
  #stop: (() => void) | undefined;

  constructor(options: HealthOptions) {
    const { store, clock } = options;
    this.#options = options;
    this.#beatMs = options.beatIntervalMs ?? 4_000;
    const registry = new Registry(this.#beatMs, settlingLimits(this.#beatMs, options.reconnectMaxMs ?? longestBackoffMs(reconnectBackoff)));
    this.#registry = registry;
    const groups = new ReportGroups({
      store,
      clock,
      groupDelayMs: options.groupDelayMs ?? 5,
      onFailed: options.onError ?? (() => undefined),
      onStored: (clusterIds, reports) => {
        for (const id of clusterIds) registry.setHeldHash(id, undefined);
        for (const report of reports) options.onReport?.(report);
        options.onChange([...clusterIds]);
      },
    });
    this.#shared = {
      store,
      clock,
      registry,
      groups,
      beatIntervalMs: this.#beatMs,
      antiEntropyMs: options.antiEntropyMs ?? 300_000,
      trustUpdate: options.trustUpdate ?? (() => Promise.resolve(undefined)),
      opens: options.opens ?? (() => undefined),
      onRefused: options.onRefused ?? (() => undefined),
      look: (clusterId) => this.#tell(registry.lookAt(clusterId, clock.monotonicMs())),
    };
  }

  /** Starts to settle, and to notice silence. */
  async start(): Promise<void> {
    const { store, clock } = this.#options;
    const { count } = await store.read
      .selectFrom('clusters')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .where('state', '=', 'Accepted')
      .where('uid', 'is not', null)
      .where('facts', '<>', '{}')
      .executeTakeFirstOrThrow();
    this.#registry.settling = startSettling(clock.monotonicMs(), count);
    const tick = (): void => {
      this.#tell(this.#registry.look(clock.monotonicMs()));
      this.#stop = clock.after(this.#beatMs / 2, tick);
    };
    this.#stop = clock.after(this.#beatMs / 2, tick);
  }

  /** Says goodbye to every spoke; what they have reported is committed first. */
  async stop(): Promise<void> {
    this.#stop?.();
    await this.#shared.groups.flush();
    for (const stream of this.#registry.streams()) stream.close('ShuttingDown', 'the hub stops');
  }

  open(peer: Peer, channel: Channel): SpokeStream {
    return new Stream(this.#shared, peer, channel);
  }

  /** To every spoke that is connected: new trust documents. */
  broadcast(message: HubMessage['message']): void {
    for (const stream of this.#registry.streams()) if (stream instanceof Stream) stream.send(message);
  }

  /** Throws CommandError CLUSTER_UNREACHABLE when there is nobody to ask, or nobody who could do anything. */
  reach({ id, name }: { readonly id: number; readonly name: string }): void {
    const silence = silenceOf(this.contactOf(id), this.timing());
    const open = this.#registry.streamOf(id) instanceof Stream;
    if (open && (silence === undefined || silence === 'Settling' || silence === 'ReportsOutOfDate')) return;
    throw new CommandError('CLUSTER_UNREACHABLE', `cluster ${name} cannot be asked: ${silenceText[silence ?? 'NotConnected']}`);
  }

  /** Asks the spoke of a cluster to do something now; resolves with what it answers. Rejects with CommandError. */
  async command(cluster: { readonly id: number; readonly name: string }, order: Order, deadlineMs: number): Promise<CommandResult> {
    this.reach(cluster);
    return (this.#registry.streamOf(cluster.id) as Stream).command(order, deadlineMs);
  }

  contactOf(clusterId: number): Contact | undefined {
    return this.#registry.contactOf(clusterId);
  }

  /** Of every cluster that this process has heard of: for a look at the fleet, not for every event. */
  contacts(): Iterable<readonly [number, Contact]> {
    return this.#registry.contacts();
  }

  timing(): Timing {
    return { nowMs: this.#options.clock.monotonicMs(), beatMs: this.#beatMs, settling: this.#registry.settling !== undefined };
  }

  get settling(): Settling | undefined {
    return this.#registry.settling;
  }

  get recordBehind(): RecordBehind | undefined {
    return this.#registry.recordBehind;
  }

  /** Something else than a spoke has shown that the record is an old one: a KV value above it. */
  async setRecordBehind(clusterId: number, message: string): Promise<void> {
    this.#registry.setRecordBehind(clusterId, message);
    await this.note(clusterId, 'RecordBehind', message);
  }

  /** Something about a cluster that an operator has to know, beside what its spoke refused. */
  note(clusterId: number, code: string, message: string): Promise<void> {
    return writeRefusal(this.#options.store, { clusterId, code, message });
  }

  #tell({ changed, settled }: Look): void {
    if (changed.length > 0) this.#options.onChange(changed);
    if (settled) this.#options.onSettled();
  }
}
