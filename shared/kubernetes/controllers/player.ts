import type { Cancel, Clock } from '../../clock/mod.ts';
import { ApiError } from '../errors.ts';
import { tableOf } from '../objects/kinds.ts';
import type { DeleteOptions, Writes } from '../objects/writes.ts';
import { at, listAt, same, textAt, type Doc, type Stored } from '../values.ts';
import { abandoned, ending } from './endings.ts';

type Entry = readonly [table: string, object: Stored];

/** What there is to go by for one object. */
export interface Seen {
  readonly table: string;
  readonly object: Stored;
  /** What it controls. */
  readonly owned: readonly Stored[];
  /** What controls it, what controls that, and so on. */
  readonly owners: readonly Stored[];
  readonly nodes: readonly Stored[];
  readonly all: readonly Entry[];
  readonly now: number;
  /** How long what a controller or kubelet does takes here. */
  readonly delayMs: number;
}

/** What is to become of it, and of others. */
export interface Wish {
  /** Only after this time, from when the same was wished first. */
  readonly after?: { readonly what: string; readonly ms: number };
  readonly put?: readonly Stored[];
  readonly create?: readonly Doc[];
  readonly remove?: readonly Stored[];
  readonly removing?: DeleteOptions;
  /** To be looked at again after this time, even if nothing happens. */
  readonly againMs?: number;
}

const definitions = 'apiextensions.k8s.io/customresourcedefinitions';

/** Who sees to what, by table. All of them are pure; what is being deleted, or has lost its owners, is seen to here. */
export type Rules = Readonly<Record<string, (seen: Seen) => Wish>>;
export interface Playing {
  readonly rules: Rules;
  readonly clock: Clock;
  readonly delayMs: number;
  /** Has the next look taken in a moment; who has no time to wait takes it at once. */
  readonly soon: (look: () => void) => Cancel;
  /** Told of what should never happen. */
  readonly failed: (error: unknown) => void;
}
const everywhere = '*';
/** Timers know no longer times; an early look does no harm. */
const waitMaxMs = 86_400_000;

/**
 * Plays the controllers, scheduler and kubelets of one cluster, until the returned function is called. By level: what happens in a namespace only says that
 * all of it is to be looked at again, in a moment. Nothing runs while nothing changes.
 */
export function play(writes: Writes, { rules, clock, delayMs, soon, failed }: Playing): () => void {
  const { store, kinds } = writes;
  const touched = new Set<string>();
  let moment: Cancel | undefined;
  /** By uid, what an object waits for. */
  const waiting = new Map<string, { readonly what: string; readonly at: number; readonly cancel: Cancel }>();

  const touch = (namespace: string): void => {
    touched.add(namespace);
    moment ??= soon(look);
  };
  const wait = (uid: string, namespace = '', what = '', ms?: number): void => {
    waiting.get(uid)?.cancel();
    waiting.delete(uid);
    if (ms === undefined || !Number.isFinite(ms)) return;
    waiting.set(uid, { what, at: clock.now() + ms, cancel: clock.after(Math.min(ms, waitMaxMs), () => touch(namespace)) });
  };

  function look(): void {
    moment = undefined;
    try {
      lookAround();
    } catch (error) {
      failed(error);
    }
  }

  function lookAround(): void {
    const all = [...store.objects()];
    const near = all.filter(([, { metadata }]) => touched.has(metadata.namespace ?? '') || touched.has(everywhere));
    touched.clear();
    const owned = Map.groupBy(
      near.map(([, object]) => object),
      (object) => ownerUidOf(object),
    );
    const byUid = new Map(all.map((entry) => [entry[1].metadata.uid, entry]));
    const around = { delayMs, all, nodes: store.list('/nodes'), now: clock.now() };
    for (const [table, object] of near) {
      const { uid, deletionTimestamp } = object.metadata;
      const owners = listAt(object, 'metadata', 'ownerReferences');
      const isAlone = owners.length > 0 && !owners.some((owner) => byUid.has(textAt(owner, 'uid')));
      const rule = deletionTimestamp !== undefined ? ending : isAlone ? abandoned : rules[table];
      const seen = { ...around, table, object, owned: owned.get(uid) ?? [], owners: ownersOf(object, byUid) };
      try {
        if (rule) grant(rule(seen), object, byUid);
      } catch (error) {
        // Refused, as anybody may be: there is another look when something changes.
        if (!(error instanceof ApiError)) failed(error);
      }
    }
  }

  function grant(wish: Wish, { metadata: { uid, namespace } }: Stored, byUid: ReadonlyMap<string, Entry>): void {
    const { after, put = [], create = [], remove = [], removing = {} } = wish;
    const known = waiting.get(uid);
    const leftMs = !after ? 0 : known?.what === after.what ? known.at - clock.now() : after.ms;
    if (leftMs > 0) return wait(uid, namespace, after?.what, leftMs);
    wait(uid, namespace, '', wish.againMs);
    for (const one of put) {
      const [table = '', before] = byUid.get(one.metadata.uid) ?? [];
      const live = store.get(table, one.metadata.namespace ?? '', one.metadata.name);
      // Changed since it was seen: there will be another look.
      if (live === before && !same(live, one)) store.put(table, one);
    }
    for (const one of create) {
      const kind = kinds.own(textAt(one, 'kind'));
      const [home, name] = [textAt(one, 'metadata', 'namespace'), textAt(one, 'metadata', 'name')];
      const request = { kind, namespace: home, name: '', manager: 'kube-controller-manager', validation: 'Ignore' } as const;
      if (!store.get(tableOf(kind), home, name)) writes.create(request, one);
    }
    for (const one of remove) {
      const kind = kinds.ofTable(byUid.get(one.metadata.uid)?.[0] ?? '');
      if (kind) writes.delete(kind, one.metadata.namespace ?? '', one.metadata.name, removing);
    }
  }

  for (const one of store.list(definitions)) kinds.define(one.metadata.name, one);
  touch(everywhere);
  const stopListening = store.listen(({ table, object: { metadata }, after }) => {
    if (table === definitions) kinds.define(metadata.name, after);
    // A node, or what has no namespace and owns something, may concern anybody.
    touch(metadata.namespace ?? (table === '/namespaces' ? '' : everywhere));
    if (after) return;
    touch(''); // a namespace, or a definition, may have waited for it
    wait(metadata.uid);
  });
  return () => {
    stopListening();
    moment?.();
    for (const { cancel } of waiting.values()) cancel();
  };
}

const ownerUidOf = (object: Stored): string =>
  textAt(
    listAt(object, 'metadata', 'ownerReferences').find((one) => at(one, 'controller') === true),
    'uid',
  );

/** From the nearest on. Whoever may write objects may have them own each other. */
function ownersOf(object: Stored, byUid: ReadonlyMap<string, Entry>): readonly Stored[] {
  const owners = new Map<string, Stored>();
  for (let next = byUid.get(ownerUidOf(object)); next && !owners.has(next[1].metadata.uid); next = byUid.get(ownerUidOf(next[1])))
    owners.set(next[1].metadata.uid, next[1]);
  return [...owners.values()];
}
