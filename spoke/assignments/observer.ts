import type { Clock } from '../../shared/clock/mod.ts';
import { backoffMs, labels, type Random } from '../../shared/kernel/mod.ts';
import { follow, isKubeError, refOf, refText, type KindInfo, type KubeClient, type KubeObject, type ObjectRef } from '../kube/mod.ts';
import { ownerOf, type Live } from '../plan/mod.ts';
import { observed, type Observed } from './observed.ts';

export interface ObserverParts {
  readonly kube: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly fleetId: string;
  /** Something of this assignment looks different: look again. */
  readonly onChange: (assignmentUid: string) => void;
  /** What is known about a whole kind began or ceased to be worth something. */
  readonly onKind: (kind: string) => void;
}

/** What is known of a kind whose list does not succeed any more is believed this long. */
const believedMaxMs = 60_000;
const retry = { firstMs: 500, maxMs: 30_000 };

export const kindOf = ({ group, kind }: Pick<ObjectRef, 'group' | 'kind'>): string => `${kind}.${group}`;

/** One list and one watch per kind, for all assignments of the spoke together. What it says is what the API server said last, or `unknown`. */
export class Observer {
  readonly #parts: ObserverParts;
  readonly #kinds = new Map<string, WatchedKind>();
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<void>>();

  constructor(parts: ObserverParts) {
    this.#parts = parts;
  }

