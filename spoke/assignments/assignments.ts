import { isDeepStrictEqual } from 'node:util';
import type { Assignment, Fence } from '../../proto/mod.ts';
import { backoffMs, explain, KeyedQueue } from '../../shared/kernel/mod.ts';
import { inParallel } from '../apply/mod.ts';
import { urged } from '../drift/mod.ts';
import type { Discovery, KubeObject } from '../kube/mod.ts';
import { ownerOf } from '../plan/mod.ts';
import type { Ground } from './appliers.ts';
import { Claims } from './claims.ts';
import { Discoveries } from './cluster.ts';
import { newEntry, type Entry } from './entries.ts';
import { joined } from './inventory.ts';
import { kindOf, Observer } from './observer.ts';
import { Sight, type Observing } from './observing.ts';
import type { AssignmentsParts } from './parts.ts';
import type { AssignmentRecord } from './port.ts';
import { ProblemError } from './problems.ts';
import { sweep, type Sweep } from './sweeps.ts';
import { lookAgainMs, report, setProblem, visit } from './visits.ts';

export interface DesiredMeta {
  readonly fence: Fence;
  /** When the envelope was received, on this process's monotonic clock: what hops are measured from. */
  readonly receivedAtMonotonicMs: number;
}

export interface Assignments {
  /** The whole of what the cluster should run; repeats are harmless. What is known and not in it is kept and reported Unassigned. */
  setDesired(assignments: readonly Assignment[], meta: DesiredMeta): void;
  /** Whether the API server answered since the last asking and the watches make progress: to be asked once per beat. */
  health(): Observing;
  /** Looks again now, whatever was being waited for; resolves when each of them has been visited after the call. */
  syncNow(uid?: string): Promise<Synced>;
  stop(): Promise<void>;
}

export interface Synced {
  /** 0: there is no such assignment. */
  readonly visited: number;
  /** What stands in the way of one of them. */
  readonly problem: { readonly reason: string; readonly message: string } | undefined;
}

const visitsMax = 4;
/** Of these, what those may use whose last visit failed: that one is broken is no reason for another to wait. */
const troubledMax = 2;
const visitTimeoutMs = 10 * 60_000;
const retry = { firstMs: 500, maxMs: 60_000 };
const sweepAgain = { firstMs: 30_000, maxMs: 10 * 60_000 };
const doubtEveryMs = 10_000;

export const startAssignments = (parts: AssignmentsParts): Assignments => new Engine(parts);

class Engine implements Assignments {
  readonly #parts: AssignmentsParts;
  readonly #ground: Ground;
  readonly #entries = new Map<string, Entry>();
  readonly #sound = new KeyedQueue();
  readonly #troubled = new KeyedQueue();
  readonly #running = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  readonly #sight: Sight;
  /** Visits that have a place. */
  #busy = 0;
  readonly #returning: (() => void)[] = [];
  #visitsTroubled = 0;
  /** Nothing is visited before all records are known: they say which objects are whose. */
  #listed = false;
  /** And nothing is called Unassigned before there was a desired state. */
  #desired = false;
  #swept: Promise<Sweep> | undefined;
  /** When the sweep that could not list every kind was over. */
  #sweptAtMs: number | undefined;
  /** In a row that could not list every kind. */
  #sweptInVain = 0;
  /** Who waits for the next visit of an assignment to be over. */
  readonly #awaited = new Map<string, (() => void)[]>();

