import { compareFence, type Fence } from '#shared/kernel/mod.ts';
import type { HashedFence } from './fences.ts';
import { holdersAfter, type Holders } from './duplicates.ts';
import { isHeard, silenceOf } from './evidence.ts';
import { beatsMax, type Contact, type Doubt, type Silence } from './model.ts';
import { settle, type Settling, type SettlingLimits } from './settling.ts';

/** One open stream, as the registry needs it. */
export interface Held {
  close(reason: string, message: string): void;
}

interface Entry {
  contact: Contact;
  stream: Held | undefined;
  holders: Holders | undefined;
  /** What was last told about this cluster: a change of it wakes who decides. */
  told: Silence | 'Vouched';
  /** Another fence has been accepted since: what went before it may be believed now. */
  fenceNews: boolean;
  heard: boolean;
  /** When it fell silent last. */
  lostMs: number | undefined;
  /** Of the reports in the record; undefined: has to be computed again. */
  heldHash: Uint8Array | undefined;
}

export interface RecordBehind {
  readonly clusterId: number;
  readonly message: string;
}

/** What is known of all streams, in memory only. Its methods are given the moment; it reads no clock. */
export class Registry {
  readonly #entries = new Map<number, Entry>();
  readonly #beatMs: number;
  readonly #limits: SettlingLimits;
  #settling: Settling | undefined;
  #recordBehind: RecordBehind | undefined;
  /** How many entries are heard. */
  #live = 0;

  constructor(beatMs: number, limits: SettlingLimits) {
    this.#beatMs = beatMs;
    this.#limits = limits;
  }

  get settling(): Settling | undefined {
    return this.#settling;
  }

  set settling(state: Settling | undefined) {
    this.#settling = state;
  }

  get recordBehind(): RecordBehind | undefined {
    return this.#recordBehind;
  }

  /** The first one stays: it is where to look. Ends only with the process, which recover restarts. */
  setRecordBehind(clusterId: number, message: string): void {
    this.#recordBehind ??= { clusterId, message };
  }

  contactOf(clusterId: number): Contact | undefined {
    return this.#entries.get(clusterId)?.contact;
  }

