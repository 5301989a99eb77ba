import type {
  Beat,
  Command,
  CommandResult,
  Facts,
  Fence,
  Hello,
  HubMessage,
  Refusal,
  SpokeMessage,
  TrustUpdate,
  Welcome,
} from '#proto/mod.ts';
import type { AssignmentReport } from '#proto/mod.ts';
import { Envelope } from '#proto/mod.ts';
import type { Cancel, Clock } from '#shared/clock/mod.ts';
import { backoffMs, explain, jitteredMs, reconnectBackoff, type Random } from '#shared/kernel/mod.ts';
import type { RpcStream } from '#shared/rpc/mod.ts';
import type { Log } from '#shared/telemetry/mod.ts';
import { ReportSet } from './report-set.ts';

/** What the link asks of the rest of the spoke, and tells it. */
export interface LinkOptions {
  readonly open: (signal: AbortSignal) => Promise<RpcStream<HubMessage, SpokeMessage>>;
  readonly version: string;
  readonly processId: string;
  readonly kubeSystemUid: string;
  readonly capabilities: readonly string[];
  readonly facts: () => Facts;
  readonly keysetVersion: () => number;
  /** What has been accepted; undefined: nothing yet. */
  readonly fence: () => Fence | undefined;
  readonly heldEnvelope: () => Uint8Array | undefined;
  /** Whether the API server answered since the last call and the watches make progress. */
  readonly observing: () => { observing: boolean; reason?: string };
  /** `named`: the fence that Hello named, which is what the hub's confirmation is about. */
  readonly onWelcome: (welcome: Welcome, named: Fence | undefined) => void;
  /** The hub says where the cluster should be: a bus that withholds messages is noticed. */
  readonly onFence: (fence: Fence) => void;
  /** Never rejects. */
  readonly onCommand: (command: Command) => Promise<CommandResult>;
  readonly onTrust: (update: TrustUpdate) => void;
  /** The stream ended: what the hub confirmed on it is void. */
  readonly onGone: () => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** A hub that turned this identity away is asked again, but not every second. */
const turnedAwayMs = 30_000;
/** A hub that stops, or could not keep a report, has nothing against this identity: it is come back to as after a broken stream. */
const passing: ReadonlySet<string> = new Set(['ShuttingDown', 'RecordUnavailable']);
const refusalsMax = 20;
/**
 * Of a hub that is not heard for so long the stream is given up: it may be dead in one direction, which no write and no keepalive notices. Longer than a
 * keepalive takes to find a dead connection, because coming back is what a hub under load can do without.
 */
const unheardMax = { ms: 60_000, beats: 10 };

/**
 * The spoke's end of the stream: says hello, reports what changed, beats, and comes back for ever. Nothing that happens here stops the cluster's own
 * reconciling.
 */
export class Link {
  readonly #options: LinkOptions;
  readonly #reports = new ReportSet();
  readonly #refusals: Refusal[] = [];
  #stream: RpcStream<HubMessage, SpokeMessage> | undefined;
  #welcomed = false;
  #beatSeq = 0;
  /** Of the last answer to a beat that was heard on this stream. */
  #replySeq = 0;
  #beatMs = 4_000;
  #cancelBeat: Cancel = () => {};
  #cancelUnheard: Cancel = () => {};
  #goodbye: string | undefined;
  #named: Fence | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  get connected(): boolean {
    return this.#welcomed;
  }

