import { decodeDesired, type Assignment } from '#proto/mod.ts';
import { compareFence, fenceText, sha256, type Fence } from '#shared/kernel/mod.ts';
import type { Clock } from '#shared/clock/mod.ts';
import { decodeInventory } from '#spoke/inventory/mod.ts';
import type { KubeObject } from '#spoke/kube/mod.ts';
import { bearsMarks, isReady, keyOf, type SimCluster, type Written } from '../cluster.ts';
import { has, namespace } from '../contents.ts';
import type { Violations } from './violations.ts';

const system = 'wheelhouse-system';
const tenants = 'wheelhouse-tenants';
export const account = `system:serviceaccount:${tenants}:acme`;
/** What a spoke may not have seen yet when it deletes: a list of a kind is believed for a minute. */
const sightMs = 75_000;
/** A state that arrives while a visit is at work stops it at its next step. */
const underWayMs = 15_000;
/** One step removes no more than this share of what there was. */
export const shareMax = 0.5;

interface Kept {
  readonly applied: string | undefined;
  readonly applying: string | undefined;
  readonly inventory: number;
  /** Of these, what the applied revision brought: the brake counts what there was before it. */
  readonly added: number;
}

interface Stage {
  readonly revision: string;
  readonly added?: number;
}

interface Seen {
  fence: Fence | undefined;
  assignments: readonly Assignment[];
  acceptedAtMs: number;
  readonly kept: Map<string, Kept>;
  /** Deletions since the inventory was kept last: one step of pruning. */
  readonly deleted: Map<string, number>;
  /** Uids of objects that the spoke has written to. */
  readonly own: Set<string>;
  /** By revision: when the cluster had exactly its objects, ready, last. */
  readonly good: Map<string, number>;
  /** Those that it had at its version `looked`. */
  goodNow: readonly string[];
  looked: number;
}

export interface WriteRulesParts {
  readonly violations: Violations;
  readonly clock: Clock;
  /** The payload, if the hub's key signed it. */
  readonly opens: (envelope: Uint8Array) => Uint8Array | undefined;
  /** What was released under that layer hash. */
  readonly contentOf: (layerHash: string) => readonly KubeObject[] | undefined;
  readonly hashAt: (cluster: SimCluster, fence: string) => string | undefined;
}

/** Looks at every write of every spoke, in the moment it is done. */
export class WriteRules {
  readonly #parts: WriteRulesParts;
  readonly #seen = new Map<SimCluster, Seen>();
  readonly #layers = new Map<string, string>();
  writes = 0;
  deletions = 0;

  constructor(parts: WriteRulesParts) {
    this.#parts = parts;
  }

  see(written: Written): void {
    this.writes += 1;
    if (written.user === undefined) this.#own(written);
    else this.#tenant(written);
  }