  *contacts(): IterableIterator<readonly [number, Contact]> {
    for (const [clusterId, { contact }] of this.#entries) yield [clusterId, contact];
  }

  /** A stream said Hello: it takes the place of an older one. `duplicate`: two processes keep taking it from each other. */
  joined(
    clusterId: number,
    stream: Held,
    processId: string,
    nowMs: number,
  ): { readonly replaced: Held | undefined; readonly duplicate: boolean } {
    const old = this.#entries.get(clusterId);
    const { holders, duplicate } = holdersAfter(old?.holders, processId, nowMs);
    // A new stream starts with nothing vouched for, unless the beats of the one before are still fresh: a reconnect is no news.
    const contact: Contact = {
      connected: true,
      sinceMs: nowMs,
      beatMs: old?.contact.beatMs,
      vouchedMs: old?.contact.vouchedMs,
      doubt: '',
      doubtMessage: '',
      fence: old?.contact.fence,
    };
    this.#entries.set(clusterId, {
      contact,
      stream,
      holders,
      told: old?.told ?? 'NotConnected',
      fenceNews: old?.fenceNews ?? false,
      heard: old?.heard ?? false,
      lostMs: undefined,
      heldHash: old?.heldHash,
    });
    return { replaced: old?.stream, duplicate };
  }

  /** Ignored when a newer stream has taken its place. */
  left(clusterId: number, stream: Held, nowMs: number): void {
    const entry = this.#entries.get(clusterId);
    if (entry?.stream !== stream) return;
    entry.stream = undefined;
    entry.contact = { ...entry.contact, connected: false, sinceMs: nowMs };
  }

  isCurrent(clusterId: number, stream: Held): boolean {
    return this.#entries.get(clusterId)?.stream === stream;
  }

  streamOf(clusterId: number): Held | undefined {
    return this.#entries.get(clusterId)?.stream;
  }

  streams(): Held[] {
    return [...this.#entries.values()].flatMap(({ stream }) => stream ?? []);
  }

  beat(clusterId: number, doubt: Doubt, doubtMessage: string, nowMs: number): void {
    const entry = this.#entries.get(clusterId);
    if (!entry) return;
    const vouchedMs = doubt === '' ? nowMs : entry.contact.vouchedMs;
    entry.contact = { ...entry.contact, beatMs: nowMs, vouchedMs, doubt, doubtMessage };
  }

  /** What it has accepted, as a beat says. */
  accepted(clusterId: number, fence: Fence | undefined): void {
    const entry = this.#entries.get(clusterId);
    if (!entry || sameFence(entry.contact.fence, fence)) return;
    entry.contact = { ...entry.contact, fence };
    entry.fenceNews = true;
  }

  /** What it has accepted at least, as a report says that has been kept: everything before it on the stream has been kept, too. */
  acceptedAtLeast(clusterId: number, fence: Fence): void {
    const known = this.#entries.get(clusterId)?.contact.fence;
    if (!known || compareFence(known, fence) < 0) this.accepted(clusterId, fence);
  }

  /** What the hub holds is known to be out of date: earlier beats vouch for it no longer. */
  unvouch(clusterId: number): void {
    const entry = this.#entries.get(clusterId);
    if (entry) entry.contact = { ...entry.contact, vouchedMs: undefined, doubt: 'ReportsOutOfDate' };
  }

  heldHash(clusterId: number): Uint8Array | undefined {
    return this.#entries.get(clusterId)?.heldHash;
  }

  setHeldHash(clusterId: number, hash: Uint8Array | undefined): void {
    const entry = this.#entries.get(clusterId);
    if (entry) entry.heldHash = hash;
  }

  /** A look at every stream: who fell silent or is heard again, and whether the hub is the suspect. Proportional to the fleet: for a ticker. */
  look(nowMs: number): Look {
    const windowMs = beatsMax * this.#beatMs;
    let lost = 0;
    for (const entry of this.#entries.values()) {
      this.#hear(entry, nowMs);
      if (entry.lostMs !== undefined && nowMs - entry.lostMs <= windowMs) lost++;
    }
    const before = this.#settling;
    this.#settling = settle(before, { nowMs, live: this.#live, lost }, this.#limits);
    const changed = [...this.#entries].filter(([, entry]) => this.#isNews(entry, nowMs)).map(([clusterId]) => clusterId);
    return { changed, settled: before !== undefined && this.#settling === undefined };
  }

  /** After something about one cluster. Looks at all of them only if that ends the settling. */
  lookAt(clusterId: number, nowMs: number): Look {
    const entry = this.#entries.get(clusterId);
    if (!entry) return { changed: [], settled: false };
    this.#hear(entry, nowMs);
    const settled = this.#settling && !settle(this.#settling, { nowMs, live: this.#live, lost: 0 }, this.#limits);
    if (settled) return this.look(nowMs);
    return { changed: this.#isNews(entry, nowMs) ? [clusterId] : [], settled: false };
  }

  #hear(entry: Entry, nowMs: number): void {
    const heard = isHeard(entry.contact, { nowMs, beatMs: this.#beatMs });
    if (entry.heard && !heard) entry.lostMs = nowMs;
    if (heard) entry.lostMs = undefined;
    this.#live += Number(heard) - Number(entry.heard);
    entry.heard = heard;
  }

  #isNews(entry: Entry, nowMs: number): boolean {
    const timing = { nowMs, beatMs: this.#beatMs, settling: this.#settling !== undefined };
    const now = silenceOf(entry.contact, timing) ?? 'Vouched';
    const news = now !== entry.told || entry.fenceNews;
    entry.told = now;
    entry.fenceNews = false;
    return news;
  }
}

export interface Look {
  /** Clusters about which something else may be believed now. */
  readonly changed: readonly number[];
  readonly settled: boolean;
}

const sameFence = (a: Fence | undefined, b: Fence | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && compareFence(a, b) === 0);

/** A protobuf fence as the record's kind. */
export const hashed = (
  fence: { readonly epoch: number; readonly generation: number; readonly hash: Uint8Array } | undefined,
): HashedFence | undefined => fence && { epoch: fence.epoch, generation: fence.generation, hash: fence.hash };
