import type { Cancel, Clock } from '#shared/clock/mod.ts';
import { ApiError } from '../errors.ts';
import { tableOf } from '../objects/kinds.ts';
import type { StoreEvent } from '../objects/store.ts';
import type { Writes } from '../objects/writes.ts';
import { same, textAt, type Doc, type Stored } from '../values.ts';
import { deployment } from './deployments.ts';
import { abandoned, definition, ending } from './endings.ts';
import { form } from './forms.ts';
import { pod } from './pods.ts';
import type { Entry, Seen, Wish } from './wishes.ts';
import { daemonSet, job, replicaSet, statefulSet } from './workloads.ts';

const definitions = 'apiextensions.k8s.io/customresourcedefinitions';
const rules: Readonly<Record<string, (seen: Seen) => Wish>> = {
  '/namespaces': ({ object: { metadata }, ca }) => ({ create: form(['namespace'], { namespace: metadata.name, ca }) as readonly Doc[] }),
  '/pods': pod,
  [definitions]: definition,
  'apps/deployments': deployment,
  'apps/replicasets': replicaSet,
  'apps/statefulsets': statefulSet,
  'apps/daemonsets': daemonSet,
  'batch/jobs': job,
};
const everywhere = '*';

/**
 * Controllers, scheduler and kubelets of one cluster, by level: what happens in a namespace only says that all of it is to be looked at again, in a moment.
 * Nothing runs while nothing changes.
 */
export class Player {
  readonly #writes: Writes;
  readonly #clock: Clock;
  readonly #options: Pick<Seen, 'delayMs' | 'ca'>;
  readonly #failed: (error: unknown) => void;
  /** By uid, what an object waits for. */
  readonly #waiting = new Map<string, { readonly what: string; readonly at: number; readonly cancel: Cancel }>();
  readonly #stopListening: () => void;
  #touched = new Set<string>();
  #moment: Cancel | undefined;

  constructor(writes: Writes, clock: Clock, options: Pick<Seen, 'delayMs' | 'ca'>, failed: (error: unknown) => void) {
    [this.#writes, this.#clock, this.#options, this.#failed] = [writes, clock, options, failed];
    for (const one of writes.store.list(definitions)) writes.kinds.define(one.metadata.name, one);
    this.#stopListening = writes.store.listen((event) => this.#heard(event));
    this.#touch(everywhere);
  }

  stop(): void {
    this.#stopListening();
    this.#moment?.();
    for (const { cancel } of this.#waiting.values()) cancel();
  }

  #heard({ table, object: { metadata }, after }: StoreEvent): void {
    if (table === definitions) this.#writes.kinds.define(metadata.name, after);
    // A node, or what has no namespace and owns something, may concern anybody.
    this.#touch(metadata.namespace ?? (table === '/namespaces' ? '' : everywhere));
    if (after) return;
    this.#touch(''); // a namespace, or a definition, may have waited for it
    this.#wait(metadata.uid);
  }

  #touch(namespace: string): void {
    this.#touched.add(namespace);
    this.#moment ??= this.#clock.after(0, () => this.#look());
  }

  #look(): void {
    const touched = this.#touched;
    [this.#touched, this.#moment] = [new Set(), undefined];
    const all = [...this.#writes.store.objects()];
    const near = all.filter(([, { metadata }]) => touched.has(metadata.namespace ?? '') || touched.has(everywhere));
    const owned = Map.groupBy(
      near.map(([, object]) => object),
      (object) => ownerOf(object)?.uid,
    );
    const byUid = new Map(all.map((entry) => [entry[1].metadata.uid, entry]));
    const [nodes, now] = [this.#writes.store.list('/nodes'), this.#clock.now()];
    for (const [table, object] of near) {
      const { uid, deletionTimestamp, ownerReferences: owners = [] } = object.metadata;
      const isAlone = owners.length > 0 && !owners.some((owner) => byUid.has(owner.uid));
      const rule = deletionTimestamp !== undefined ? ending : isAlone ? abandoned : rules[table];
      const around = { owned: owned.get(uid) ?? [], owners: ownersOf(object, byUid), nodes, all, now };
      try {
        if (rule) this.#grant(rule({ table, object, ...around, ...this.#options }), object, byUid);
      } catch (error) {
        // Refused, as anybody may be: there is another look when something changes.
        if (!(error instanceof ApiError)) this.#failed(error);
      }
    }
  }

  #grant(
    { after, create = [], put = [], remove = [], removing = {}, againMs }: Wish,
    { metadata }: Stored,
    byUid: ReadonlyMap<string, Entry>,
  ): void {
    const { store, kinds } = this.#writes;
    const now = this.#clock.now();
    const known = this.#waiting.get(metadata.uid);
    const at = after && known?.what === after.what ? known.at : now + (after?.ms ?? 0);
    this.#wait(metadata.uid, metadata.namespace, after?.what, at > now ? at : againMs && now + againMs);
    if (at > now) return;
    for (const one of put) {
      const { namespace = '', name, resourceVersion } = one.metadata;
      const [table = ''] = byUid.get(one.metadata.uid) ?? [];
      const live = store.get(table, namespace, name);
      // Of another version: there is another look at it.
      if (live?.metadata.resourceVersion === resourceVersion && !same(live, one)) store.put(table, one);
    }
    for (const one of create) {
      const kind = kinds.own(textAt(one, 'kind'));
      const namespace = textAt(one, 'metadata', 'namespace');
      const request = { kind, namespace, name: '', manager: 'kube-controller-manager', validation: 'Ignore' } as const;
      if (!store.get(tableOf(kind), namespace, textAt(one, 'metadata', 'name'))) this.#writes.create(request, one);
    }
    for (const one of remove) {
      const kind = kinds.ofTable(byUid.get(one.metadata.uid)?.[0] ?? '');
      if (kind) this.#writes.delete(kind, one.metadata.namespace ?? '', one.metadata.name, removing);
    }
  }

  /** Has an object looked at again at a time, or not. */
  #wait(uid: string, namespace = '', what = '', at?: number): void {
    this.#waiting.get(uid)?.cancel();
    this.#waiting.delete(uid);
    if (at === undefined) return;
    const cancel = this.#clock.after(at - this.#clock.now(), () => this.#touch(namespace));
    this.#waiting.set(uid, { what, at, cancel });
  }
}

const ownerOf = ({ metadata }: Stored) => metadata.ownerReferences?.find(({ controller }) => controller);

function ownersOf(object: Stored, byUid: ReadonlyMap<string, Entry>): readonly Stored[] {
  const [, owner] = byUid.get(ownerOf(object)?.uid ?? '') ?? [];
  return owner ? [owner, ...ownersOf(owner, byUid)] : [];
}
