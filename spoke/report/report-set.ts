import { AssignmentReport, reportSetHash } from '#proto/mod.ts';

/**
 * The last value of each assignment, and which of them the hub has been sent. Coalesces: however often a value changes while it waits, only the last one
 * travels. Pure.
 */
export class ReportSet {
  readonly #values = new Map<string, Uint8Array>();
  /** What the hub has been sent on this stream: what a beat vouches for. */
  readonly #sent = new Map<string, Uint8Array>();
  readonly #dirty = new Set<string>();
  #seq = 0;

  /** False when the value is what it was: then nothing is sent. */
  put(report: AssignmentReport): boolean {
    const bytes = AssignmentReport.encode(report).finish();
    const before = this.#values.get(report.assignmentUid);
    if (before && Buffer.compare(before, bytes) === 0) return false;
    this.#values.set(report.assignmentUid, bytes);
    this.#dirty.add(report.assignmentUid);
    return true;
  }

  /** The hash that the hub must have for nothing to be sent again. */
  get hash(): Uint8Array {
    return reportSetHash(this.#values);
  }

  get sentHash(): Uint8Array {
    return reportSetHash(this.#sent);
  }

  get size(): number {
    return this.#values.size;
  }

  get lastSeq(): number {
    return this.#seq;
  }

  /** A new stream whose hub holds exactly `hash`: everything counts as sent. */
  confirmed(): void {
    this.#dirty.clear();
    this.#sent.clear();
    for (const [uid, bytes] of this.#values) this.#sent.set(uid, bytes);
  }

  /** A new stream whose hub knows nothing of it. */
  forgotten(): void {
    this.#sent.clear();
    for (const uid of this.#values.keys()) this.#dirty.add(uid);
  }

  /** The next value to send; from then on beats vouch for it. */
  next(): { seq: number; value: Buffer } | undefined {
    const [uid] = this.#dirty;
    const bytes = uid === undefined ? undefined : this.#values.get(uid);
    if (uid === undefined || !bytes) return undefined;
    this.#dirty.delete(uid);
    this.#sent.set(uid, bytes);
    return { seq: ++this.#seq, value: Buffer.from(bytes) };
  }

  /** The hub refused it: beats no longer vouch for it, or every other report would count as out of date. */
  refused(uid: string): void {
    this.#sent.delete(uid);
  }
}
