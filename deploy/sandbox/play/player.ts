import type { Cancel, Clock } from '#shared/clock/mod.ts';
import { ApiError } from '../errors.ts';
import { tableOf, type Kind } from '../objects/kinds.ts';
import type { StoreEvent } from '../objects/store.ts';
import type { Writes } from '../objects/writes.ts';
import { at, docAt, isDoc, listAt, same, textAt, timestamp, withAt, type Doc, type Stored } from '../values.ts';
import { failureOf, nodesFor, statusOf, unschedulable, type Life } from './pods.ts';
import { daemonSet, deployment, job, replicaSet, statefulSet, type Seen, type Wish } from './workloads.ts';

const controllers: Readonly<Record<string, (seen: Seen) => Wish>> = {
  'apps/deployments': deployment,
  'apps/replicasets': replicaSet,
  'apps/statefulsets': statefulSet,
  'apps/daemonsets': daemonSet,
  'batch/jobs': job,
};
const definitions = 'apiextensions.k8s.io/customresourcedefinitions';
const cleanup = 'customresourcecleanup.apiextensions.k8s.io';

const othersOf = ({ metadata }: Stored, uid: string): unknown => {
  const left = metadata.ownerReferences?.filter((owner) => owner.uid !== uid) ?? [];
  return left.length > 0 ? left : undefined;
};

/** Controllers, scheduler and kubelets of one cluster, by level: an event only says whom to look at again. Nothing runs while nothing changes. */
export class Player {
  readonly #writes: Writes;
  readonly #clock: Clock;
  readonly #delayMs: number;
  readonly #authority: string;
  readonly #failed: (error: unknown) => void;
  readonly #due = new Map<string, Cancel>();
  readonly #stopListening: () => void;
  #isStopped = false;

  constructor(writes: Writes, clock: Clock, delayMs: number, authority: string, failed: (error: unknown) => void) {
    [this.#writes, this.#clock, this.#delayMs, this.#authority, this.#failed] = [writes, clock, delayMs, authority, failed];
    const { store, kinds } = writes;
    for (const definition of store.list(definitions)) kinds.define(definition.metadata.name, definition);
    for (const [table, object] of store.objects()) this.#look(table, object);
    this.#stopListening = store.listen((event) => this.#heard(event));
  }

  stop(): void {
    this.#isStopped = true;
    this.#stopListening();
    for (const cancel of this.#due.values()) cancel();
  }

  #heard({ table, object, before, after }: StoreEvent): void {
    if (table === definitions) this.#writes.kinds.define(object.metadata.name, after);
    if (after) this.#look(table, after);
    if (table === '/namespaces' && after && !before) this.#furnish(after.metadata.name);
    for (const { uid } of object.metadata.ownerReferences ?? []) this.#soon(`owner ${uid}`);
    if (!after) this.#soon(`orphans ${object.metadata.uid}`);
    const home = object.metadata.namespace;
    if (!after && home !== undefined && this.#writes.store.get('/namespaces', '', home)?.metadata.deletionTimestamp)
      this.#soon(`/namespaces /${home}`);
    if (!after && before && table.includes('/'))
      this.#look(definitions, this.#writes.store.get(definitions, '', `${table.split('/')[1]}.${table.split('/')[0]}`));
    // Failing by annotation concerns the pods of a workload at once.
    if (controllers[table] && before && !same(before.metadata.annotations, object.metadata.annotations))
      for (const pod of this.#writes.store.list('/pods', home)) this.#look('/pods', pod);
  }

  /** What every namespace has from its beginning. */
  #furnish(namespace: string): void {
    this.#clock.after(0, () => {
      if (this.#isStopped || !this.#writes.store.get('/namespaces', '', namespace)) return;
      const { kinds } = this.#writes;
      this.#writes.create(this.#request(kinds.own('ServiceAccount'), namespace, ''), { metadata: { name: 'default' } });
      const about =
        'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.';
      const metadata = { name: 'kube-root-ca.crt', annotations: { 'kubernetes.io/description': about } };
      this.#writes.create(this.#request(kinds.own('ConfigMap'), namespace, ''), { metadata, data: { 'ca.crt': this.#authority } });
    });
  }

  #look(table: string, object: Stored | undefined): void {
    if (!object) return;
    const { namespace = '', name, deletionTimestamp } = object.metadata;
    if (controllers[table] || table === '/pods' || table === definitions || deletionTimestamp) this.#soon(`${table} ${namespace}/${name}`);
  }