  constructor(parts: AssignmentsParts) {
    this.#parts = parts;
    const { signal } = this.#stop;
    this.#sight = new Sight(parts.kube, parts.clock, signal);
    this.#ground = {
      ...parts,
      observer: new Observer({ ...parts, onChange: (uid) => this.#changed(uid), onKind: (kind) => this.#kindChanged(kind) }),
      discoveries: new Discoveries(parts.kube, parts.clock, signal),
      claims: new Claims(),
      outside: (work) => this.#outside(work),
      save: (entry, record, saving) => this.#save(entry, record, saving),
    };
    this.#track(this.#loadAll(signal));
    this.#track(this.#doubtOften(signal));
  }

  setDesired(assignments: readonly Assignment[], { fence, receivedAtMonotonicMs }: DesiredMeta): void {
    this.#desired = true;
    const named = new Set(assignments.map(({ uid }) => uid));
    for (const assignment of assignments) this.#assign(this.#entry(assignment.uid), assignment, fence, receivedAtMonotonicMs);
    for (const entry of this.#entries.values()) if (!named.has(entry.uid)) this.#assign(entry, undefined, fence, receivedAtMonotonicMs);
    this.#pump();
  }

  health(): Observing {
    this.#doubt();
    return this.#sight.ask();
  }

  #doubt(): void {
    this.#ground.observer.doubt(new Set(this.#parts.kube.watchHealth().quiet));
  }

  /** Also when no hub asks: what was not believed for a while must not stay so for ever. */
  async #doubtOften(signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#parts.clock.sleep(doubtEveryMs, signal);
      this.#doubt();
    }
  }

  async syncNow(uid?: string): Promise<Synced> {
    const wanted = [...this.#entries.values()].filter((entry) => uid === undefined || entry.uid === uid);
    const visits = wanted.map((entry) => {
      entry.drift = urged(entry.drift);
      entry.observedKey = '';
      entry.problem = undefined;
      this.#add(entry);
      const visited = Promise.withResolvers<void>();
      this.#awaited.set(entry.uid, [...(this.#awaited.get(entry.uid) ?? []), visited.resolve]);
      return visited.promise;
    });
    this.#pump();
    await Promise.all(visits);
    return { visited: wanted.length, problem: wanted.find(({ problem }) => problem)?.problem };
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the spoke stops'));
    for (const entry of this.#entries.values()) this.#forgetTimers(entry);
    await Promise.allSettled([...this.#running, this.#ground.observer.stop()]);
  }

  #entry(uid: string): Entry {
    const known = this.#entries.get(uid);
    if (known) return known;
    const entry = newEntry(uid, this.#parts.clock.monotonicMs());
    this.#entries.set(uid, entry);
    return entry;
  }

  #assign(entry: Entry, assignment: Assignment | undefined, fence: Fence, receivedAtMs: number): void {
    const before = entry.assignment;
    if (entry.fence && isDeepStrictEqual(before, assignment)) return;
    if (!before || !assignment || before.revision !== assignment.revision || before.state !== assignment.state) {
      entry.hops = {};
      entry.receivedAtMs = receivedAtMs;
    }
    entry.assignment = assignment;
    entry.problem = undefined;
    entry.fence = fence;
    entry.attempt = 0;
    entry.removed = false;
    entry.observedKey = '';
    this.#add(entry);
  }

  #add(entry: Entry): void {
    entry.cancelRetry?.();
    entry.cancelRetry = undefined;
    if (entry.visiting) entry.again = true;
    else (entry.attempt > 0 ? this.#troubled : this.#sound).add(entry.uid);
  }

  /** A watch said something: worth a look, but no reason to hurry what has failed and waits. */
  #changed(uid: string): void {
    const entry = this.#entries.get(uid);
    if (!entry || entry.cancelRetry) return;
    if (entry.visiting) {
      entry.moved = true;
      return;
    }
    this.#add(entry);
    this.#pump();
  }

  #kindChanged(kind: string): void {
    for (const entry of this.#entries.values())
      if (entry.record?.inventory.some(({ ref }) => kindOf(ref) === kind)) this.#changed(entry.uid);
  }

  #pump(): void {
    while (this.#listed && this.#desired && !this.#stop.signal.aborted && this.#busy < visitsMax) {
      const queue = this.#nextQueue();
      const uid = queue?.take();
      const entry = uid === undefined ? undefined : this.#entries.get(uid);
      if (!queue || !entry) return;
      // It was put into one queue, then, its luck having changed, into the other.
      if (entry.visiting) {
        entry.again = true;
        queue.done(entry.uid);
      } else this.#track(this.#visit(entry, queue));
    }
  }

  /** One of the troubled is always tried; a second one only when nobody else waits. */
  #nextQueue(): KeyedQueue | undefined {
    if (this.#troubled.pending > 0 && this.#visitsTroubled === 0) return this.#troubled;
    if (this.#sound.pending > 0) return this.#sound;
    return this.#troubled.pending > 0 && this.#visitsTroubled < troubledMax ? this.#troubled : undefined;
  }

  #leave(): void {
    const next = this.#returning.shift();
    if (next) next();
    else this.#busy -= 1;
  }

  async #outside<T>(work: () => Promise<T>): Promise<T> {
    this.#leave();
    this.#pump();
    try {
      return await work();
    } finally {
      if (this.#busy < visitsMax) this.#busy += 1;
      else await new Promise<void>((resolve) => this.#returning.push(resolve));
    }
  }

  #track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => {
        if (!this.#stop.signal.aborted) this.#parts.log.error('a visit broke off', { error: explain(error) });
      })
      .finally(() => {
        this.#running.delete(tracked);
        this.#pump();
      });
    this.#running.add(tracked);
  }

  async #visit(entry: Entry, queue: KeyedQueue): Promise<void> {
    const { clock } = this.#parts;
    const { assignment } = entry;
    entry.visiting = true;
    this.#busy += 1;
    const troubled = queue === this.#troubled;
    if (troubled) this.#visitsTroubled += 1;
    entry.cancelLook?.();
    entry.cancelLook = undefined;
    const end = new AbortController();
    const cancel = clock.after(visitTimeoutMs, () => end.abort(new Error(`not done within ${visitTimeoutMs / 1000} s`)));
    try {
      await this.#visitLoaded(entry, AbortSignal.any([this.#stop.signal, end.signal]));
    } catch (error) {
      this.#stop.signal.throwIfAborted();
      if (entry.assignment === assignment) this.#trouble(entry, 'TimedOut', error);
    } finally {
      cancel();
      entry.visiting = false;
      if (troubled) this.#visitsTroubled -= 1;
      queue.done(entry.uid);
      if (!entry.again) this.#visited(entry);
      if (!this.#stop.signal.aborted) this.#schedule(entry);
      this.#leave();
    }
  }

  #visited({ uid }: Entry): void {
    const waiting = this.#awaited.get(uid) ?? [];
    this.#awaited.delete(uid);
    for (const resolve of waiting) resolve();
  }

  async #visitLoaded(entry: Entry, signal: AbortSignal): Promise<void> {
    try {
      if (!entry.loaded) await this.#load(entry, signal);
      else if (entry.unlisted.length > 0) await this.#rebuild(entry, signal);
    } catch (error) {
      signal.throwIfAborted();
      this.#trouble(entry, 'StateUnavailable', error);
      return;
    }
    // Neither wanted nor known: there is nothing to say about it.
    if (!entry.assignment && !entry.record) return;
    await visit(this.#ground, entry, signal);
  }

  #trouble(entry: Entry, reason: 'TimedOut' | 'StateUnavailable', error: unknown): void {
    setProblem(this.#ground, entry, { reason, message: explain(error, 3), waits: true, retryable: true });
    report(this.#ground, entry);
  }

  #schedule(entry: Entry): void {
    const { clock, random } = this.#parts;
    entry.attempt = entry.problem ? entry.attempt + 1 : 0;
    const isHurried = entry.again || (entry.moved && !entry.problem?.retryable);
    entry.again = false;
    entry.moved = false;
    if (isHurried) {
      this.#add(entry);
      return;
    }
    if (entry.problem?.retryable)
      entry.cancelRetry = clock.after(backoffMs(retry, entry.attempt, random), () => {
        this.#add(entry);
        this.#pump();
      });
    const lookMs = lookAgainMs(this.#ground, entry);
    if (lookMs !== undefined)
      entry.cancelLook = clock.after(lookMs, () => {
        this.#add(entry);
        this.#pump();
      });
  }

  #forgetTimers(entry: Entry): void {
    entry.cancelRetry?.();
    entry.cancelLook?.();
  }

  async #save(entry: Entry, { rebuilding: _rebuilding, ...rest }: AssignmentRecord, signal: AbortSignal): Promise<void> {
    const record: AssignmentRecord = entry.unlisted.length > 0 ? { ...rest, rebuilding: true } : rest;
    if (isDeepStrictEqual(entry.record, record)) return;
    try {
      await this.#parts.store.save(entry.uid, record, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw new ProblemError({ reason: 'StateUnavailable', message: explain(error, 3), waits: true, retryable: true });
    }
    entry.record = record;
  }

  /** Until the list succeeds nothing else is done: an empty answer that is none would look like a cluster without assignments. */
  async #loadAll(signal: AbortSignal): Promise<void> {
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        const uids = await this.#parts.store.list(signal);
        // A record that cannot be read is its own assignment's trouble: its visits try again.
        await inParallel(uids, visitsMax, (uid) => this.#load(this.#entry(uid), signal).catch(() => undefined));
        signal.throwIfAborted();
        this.#listed = true;
        if (this.#desired) for (const entry of this.#entries.values()) this.#add(entry);
        return;
      } catch (error) {
        signal.throwIfAborted();
        this.#parts.log.warn('records not loaded', { error: explain(error) });
        await this.#parts.clock.sleep(backoffMs(retry, attempt, this.#parts.random), signal);
      }
    }
  }

  async #load(entry: Entry, signal: AbortSignal): Promise<void> {
    if (entry.loaded) return;
    const record = await this.#parts.store.load(entry.uid, signal);
    if (record) entry.record = record;
    if (!record || record.rebuilding) await this.#rebuild(entry, signal);
    // Until the process before ended, as far as anybody can say.
    if (record?.applied?.healthy) entry.healthyAtMs = this.#parts.clock.now();
    entry.loaded = true;
    this.#ground.claims.hold(
      entry.uid,
      (entry.record?.inventory ?? []).map(({ ref }) => ref),
    );
  }

  /**
   * No record: it is new, or the record was lost while its objects stayed. One sweep answers for all that the process meets; one that could not list every kind
   * is done again, ever more seldom (a group that never answers must not cost a list of every kind twice a minute), and until then nothing is pruned: what it has not found would be left behind for ever.
   */
  async #rebuild(entry: Entry, signal: AbortSignal): Promise<void> {
    const nowMs = this.#parts.clock.monotonicMs();
    const againMs = Math.min(sweepAgain.firstMs * 2 ** (this.#sweptInVain - 1), sweepAgain.maxMs);
    if (!this.#swept || (this.#sweptAtMs !== undefined && nowMs - this.#sweptAtMs >= againMs)) {
      this.#sweptAtMs = undefined;
      this.#swept = this.#sweepAll().then(
        (found) => {
          this.#sweptInVain += 1;
          if (!found.complete) this.#sweptAtMs = this.#parts.clock.monotonicMs();
          return found;
        },
        (error: unknown) => {
          this.#swept = undefined;
          throw error;
        },
      );
    }
    const { objects, complete, missing } = await this.#swept;
    const ours = objects.filter((object: KubeObject) => ownerOf(object)?.assignmentUid === entry.uid);
    const { record } = entry;
    entry.unlisted = complete ? [] : missing;
    if (ours.length === 0 && !record) return;
    const next = { ...record, inventory: joined(record?.inventory ?? [], ours, record?.applied !== undefined && !record.applying) };
    // Nothing has been kept of it yet: the first write will.
    if (record) await this.#save(entry, next, signal);
    else entry.record = next;
    this.#ground.claims.hold(
      entry.uid,
      next.inventory.map(({ ref }) => ref),
    );
  }

  async #sweepAll(): Promise<Sweep> {
    const { signal } = this.#stop;
    const discovery: Discovery = await this.#ground.discoveries.get();
    return sweep(this.#parts.kube, discovery, this.#parts.fleetId, undefined, signal);
  }
}