  report(value: AssignmentReport): void {
    if (this.#reports.put(value)) this.#flush();
  }

  /** Tells the hub about a desired state that was refused; at most the last 20 wait for a stream. */
  refuse(refusal: Refusal): void {
    if (this.#welcomed) this.#send({ $case: 'refusal', value: refusal });
    else if (this.#refusals.push(refusal) > refusalsMax) this.#refusals.shift();
  }

  /** Runs until the signal; reconnects with back-off and jitter. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, log } = this.#options;
    for (let attempt = 1; !signal.aborted; attempt++) {
      this.#goodbye = undefined;
      try {
        await this.#converse(signal);
      } catch (error) {
        if (!signal.aborted) log.warn('stream to the hub ended', { reason: explain(error), attempt });
      } finally {
        this.#over();
      }
      if (signal.aborted) return;
      const wait = this.#goodbye === undefined ? backoffMs(reconnectBackoff, attempt, random) : jitteredMs(turnedAwayMs, 0.3, random);
      if (this.#replySeq > 0) attempt = 0;
      await clock.sleep(wait, signal).catch(() => undefined);
    }
  }

  async #converse(signal: AbortSignal): Promise<void> {
    const deaf = new AbortController();
    this.#beatSeq = 0;
    this.#replySeq = 0;
    this.#listen(deaf);
    try {
      const stream = await this.#options.open(AbortSignal.any([signal, deaf.signal]));
      this.#stream = stream;
      this.#send({ $case: 'hello', value: this.#hello() });
      for await (const { message } of stream) {
        if (message) await this.#receive(message);
        // After it: a welcome says how often there is something to hear.
        this.#listen(deaf);
      }
    } finally {
      // Why it was ended, rather than how.
      deaf.signal.throwIfAborted();
    }
  }

  /** From now on for so long the hub need not say anything. */
  #listen(deaf: AbortController): void {
    const { clock } = this.#options;
    const silenceMaxMs = Math.max(unheardMax.ms, unheardMax.beats * this.#beatMs);
    this.#cancelUnheard();
    this.#cancelUnheard = clock.after(silenceMaxMs, () =>
      deaf.abort(new Error(`nothing was heard of the hub for ${silenceMaxMs / 1000} s`)),
    );
  }

  #hello(): Hello {
    const { version, processId, kubeSystemUid, capabilities, facts, keysetVersion, fence } = this.#options;
    this.#named = fence();
    return {
      spokeVersion: version,
      processId,
      kubeSystemUid,
      capabilities: [...capabilities],
      facts: facts(),
      keysetVersion: keysetVersion(),
      fence: this.#named,
      reportSetHash: Buffer.from(this.#reports.hash),
    };
  }

  async #receive(message: NonNullable<HubMessage['message']>): Promise<void> {
    const { onFence, onTrust, heldEnvelope, log } = this.#options;
    switch (message.$case) {
      case 'welcome':
        return this.#welcome(message.value);
      case 'beatReply':
        this.#replySeq = message.value.seq;
        if (message.value.fence) onFence(message.value.fence);
        return;
      case 'reportAck':
        for (const refused of message.value.refused) {
          log.warn('the hub refused a report', { assignment: refused.assignmentUid, code: refused.code });
          this.#reports.refused(refused.assignmentUid);
        }
        return;
      case 'snapshotRequest':
        this.#reports.forgotten();
        return this.#snapshot();
      case 'envelopeRequest': {
        const held = heldEnvelope();
        return this.#send({ $case: 'heldEnvelope', value: { envelope: held && Envelope.decode(held) } });
      }
      case 'command':
        void this.#answer(message.value);
        return;
      case 'trustUpdate':
        return onTrust(message.value);
      case 'goodbye':
        log.warn('the hub says goodbye', { reason: message.value.reason, message: message.value.message });
        if (!passing.has(message.value.reason)) this.#goodbye = message.value.reason;
    }
  }

  /** Not waited for: a command takes its time, and what the hub says meanwhile is heard. Answered on the stream that it came on, or not at all. */
  async #answer(command: Command): Promise<void> {
    const stream = this.#stream;
    const value = await this.#options.onCommand(command);
    if (this.#stream === stream) this.#send({ $case: 'commandResult', value });
  }

  #welcome(welcome: Welcome): void {
    const { onWelcome, onFence, log } = this.#options;
    this.#beatMs = Math.min(Math.max(welcome.beatIntervalMs, 50), 60_000);
    this.#welcomed = true;
    log.info('welcomed by the hub', { beatMs: this.#beatMs, generation: welcome.fence?.generation ?? 0 });
    onWelcome(welcome, this.#named);
    for (const refusal of this.#refusals.splice(0)) this.#send({ $case: 'refusal', value: refusal });
    if (welcome.reportsConfirmed) this.#reports.confirmed();
    else this.#reports.forgotten();
    if (welcome.fence) onFence(welcome.fence);
    // Not confirmed: the hub asks for a snapshot next, and a beat before it would vouch for nothing.
    if (welcome.reportsConfirmed) this.#beat();
    else this.#beatLater();
  }

  #snapshot(): void {
    this.#flush();
    this.#send({ $case: 'snapshotEnd', value: { reports: this.#reports.size, reportSetHash: Buffer.from(this.#reports.sentHash) } });
    this.#beat();
  }

  #flush(): void {
    if (!this.#welcomed) return;
    for (let next = this.#reports.next(); next; next = this.#reports.next()) this.#send({ $case: 'report', value: next });
  }

  #beat(): void {
    const { observing, fence } = this.#options;
    const seen = observing();
    const beat: Beat = {
      seq: ++this.#beatSeq,
      lastReportSeq: this.#reports.lastSeq,
      reportSetHash: Buffer.from(this.#reports.sentHash),
      fence: fence(),
      observing: seen.observing,
      notObservingReason: seen.observing ? '' : (seen.reason ?? 'NotObserving'),
      lastReplySeq: this.#replySeq,
    };
    this.#send({ $case: 'beat', value: beat });
    this.#beatLater();
  }

  #beatLater(): void {
    const { clock, random } = this.#options;
    this.#cancelBeat();
    this.#cancelBeat = clock.after(jitteredMs(this.#beatMs, 0.1, random), () => this.#beat());
  }

  #send(message: NonNullable<SpokeMessage['message']>): void {
    this.#stream?.send({ message });
  }

  #over(): void {
    this.#cancelBeat();
    this.#cancelUnheard();
    const was = this.#welcomed;
    this.#welcomed = false;
    this.#stream?.end();
    this.#stream = undefined;
    if (was) this.#options.onGone();
  }
}
