import type {
  AssignmentReport,
  Beat,
  CommandResult,
  Hello,
  HubMessage,
  RefusedReport,
  Refusal,
  Report,
  SnapshotEnd,
  SpokeMessage,
  TrustUpdate,
} from '#proto/mod.ts';
import type { Clock } from '#shared/clock/mod.ts';
import { compareFence, fenceText } from '#shared/kernel/mod.ts';
import type { ClusterRow } from '#hub/store/mod.ts';
import { boundedReport, clip, factsText, healthLimits } from './bounds.ts';
import { Commands, type Order } from './commands.ts';
import { Claim, type ClaimParts } from './claims.ts';
import { judgeFence, type HashedFence } from './fences.ts';
import { deafMs, unheardAfter, type Unheard } from './hearing.ts';
import type { Doubt } from './model.ts';
import type { Channel, Peer, SpokeStream } from './port.ts';
import { clusterOf, dropUnnamed, fenceOf, heldHash, historyOf, writeFacts, writeRefusal } from './record.ts';
import { hashed, type Held } from './registry.ts';
import type { ReportGroups } from './reports.ts';

/** What the streams of one hub share. */
export interface Shared extends ClaimParts {
  readonly clock: Clock;
  readonly groups: ReportGroups;
  readonly beatIntervalMs: number;
  readonly antiEntropyMs: number;
  readonly trustUpdate: (clusterUid: string, keysetVersion: number) => Promise<TrustUpdate | undefined>;
  /** Looks at a cluster again and tells who decides what changed. */
  readonly look: (clusterId: number) => void;
}

const outcomes = new Set(['Older', 'Forked', 'NotMine', 'BadSignature', 'Malformed', 'Unsupported', 'NoFloor']);
/** What the spoke got is not what the record holds for it; everything else is between hub and spoke, whatever the bus does. */
const foreign = new Set(['Older', 'NotMine', 'BadSignature', 'Malformed']);
/** A spoke whose reports differ is asked for all of them at most this often, in beats. */
const snapshotEveryBeats = 10;
/** A spoke that stays behind the record is looked after from its third beat on, and then as rarely. */
const behindBeats = { first: 3, every: 10 };

type State =
  | { readonly at: 'silent' }
  | { readonly at: 'greeted'; readonly cluster: ClusterRow; readonly claim: Claim }
  | { readonly at: 'closed' };

/** One spoke's stream: Hello first, then beats, reports and refusals, each handled before the next is read. */
export class Stream implements SpokeStream, Held {
  readonly #shared: Shared;
  readonly #peer: Peer;
  readonly #channel: Channel;
  #state: State = { at: 'silent' };
  /** Uids named since a snapshot was asked for. */
  #snapshot: Set<string> | undefined;
  #snapshotBeats = snapshotEveryBeats;
  /** Beats in a row with a fence below the record's. */
  #behind = 0;
  #unheard: Unheard = [];
  /** Said once on a stream: a spoke that does not hear comes back on another. */
  #isDeaf = false;
  readonly #commands: Commands;
  #ack = { seq: 0, refused: [] as RefusedReport[], scheduled: false };

  constructor(shared: Shared, peer: Peer, channel: Channel) {
    this.#shared = shared;
    this.#peer = peer;
    this.#channel = channel;
    this.#commands = new Commands(shared.clock, (value) => this.send({ $case: 'command', value }));
  }