  /** Visits the key once, soon; an earlier time wins. */
  #soon(key: string, ms = 0): void {
    if (this.#isStopped || (ms === 0 && this.#due.has(`${key} now`))) return;
    const slot = ms === 0 ? `${key} now` : key;
    this.#due.get(slot)?.();
    const cancel = this.#clock.after(ms, () => {
      this.#due.delete(slot);
      try {
        this.#visit(key, ms > 0);
      } catch (error) {
        // Somebody else was faster: their write says whom to look at again.
        if (!(error instanceof ApiError)) this.#failed(error);
      }
    });
    this.#due.set(slot, cancel);
  }

  #visit(key: string, isLate: boolean): void {
    const { store, kinds } = this.#writes;
    const [table = '', place = ''] = key.split(' ');
    if (table === 'owner') return this.#visitOwner(place);
    if (table === 'orphans') return this.#collect(place);
    const [namespace = '', name = ''] = place.split('/');
    const object = store.get(table, namespace, name);
    const kind = kinds.ofTable(table);
    if (!object || !kind) return;
    if (object.metadata.deletionTimestamp) this.#dying(key, kind, object);
    else if (table === '/pods') this.#pod(key, kind, object, isLate);
    else if (table === definitions) this.#establish(key, kind, object, isLate);
    else this.#control(key, kind, object);
  }

  #control(key: string, kind: Kind, object: Stored): void {
    const { store, kinds } = this.#writes;
    const namespace = object.metadata.namespace ?? '';
    const owned = (table: string): readonly Stored[] =>
      store
        .list(table, namespace)
        .filter((one) => one.metadata.ownerReferences?.some(({ uid, controller }) => controller && uid === object.metadata.uid));
    const seen: Seen = {
      object,
      pods: owned('/pods'),
      sets: owned('apps/replicasets'),
      nodes: store.list('/nodes'),
      now: this.#clock.now(),
    };
    const wish = controllers[tableOf(kind)]?.(seen);
    if (!wish) return;
    for (const { kind: made, object: child } of wish.create ?? [])
      this.#writes.create(this.#request(kinds.own(made), namespace, ''), child);
    for (const pod of wish.remove ?? []) this.#writes.delete(kinds.own('Pod'), namespace, pod.metadata.name, {});
    for (const { set, replicas, desired } of wish.scale ?? []) {
      const scaled = withAt(
        withAt(set, ['spec', 'replicas'], replicas),
        ['metadata', 'annotations', 'deployment.kubernetes.io/desired-replicas'],
        String(desired),
      );
      this.#writes.update(this.#request(kinds.own('ReplicaSet'), namespace, set.metadata.name), scaled);
    }
    this.#report(kind, object, wish.status, wish.annotations);
    if (wish.againMs !== undefined) this.#soon(key, wish.againMs + 1);
  }

  #pod(key: string, kind: Kind, pod: Stored, isLate: boolean): void {
    const { store } = this.#writes;
    const now = this.#clock.now();
    if (['Succeeded', 'Failed'].includes(textAt(pod, 'status', 'phase'))) return;
    const owners = this.#ownersOf(pod);
    const failure = failureOf(pod, owners);
    if (textAt(pod, 'spec', 'nodeName') === '') {
      if (textAt(pod, 'spec', 'schedulerName') !== 'default-scheduler') return;
      const nodes = store.list('/nodes');
      const fitting = nodesFor(docAt(pod, 'spec'), nodes);
      const node = fitting[Number.parseInt(pod.metadata.uid.slice(0, 4), 16) % fitting.length];
      if (!node || failure?.failure === 'Unschedulable')
        return this.#report(kind, pod, unschedulable(pod, nodes.length, now), undefined, 'kube-scheduler');
      // A pod carries where its node is.
      const places = Object.entries(node.metadata.labels ?? {}).filter(([key]) => /^topology\.kubernetes\.io\/(region|zone)$/.test(key));
      const labelled = withAt(pod, ['metadata', 'labels'], { ...pod.metadata.labels, ...Object.fromEntries(places) });
      store.put('/pods', withAt(labelled, ['spec', 'nodeName'], node.metadata.name) as Stored);
      return;
    }
    const started = Date.parse(textAt(pod, 'status', 'startTime') || pod.metadata.creationTimestamp);
    const isNew = textAt(pod, 'status', 'startTime') === '';
    if (isNew && !isLate) return this.#due.has(key) ? undefined : this.#soon(key, this.#delayMs);
    const failsInMs = failure ? started + failure.afterMs - now : Number.POSITIVE_INFINITY;
    const isJob = owners.some((owner) => owner.kind === 'Job');
    let life: Life = 'running';
    if (failure && failsInMs <= 0 && failure.failure !== 'Unschedulable') life = failure.failure;
    if (isJob && life === 'CrashLoopBackOff' && textAt(pod, 'spec', 'restartPolicy') === 'Never') life = 'failed';
    if (isJob && life === 'running' && !isNew) life = 'succeeded';
    this.#report(kind, pod, statusOf(pod, life, now), undefined, 'kubelet');
    if (failure && failsInMs > 0) this.#soon(key, failsInMs);
    else if (isJob && life === 'running') this.#soon(key, this.#delayMs);
  }

  /** What owns it, what owns that, and so on. */
  #ownersOf(object: Stored): readonly Stored[] {
    const owner = object.metadata.ownerReferences?.find(({ controller }) => controller);
    const table = Object.keys(controllers).find((one) => this.#writes.kinds.ofTable(one)?.kind === owner?.kind);
    const found = owner && table ? this.#writes.store.get(table, object.metadata.namespace ?? '', owner.name) : undefined;
    return found && found.metadata.uid === owner?.uid ? [found, ...this.#ownersOf(found)] : [];
  }

  #visitOwner(uid: string): void {
    for (const [table, object] of this.#writes.store.objects()) if (object.metadata.uid === uid) return this.#look(table, object);
    this.#collect(uid);
  }

  /** What was owned by something that is gone goes too, unless another owner is left. */
  #collect(uid: string): void {
    const all = [...this.#writes.store.objects()];
    const uids = new Set(all.map(([, object]) => object.metadata.uid));
    if (uids.has(uid)) return;
    for (const [table, object] of all) {
      const owners = object.metadata.ownerReferences ?? [];
      const kind = this.#writes.kinds.ofTable(table);
      if (
        !kind ||
        object.metadata.deletionTimestamp ||
        !owners.some((owner) => owner.uid === uid) ||
        owners.some((owner) => uids.has(owner.uid))
      )
        continue;
      this.#writes.delete(kind, object.metadata.namespace ?? '', object.metadata.name, { propagation: 'Background' });
    }
  }

  #dying(key: string, kind: Kind, object: Stored): void {
    const { store } = this.#writes;
    const { namespace = '', name, finalizers = [], uid } = object.metadata;
    const rest = (finalizer: string): void =>
      void store.put(
        tableOf(kind),
        withAt(
          object,
          ['metadata', 'finalizers'],
          finalizers.filter((one) => one !== finalizer),
        ) as Stored,
      );
    const finish = (): void => void this.#writes.delete(kind, namespace, name, { graceSeconds: 0 });
    const dependents = [...store.objects()].filter(([, one]) => one.metadata.ownerReferences?.some((owner) => owner.uid === uid));
    if (finalizers.includes('orphan')) {
      for (const [table, one] of dependents) store.put(table, withAt(one, ['metadata', 'ownerReferences'], othersOf(one, uid)) as Stored);
      rest('orphan');
      return finish();
    }
    if (finalizers.includes('foregroundDeletion')) {
      for (const [table, one] of dependents) {
        const owned = this.#writes.kinds.ofTable(table);
        if (owned && !one.metadata.deletionTimestamp)
          this.#writes.delete(owned, one.metadata.namespace ?? '', one.metadata.name, { propagation: 'Background' });
      }
      if (dependents.length > 0) return;
      rest('foregroundDeletion');
      return finish();
    }
    if (kind.builtIn && kind.kind === 'Namespace') return this.#emptied(object, finish);
    if (tableOf(kind) === definitions && finalizers.includes(cleanup)) return this.#undefined(object, () => (rest(cleanup), finish()));
    if (tableOf(kind) === '/pods' && finalizers.length === 0) {
      if (this.#due.has(`${key} dying`)) return;
      this.#due.set(
        `${key} dying`,
        this.#clock.after(this.#delayMs, () => {
          this.#due.delete(`${key} dying`);
          if (store.get('/pods', namespace, name)?.metadata.uid === uid) finish();
        }),
      );
    }
  }

  #emptied(namespace: Stored, finish: () => void): void {
    const { store, kinds } = this.#writes;
    let left = 0;
    for (const table of store.tables()) {
      const kind = kinds.ofTable(table);
      for (const object of kind?.namespaced ? store.list(table, namespace.metadata.name) : []) {
        left += 1;
        if (kind && !object.metadata.deletionTimestamp)
          this.#writes.delete(kind, namespace.metadata.name, object.metadata.name, { propagation: 'Background' });
      }
    }
    if (left > 0) return this.#soon(`/namespaces /${namespace.metadata.name}`, this.#delayMs);
    store.put('/namespaces', withAt(namespace, ['spec', 'finalizers'], undefined) as Stored);
    finish();
  }

  #establish(key: string, kind: Kind, definition: Stored, isLate: boolean): void {
    if (
      listAt(definition, 'status', 'conditions').some((one) => textAt(one, 'type') === 'Established' && textAt(one, 'status') === 'True')
    ) {
      const names = docAt(definition, 'spec', 'names');
      if (!same(names, at(definition, 'status', 'acceptedNames')))
        this.#report(kind, definition, { ...docAt(definition, 'status'), acceptedNames: names });
      return;
    }
    if (!isLate) return this.#soon(key, this.#delayMs / 4);
    const since = timestamp(this.#clock.now());
    const taken = this.#takenName(definition);
    if (taken) {
      const no = (type: string, reason: string, message: string): Doc => ({
        type,
        status: 'False',
        lastTransitionTime: since,
        reason,
        message,
      });
      const conditions = [no('NamesAccepted', ...taken), no('Established', 'NotAccepted', 'not all names are accepted')];
      const said = listAt(definition, 'status', 'conditions');
      if (said.length === 0) this.#report(kind, definition, { ...docAt(definition, 'status'), conditions });
      return;
    }
    const yes = (type: string, reason: string, message: string): Doc => ({
      type,
      status: 'True',
      lastTransitionTime: since,
      reason,
      message,
    });
    const conditions = [
      yes('NamesAccepted', 'NoConflicts', 'no conflicts found'),
      yes('Established', 'InitialNamesAccepted', 'the initial names have been accepted'),
    ];
    const finalizers = [...new Set([...(definition.metadata.finalizers ?? []), cleanup])];
    const stored = listAt(definition, 'spec', 'versions')
      .filter((one) => isDoc(one) && one['storage'] === true)
      .map((one) => textAt(one, 'name'));
    const held = this.#writes.store.put(definitions, withAt(definition, ['metadata', 'finalizers'], finalizers) as Stored);
    this.#report(kind, held, { conditions, acceptedNames: docAt(definition, 'spec', 'names'), storedVersions: stored });
  }

  /** What another definition of the group is called already, as a reason and a sentence. */
  #takenName(definition: Stored): readonly [reason: string, message: string] | undefined {
    const { group, names } = docAt(definition, 'spec');
    for (const other of this.#writes.store.list(definitions)) {
      if (other.metadata.uid === definition.metadata.uid || at(other, 'spec', 'group') !== group) continue;
      const accepted = docAt(other, 'status', 'acceptedNames');
      const taken = (['listKind', 'kind', 'singular', 'plural'] as const).find(
        (name) => textAt(names, name) !== '' && accepted[name] === textAt(names, name),
      );
      if (taken)
        return [`${taken[0]?.toUpperCase()}${taken.slice(1)}Conflict`, `${JSON.stringify(textAt(names, taken))} is already in use`];
    }
    return undefined;
  }

  #undefined(definition: Stored, done: () => void): void {
    const { store, kinds } = this.#writes;
    const table = `${textAt(definition, 'spec', 'group')}/${textAt(definition, 'spec', 'names', 'plural')}`;
    const kind = kinds.ofTable(table);
    const left = store.list(table);
    if (left.length === 0 || !kind) return done();
    const { status } = definition;
    const others = listAt(definition, 'status', 'conditions').filter((one) => textAt(one, 'type') !== 'Terminating');
    const message = 'CustomResource deletion is in progress';
    const dying = {
      type: 'Terminating',
      status: 'True',
      lastTransitionTime: timestamp(this.#clock.now()),
      reason: 'InstanceDeletionInProgress',
      message,
    };
    if (listAt(definition, 'status', 'conditions').length === others.length)
      this.#report(kinds.own('CustomResourceDefinition'), definition, { ...(status as Doc), conditions: [...others, dying] });
    for (const { metadata } of left)
      if (!metadata.deletionTimestamp) this.#writes.delete(kind, metadata.namespace ?? '', metadata.name, {});
  }

  #report(kind: Kind, object: Stored, status: Doc, annotations?: Doc, manager = 'kube-controller-manager'): void {
    const { namespace = '', name } = object.metadata;
    const now = this.#writes.store.get(tableOf(kind), namespace, name);
    if (!now) return;
    if (!same(status, now['status']))
      this.#writes.update({ ...this.#request(kind, namespace, name, manager), subresource: 'status' }, { ...now, status });
    if (annotations === undefined || Object.entries(annotations).every(([key, value]) => now.metadata.annotations?.[key] === value)) return;
    const latest = this.#writes.get(kind, namespace, name);
    this.#writes.update(
      this.#request(kind, namespace, name, manager),
      withAt(latest, ['metadata', 'annotations'], { ...latest.metadata.annotations, ...annotations }),
    );
  }

  #request(kind: Kind, namespace: string, name: string, manager = 'kube-controller-manager') {
    return { kind, namespace, name, manager, validation: 'Ignore' as const };
  }
}