  /** Time passes: notes which revisions the cluster has, whole and ready, at this moment. */
  look(cluster: SimCluster): void {
    const seen = this.seenOf(cluster);
    const nowMs = this.#parts.clock.monotonicMs();
    if (seen.looked === cluster.version) {
      for (const revision of seen.goodNow) seen.good.set(revision, nowMs);
      return;
    }
    const objects = cluster.objects();
    const revisions = new Set(seen.assignments.map(({ revision }) => revision));
    for (const { applied } of seen.kept.values()) if (applied !== undefined) revisions.add(applied);
    for (const revision of revisions) if (this.isGood(revision, objects)) seen.good.set(revision, this.#parts.clock.monotonicMs());
  }

  /** When the cluster had exactly that revision, ready, last; undefined: never. */
  goodAt(cluster: SimCluster, revision: string): number | undefined {
    return this.seenOf(cluster).good.get(revision);
  }

  isGood(revision: string, objects: ReadonlyMap<string, KubeObject>): boolean {
    const content = this.#parts.contentOf(this.#layers.get(revision) ?? '');
    return content !== undefined && content.every((wanted) => this.#isThere(wanted, objects));
  }

  #isThere(wanted: KubeObject, objects: ReadonlyMap<string, KubeObject>): boolean {
    const live = objects.get(placed(wanted));
    return live !== undefined && isReady(live) && has(bare(live), bare(wanted));
  }

  seenOf(cluster: SimCluster): Seen {
    const known = this.#seen.get(cluster);
    if (known) return known;
    const seen: Seen = {
      fence: undefined,
      assignments: [],
      acceptedAtMs: 0,
      kept: new Map(),
      deleted: new Map(),
      own: new Set(),
      good: new Map(),
      goodNow: [],
      looked: -1,
    };
    this.#seen.set(cluster, seen);
    return seen;
  }

  /** What a spoke writes as itself: what it keeps, and what tenants need to be there. */
  #own({ cluster, before, after }: Written): void {
    const object = (after ?? before) as KubeObject;
    const { kind } = object;
    const { namespace: where = '', name } = object.metadata;
    const allowed =
      (kind === 'Secret' && where === system) ||
      (kind === 'Namespace' && [system, tenants, namespace].includes(name) && !before) ||
      (kind === 'ServiceAccount' && where === tenants && !before) ||
      (kind === 'RoleBinding' && where === namespace && !before);
    if (!allowed) this.#say(5, cluster, `as itself the spoke wrote ${keyOf(object)}`);
    if (kind !== 'Secret') return;
    if (name === 'wheelhouse-desired') this.#accepted(cluster, after);
    else if (name.startsWith('wheelhouse-assignment-')) this.#keeps(cluster, name.slice('wheelhouse-assignment-'.length), after);
  }