  async receive({ message }: SpokeMessage): Promise<void> {
    if (this.#state.at === 'closed' || !message) return;
    if (this.#state.at === 'silent') {
      if (message.$case === 'hello') await this.#hello(message.value);
      else this.close('ProtocolError', 'the first message is a Hello');
      return;
    }
    const { cluster, claim } = this.#state;
    switch (message.$case) {
      case 'hello':
        this.close('ProtocolError', 'a second Hello');
        return;
      case 'beat':
        return this.#beat(cluster, claim, message.value);
      case 'report':
        return this.#report(cluster, message.value);
      case 'snapshotEnd':
        return this.#snapshotEnd(cluster, message.value);
      case 'refusal':
        return this.#refusal(cluster, claim, message.value);
      case 'commandResult':
        this.#commands.answered(message.value);
        return;
      case 'heldEnvelope':
        return claim.shown(message.value);
    }
  }

  ended(reason: string): void {
    if (this.#state.at === 'greeted') {
      this.#shared.registry.left(this.#state.cluster.id, this, this.#shared.clock.monotonicMs());
      this.#shared.look(this.#state.cluster.id);
    }
    this.#state = { at: 'closed' };
    this.#commands.ended();
    void reason;
  }

  close(reason: string, message: string): void {
    if (this.#state.at === 'closed') return;
    this.ended(reason);
    this.#channel.close(reason, message);
  }

  send(message: HubMessage['message']): void {
    if (this.#state.at !== 'closed') this.#channel.send({ message });
  }

  /** Asks the spoke to do something. Rejects with CommandError. */
  command(order: Order, deadlineMs: number): Promise<CommandResult> {
    return this.#commands.ask(order, deadlineMs);
  }

  async #hello(hello: Hello): Promise<void> {
    const { store, registry, clock, look } = this.#shared;
    const cluster = await this.#admit(hello);
    if (!cluster || this.#isClosed()) return;
    const { replaced, duplicate } = registry.joined(cluster.id, this, clip(hello.processId, 128), clock.monotonicMs());
    const claim = new Claim(this.#shared, cluster, () => this.send({ $case: 'envelopeRequest', value: {} }));
    this.#state = { at: 'greeted', cluster, claim };
    replaced?.close('ReplacedByNewerStream', 'another stream of this identity has opened');
    if (duplicate)
      await writeRefusal(store, {
        clusterId: cluster.id,
        code: 'DuplicateIdentity',
        message: `two agents use the identity of ${cluster.name} and keep replacing each other: stop one of them`,
      });
    await writeFacts(store, cluster.id, factsText(hello.facts, hello.spokeVersion, hello.capabilities));
    await this.#welcome(cluster, claim, hello);
    look(cluster.id);
  }

  /** Asked after a wait: the stream may have ended meanwhile. */
  #isClosed(): boolean {
    return this.#state.at === 'closed';
  }

  /** The cluster of this identity; or the stream is closed, with the reason in the record where there is a cluster to record it for. */
  async #admit(hello: Hello): Promise<ClusterRow | undefined> {
    const { store } = this.#shared;
    const cluster = await clusterOf(store.read, this.#peer.clusterUid);
    if (!cluster) {
      this.close('NotAccepted', 'the hub does not know this identity');
      return undefined;
    }
    if (cluster.state !== 'Accepted') {
      this.close(cluster.state === 'Revoked' ? 'Revoked' : 'NotAccepted', `cluster ${cluster.name} is ${cluster.state}`);
      return undefined;
    }
    if (cluster.kube_system_uid !== hello.kubeSystemUid) {
      const message = `the identity of ${cluster.name} is used in another Kubernetes cluster (kube-system UID differs)`;
      await writeRefusal(store, { clusterId: cluster.id, code: 'CloneRefused', message });
      this.close('CloneRefused', message);
      return undefined;
    }
    return cluster;
  }

  async #welcome(cluster: ClusterRow, claim: Claim, hello: Hello): Promise<void> {
    const { store, beatIntervalMs, antiEntropyMs, trustUpdate } = this.#shared;
    const record = await fenceOf(store.read, cluster.id);
    const claimed = hashed(hello.fence);
    const history = claimed && (await historyOf(store.read, cluster.id, claimed));
    const judgement = judgeFence(claimed, record, history);
    const fleet = await store.read.selectFrom('fleet').select('keyset_version').executeTakeFirst();
    const reportsConfirmed = Buffer.compare(await this.#held(cluster.id), hello.reportSetHash) === 0;
    this.send({
      $case: 'welcome',
      value: {
        beatIntervalMs,
        antiEntropyMs,
        fence: wire(record),
        fenceConfirmed: judgement.outcome === 'Confirmed',
        keysetVersion: fleet?.keyset_version ?? 0,
        reportsConfirmed,
      },
    });
    await claim.judged(judgement);
    const update = await trustUpdate(this.#peer.clusterUid, hello.keysetVersion);
    if (update) this.send({ $case: 'trustUpdate', value: update });
    if (reportsConfirmed) return;
    this.#shared.registry.unvouch(cluster.id);
    this.#askForSnapshot();
  }

  #askForSnapshot(): void {
    this.#snapshot = new Set();
    this.#snapshotBeats = 0;
    // What differs may be what is remembered of the record: the snapshot is compared with the record itself.
    if (this.#state.at === 'greeted') this.#shared.registry.setHeldHash(this.#state.cluster.id, undefined);
    this.send({ $case: 'snapshotRequest', value: {} });
  }

  async #held(clusterId: number): Promise<Uint8Array> {
    const { registry, store } = this.#shared;
    const known = registry.heldHash(clusterId);
    if (known) return known;
    const hash = await heldHash(store.read, clusterId);
    registry.setHeldHash(clusterId, hash);
    return hash;
  }

  async #beat(cluster: ClusterRow, claim: Claim, beat: Beat): Promise<void> {
    const { store, registry, groups, clock, look } = this.#shared;
    await groups.flush();
    // The certificate was looked at when the stream opened: whether it still speaks for a cluster is asked at each beat.
    const now = await clusterOf(store.read, this.#peer.clusterUid);
    if (now?.state !== 'Accepted') {
      this.close('Revoked', `the identity of cluster ${cluster.name} has been revoked or replaced`);
      return;
    }
    const record = await fenceOf(store.read, cluster.id);
    const judgement = judgeFence(hashed(beat.fence), record, undefined);
    await claim.judged(judgement);
    const same = Buffer.compare(await this.#held(cluster.id), beat.reportSetHash) === 0;
    // A stream that has been replaced meanwhile vouches for nothing.
    if (!registry.isCurrent(cluster.id, this)) return;
    registry.accepted(
      cluster.id,
      claim.text !== undefined ? undefined : beat.fence && { epoch: beat.fence.epoch, generation: beat.fence.generation },
    );
    const [doubt, why] = doubtOf(beat, claim.text, same);
    registry.beat(cluster.id, doubt, why, clock.monotonicMs());
    this.send({ $case: 'beatReply', value: { seq: beat.seq, fence: wire(record) } });
    await this.#noteHearing(cluster, beat);
    await this.#lookAfter(cluster, hashed(beat.fence), record);
    this.#snapshotBeats++;
    if (!same && this.#snapshotBeats >= snapshotEveryBeats) this.#askForSnapshot();
    look(cluster.id);
  }

  /** What it says is believed all the same; what it is told does not reach it: commands, trust, the fence that it should be at. */
  async #noteHearing(cluster: ClusterRow, { seq, lastReplySeq }: Beat): Promise<void> {
    const { store, clock, beatIntervalMs } = this.#shared;
    const nowMs = clock.monotonicMs();
    this.#unheard = unheardAfter(this.#unheard, seq, lastReplySeq, nowMs);
    const forMs = deafMs(this.#unheard, nowMs, beatIntervalMs);
    if (forMs === undefined || this.#isDeaf) return;
    this.#isDeaf = true;
    const message = `the agent of ${cluster.name} beats and has heard no answer for ${Math.round(forMs / 1000)} s: it is not reached by commands until it comes back on another stream`;
    await writeRefusal(store, { clusterId: cluster.id, code: 'SpokeDeaf', message });
  }

  /** NATS may have lost what it acknowledged: a spoke that does not come up makes dispatch look at what the bus holds for it. */
  async #lookAfter(cluster: ClusterRow, fence: HashedFence | undefined, record: HashedFence): Promise<void> {
    this.#behind = compareFence(fence ?? { epoch: 0, generation: 0 }, record) < 0 && record.generation > 0 ? this.#behind + 1 : 0;
    if (this.#behind % behindBeats.every !== behindBeats.first) return;
    await this.#shared.store.decide(
      async () => undefined,
      () => ({ result: undefined, outbox: [`dispatch:${cluster.id}`] }),
    );
  }

  async #report(cluster: ClusterRow, { seq, value }: Report): Promise<void> {
    const bounded = boundedReport(value);
    if (!bounded.ok) {
      await this.#shared.groups.flush();
      const refused = { assignmentUid: bounded.uid, code: 'ReportRefused', message: bounded.message };
      await writeRefusal(this.#shared.store, {
        clusterId: cluster.id,
        code: refused.code,
        message: `${refused.assignmentUid}: ${refused.message}`,
      });
      return this.#acknowledge(seq, refused);
    }
    if (this.#snapshot && this.#snapshot.size < healthLimits.snapshotUidsMax) this.#snapshot.add(bounded.report.assignmentUid);
    const { groups } = this.#shared;
    groups.add(
      { clusterId: cluster.id, report: bounded.report, bytes: value },
      (refused) => this.#kept(cluster, seq, bounded.report, refused),
      () => this.close('RecordUnavailable', 'the hub could not keep a report: connect again'),
    );
    if (groups.full) await groups.flush();
  }

  #kept(cluster: ClusterRow, seq: number, { fence }: AssignmentReport, refused: RefusedReport | undefined): void {
    const { registry, look } = this.#shared;
    if (fence && !refused && registry.isCurrent(cluster.id, this)) {
      registry.acceptedAtLeast(cluster.id, { epoch: fence.epoch, generation: fence.generation });
      look(cluster.id);
    }
    this.#acknowledge(seq, refused);
  }

  /** Reports of one commit are settled together, in order: one acknowledgement names the last. */
  #acknowledge(seq: number, refused: RefusedReport | undefined): void {
    const ack = this.#ack;
    ack.seq = Math.max(ack.seq, seq);
    if (refused) ack.refused.push(refused);
    if (ack.scheduled) return;
    ack.scheduled = true;
    queueMicrotask(() => {
      ack.scheduled = false;
      this.send({ $case: 'reportAck', value: { seq: ack.seq, refused: ack.refused.splice(0) } });
    });
  }

  async #snapshotEnd(cluster: ClusterRow, _end: SnapshotEnd): Promise<void> {
    const named = this.#snapshot;
    if (!named) return;
    const { groups, store, registry, look } = this.#shared;
    await groups.flush();
    this.#snapshot = undefined;
    if (await dropUnnamed(store, cluster.id, named)) registry.setHeldHash(cluster.id, undefined);
    look(cluster.id);
  }

  async #refusal(cluster: ClusterRow, claim: Claim, { outcome, message, seen }: Refusal): Promise<void> {
    const code = outcomes.has(outcome) ? outcome : 'Malformed';
    const at = seen ? ` (seen ${fenceText(seen)})` : '';
    await writeRefusal(this.#shared.store, { clusterId: cluster.id, code, message: `${clip(message, healthLimits.refusalCharsMax)}${at}` });
    if (foreign.has(code)) this.#shared.onRefused(cluster.id);
    if (code === 'Forked') await claim.refusedAsForked(`a spoke refused a desired state as Forked${at}`);
  }
}

const wire = (fence: HashedFence): { epoch: number; generation: number; hash: Buffer } => ({ ...fence, hash: Buffer.from(fence.hash) });

function doubtOf({ observing, notObservingReason }: Beat, claim: string | undefined, same: boolean): [Doubt, string] {
  if (!observing) return ['ClusterApiSilent', clip(notObservingReason, healthLimits.refusalCharsMax)];
  if (claim !== undefined) return ['FenceUnproven', `${claim}, and its agent has shown no state that this hub has signed and that says so`];
  return [same ? '' : 'ReportsOutOfDate', ''];
}