  /** Begins to watch kinds that are not watched yet. */
  watch(kinds: readonly KindInfo[]): void {
    for (const kind of kinds) {
      if (this.#kinds.has(kindOf(kind)) || this.#stop.signal.aborted) continue;
      const watched = new WatchedKind(kind, this.#parts);
      this.#kinds.set(kindOf(kind), watched);
      const running = watched.run(this.#stop.signal).finally(() => this.#running.delete(running));
      this.#running.add(running);
    }
  }

  isWatched(ref: ObjectRef): boolean {
    return this.#kinds.has(kindOf(ref));
  }

  /** Of these kinds nothing has been heard for too long: what is known of them is not believed until something is. */
  doubt(quiet: ReadonlySet<string>): void {
    for (const [name, kind] of this.#kinds) kind.doubt(quiet.has(name));
  }

  look(ref: ObjectRef): Live {
    return this.#kinds.get(kindOf(ref))?.look(ref) ?? 'unknown';
  }

  /** Hash of the fields of it that are ours; '' when nothing is known of it. */
  fieldsHash(ref: ObjectRef): string {
    return this.#kinds.get(kindOf(ref))?.fieldsHash(ref) ?? '';
  }

  /** What a write was answered with: newer than what the watch has said so far. */
  note(object: KubeObject): void {
    this.#kinds.get(kindOf(refOf(object)))?.put(object);
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the spoke stops'));
    await Promise.allSettled(this.#running);
  }
}

class WatchedKind {
  readonly #kind: KindInfo;
  readonly #parts: ObserverParts;
  #objects = new Map<string, Observed>();
  /** Whether what is known is complete and recent enough to be believed, also in what it does not contain. */
  #believed = false;
  #quiet = false;
  /** The latest version that a list or the watch spoke of. */
  #heard = '';

  constructor(kind: KindInfo, parts: ObserverParts) {
    this.#kind = kind;
    this.#parts = parts;
  }

  look(ref: ObjectRef): Live {
    if (!this.#believed || this.#quiet) return 'unknown';
    return this.#objects.get(refText(ref))?.object ?? 'absent';
  }

  fieldsHash(ref: ObjectRef): string {
    return this.#objects.get(refText(ref))?.fieldsHash ?? '';
  }

  doubt(quiet: boolean): void {
    if (this.#quiet === quiet) return;
    this.#quiet = quiet;
    this.#parts.onKind(kindOf(this.#kind));
  }

  put(object: KubeObject): void {
    const name = refText(refOf(object));
    const known = this.#objects.get(name)?.object;
    if (known && (isOlder(object, known) || isSame(object, known))) return;
    this.#objects.set(name, observed(object));
    this.#changed(known, object);
  }

  #remove(object: KubeObject): void {
    const name = refText(refOf(object));
    const known = this.#objects.get(name)?.object;
    if (!known || known.metadata.uid !== object.metadata.uid || isOlder(object, known)) return;
    this.#objects.delete(name);
    this.#changed(known, object);
  }

  #replace(items: readonly KubeObject[], version: string): void {
    // A list is newer than all that was heard before it. This one is of a store that was restored: what was known did not happen.
    if (isNewer(this.#heard, version)) {
      this.#changed(...this.#objects.values().map(({ object }) => object));
      this.#objects.clear();
    }
    this.#heard = version;
    const listed = new Set(items.map((item) => refText(refOf(item))));
    for (const [name, { object: known }] of this.#objects) {
      // Written after the list was taken.
      if (listed.has(name) || isNewer(known.metadata.resourceVersion, version)) continue;
      this.#objects.delete(name);
      this.#changed(known);
    }
    for (const item of items) this.put(item);
  }

  #hear(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: KubeObject): void {
    const { resourceVersion = '' } = object.metadata;
    if (this.#heard === '' || isNewer(resourceVersion, this.#heard)) this.#heard = resourceVersion;
    if (type === 'DELETED') this.#remove(object);
    else this.put(object);
  }

  #changed(...objects: readonly (KubeObject | undefined)[]): void {
    for (const uid of new Set(objects.map((object) => object && ownerOf(object)?.assignmentUid)))
      if (uid !== undefined) this.#parts.onChange(uid);
  }

  #believe(believed: boolean): void {
    if (this.#believed === believed) return;
    this.#believed = believed;
    this.#parts.onKind(kindOf(this.#kind));
  }

  /** Until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#parts;
    for (let attempt = 1; !signal.aborted; attempt++) {
      const round = new AbortController();
      const listed = await this.#follow(AbortSignal.any([signal, round.signal]));
      // Not served, or not ours to read: nothing is watched then, and that is no silence of the API server.
      round.abort();
      if (listed) attempt = 1;
      await clock.sleep(backoffMs(retry, attempt, random), signal).catch(() => undefined);
    }
  }

  /** Until the signal, or until the API server clearly refuses; says whether it had answered before. */
  async #follow(signal: AbortSignal): Promise<boolean> {
    const { kube, clock, random, fleetId } = this.#parts;
    let listed = false;
    let doubt: (() => void) | undefined;
    for await (const seen of follow({ client: kube, clock, random }, this.#kind, { labelSelector: `${labels.fleet}=${fleetId}` }, signal)) {
      if (seen.type === 'LISTED') {
        listed = true;
        doubt?.();
        doubt = undefined;
        this.#replace(seen.objects, seen.resourceVersion);
        this.#believe(true);
      } else if (seen.type !== 'FAILED') this.#hear(seen.type, seen.object);
      else if (isKubeError(seen.error, 'NO_SUCH_KIND', 'NOT_FOUND', 'FORBIDDEN')) break;
      else doubt ??= clock.after(believedMaxMs, () => this.#believe(false));
    }
    doubt?.();
    if (!signal.aborted) this.#believe(false);
    return listed;
  }
}

const isSame = (a: KubeObject, b: KubeObject): boolean =>
  a.metadata.uid === b.metadata.uid &&
  a.metadata.resourceVersion !== undefined &&
  a.metadata.resourceVersion === b.metadata.resourceVersion;

/** Also of another object of the same name: what the watch still has to tell of the one before is old news. */
const isOlder = (object: KubeObject, known: KubeObject): boolean =>
  isNewer(known.metadata.resourceVersion, object.metadata.resourceVersion);

/** Versions of one kind are whole numbers that rise (Kubernetes says so since 1.35, and it has always been so); of anything else nothing is concluded. */
function isNewer(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined || !/^[0-9]+$/.test(a) || !/^[0-9]+$/.test(b)) return false;
  return BigInt(a) > BigInt(b);
}