  #accepted(cluster: SimCluster, after: KubeObject | undefined): void {
    const seen = this.seenOf(cluster);
    if (!after) return this.#say(2, cluster, 'the kept fence was removed');
    const fence = fenceIn(after);
    // Also when what was kept is lost in between: then the hub says below what nothing is accepted.
    if (seen.fence && compareFence(fence, seen.fence) < 0)
      this.#say(2, cluster, `from ${fenceText(seen.fence)} back to ${fenceText(fence)}`);
    const payload = this.#parts.opens(bytesIn(after, 'envelope'));
    const desired = payload && decodeDesired(payload);
    if (!desired || desired.clusterUid !== cluster.uid || compareFence(desired, fence) !== 0)
      return this.#say(1, cluster, `accepted a document at ${fenceText(fence)} that was not signed for it`);
    const known = this.#parts.hashAt(cluster, `${fence.epoch}/${fence.generation}`);
    if (known !== undefined && known !== Buffer.from(sha256(payload)).toString('hex'))
      this.#say(8, cluster, `${fenceText(fence)} is another document than in the record`);
    seen.fence = fence;
    seen.assignments = desired.assignments;
    seen.acceptedAtMs = this.#parts.clock.monotonicMs();
    for (const { revision, variant } of desired.assignments) this.#layers.set(revision, variant?.layerHash ?? '');
  }

  #keeps(cluster: SimCluster, uid: string, after: KubeObject | undefined): void {
    const { kept, deleted } = this.seenOf(cluster);
    deleted.delete(uid);
    if (!after) {
      kept.delete(uid);
      return;
    }
    const stage = (name: 'applied' | 'applying'): Stage | undefined =>
      hasData(after, name) ? (JSON.parse(Buffer.from(bytesIn(after, name)).toString()) as Stage) : undefined;
    const applied = stage('applied');
    kept.set(uid, {
      applied: applied?.revision,
      applying: stage('applying')?.revision,
      inventory: decodeInventory(bytesIn(after, 'inventory')).length,
      added: applied?.added ?? 0,
    });
  }

  #tenant(written: Written): void {
    const { cluster, user, before, after } = written;
    const seen = this.seenOf(cluster);
    const object = (after ?? before) as KubeObject;
    if (user !== account || object.metadata.namespace !== namespace) this.#say(5, cluster, `${user} wrote ${keyOf(object)}`);
    const suspended = seen.assignments.find(({ mode }) => mode !== 'ASSIGNMENT_MODE_ENFORCE');
    if (suspended && this.#parts.clock.monotonicMs() - seen.acceptedAtMs > underWayMs)
      this.#say(1, cluster, `${keyOf(object)} was written while ${suspended.app} is ${suspended.mode}`);
    if (after) {
      this.#content(cluster, after);
      seen.own.add(after.metadata.uid ?? '');
    } else if (before) this.#deletion(cluster, before);
  }

  #content(cluster: SimCluster, after: KubeObject): void {
    const { assignments, kept } = this.seenOf(cluster);
    const revisions = [
      ...assignments.map(({ revision }) => revision),
      ...[...kept.values()].flatMap(({ applied, applying }) => [applied, applying]),
    ];
    const signed = revisions.some((revision) => this.#inContent(revision, after));
    if (!signed) this.#say(1, cluster, `${keyOf(after)} was written as no release has it that was signed for this cluster`);
  }

  #inContent(revision: string | undefined, object: KubeObject): boolean {
    const content = this.#parts.contentOf(this.#layers.get(revision ?? '') ?? '') ?? [];
    return content.some((wanted) => placed(wanted) === keyOf(object) && has(bare(object), bare(wanted)));
  }

  #deletion(cluster: SimCluster, before: KubeObject): void {
    this.deletions += 1;
    const key = keyOf(before);
    const seen = this.seenOf(cluster);
    if (!bearsMarks(before) || !seen.own.has(before.metadata.uid ?? ''))
      this.#say(3, cluster, `${key} was deleted, and is not the spoke's (uid ${before.metadata.uid})`);
    const uid = before.metadata.labels?.['wheelhouse.dev/assignment'] ?? '';
    const record = seen.kept.get(uid);
    const assignment = seen.assignments.find((one) => one.uid === uid);
    if (!record || !assignment) return this.#say(3, cluster, `${key} was deleted, and nothing is kept or wanted of ${uid}`);
    if (record.applied === undefined || record.applying !== undefined || record.applied !== assignment.revision)
      this.#say(3, cluster, `${key} was deleted while the wanted revision is not fully applied`);
    if (this.#parts.contentOf(this.#layers.get(record.applied ?? '') ?? '')?.some((wanted) => placed(wanted) === key))
      this.#say(3, cluster, `${key} was deleted, and is in the revision applied last`);
    const nowMs = this.#parts.clock.monotonicMs();
    const good =
      record.applied !== undefined &&
      (this.isGood(record.applied, cluster.objects()) || nowMs - (seen.good.get(record.applied) ?? -sightMs) < sightMs);
    if (!good) this.#say(3, cluster, `${key} was deleted although the applied revision has not been whole and ready`);
    if (['Namespace', 'CustomResourceDefinition', 'PersistentVolume', 'PersistentVolumeClaim'].includes(before.kind))
      this.#say(4, cluster, `${key} is of a protected kind`);
    const deleted = (seen.deleted.get(uid) ?? 0) + 1;
    seen.deleted.set(uid, deleted);
    const wasThere = record.inventory - record.added;
    if (deleted > shareMax * wasThere) this.#say(4, cluster, `${deleted} of ${wasThere} objects were deleted in one step`);
  }

  #say(rule: 1 | 2 | 3 | 4 | 5 | 8, cluster: SimCluster, what: string): void {
    this.#parts.violations.add(rule, `${cluster.name}: ${what}`);
  }
}

/** What is written of an object, apart from what names and marks it. */
const bare = ({ metadata: _metadata, status: _status, apiVersion: _version, ...rest }: KubeObject): object => rest;
const placed = (object: KubeObject): string => keyOf({ ...object, metadata: { namespace, ...object.metadata } });
const hasData = (object: KubeObject, key: string): boolean => (object['data'] as Record<string, string> | undefined)?.[key] !== undefined;
const bytesIn = (object: KubeObject, key: string): Uint8Array =>
  Buffer.from((object['data'] as Record<string, string> | undefined)?.[key] ?? '', 'base64');

function fenceIn(object: KubeObject): Fence {
  const [epoch = 0, generation = 0] = JSON.parse(Buffer.from(bytesIn(object, 'fence')).toString()) as number[];
  return { epoch, generation };
}
