import { labels } from '#shared/kernel/mod.ts';
import { refText, type KubeObject } from '#spoke/kube/mod.ts';
import type { Dice } from './chance.ts';
import { bearsMarks, keyOf, type SimCluster } from './cluster.ts';
import { namespace } from './contents.ts';
import type { SimFleet } from './fleet.ts';

const deeds = { edits: 6, deletes: 5, recreates: 3, remakes: 3, copies: 3, unlabels: 3, owns: 2, isFaster: 6 } as const;
type Deed = keyof typeof deeds;

/** People with kubectl: what they do to a cluster beside Wheelhouse. */
export class People {
  readonly #fleet: SimFleet;
  readonly #dice: Dice;
  #count = 0;
  /** Where they have put something that is in the way of a release. */
  readonly #inTheWay: { readonly cluster: SimCluster; readonly key: string }[] = [];

  constructor(fleet: SimFleet) {
    this.#fleet = fleet;
    this.#dice = fleet.chance.dice('people');
  }

  act(cluster: SimCluster): void {
    const deed = this.#dice.weighted(deeds);
    if (deed === 'isFaster') return this.#waitForIt(cluster);
    const all = cluster.tenants().filter(bearsMarks);
    if (all.length > 0) this.#do(cluster, deed, this.#dice.pick(all));
  }

  /**
   * They take back what nobody but they may: an object of their own, which a release would have to overwrite. The spoke reports it and writes nothing, by
   * rule; where it has made the object its own meanwhile, that stays.
   */
  clear(): void {
    for (const { cluster, key } of this.#inTheWay.splice(0)) {
      const object = cluster.object(key);
      const isOwn = this.#fleet.writes.seenOf(cluster).own.has(object?.metadata.uid ?? '');
      if (object && (!bearsMarks(object) || !isOwn)) cluster.remove(object);
    }
  }

  /** Edits one object, deletes another. */
  disturb(cluster: SimCluster): void {
    const all = cluster.tenants().filter(bearsMarks);
    for (const deed of ['edits', 'deletes'] as const) if (all.length > 0) this.#do(cluster, deed, this.#dice.pick(all));
  }

  /** In the moment before the spoke's next write to an object arrives, somebody has been there. */
  #waitForIt(cluster: SimCluster): void {
    const deed = this.#dice.pick<Deed>(['edits', 'deletes', 'recreates', 'remakes', 'unlabels']);
    const verb = this.#dice.pick(['any', 'delete'] as const);
    this.#fleet.agent(cluster).race = {
      verb,
      act: (ref) => {
        const found = cluster.object(refText(ref));
        if (found) this.#do(cluster, deed, found);
      },
    };
  }

  #do(cluster: SimCluster, deed: Deed, object: KubeObject): void {
    this.#fleet.trace.add('person', `${cluster.name}: ${deed} ${keyOf(object)}`);
    this.#count += 1;
    if (deed === 'recreates' || deed === 'remakes' || deed === 'unlabels') this.#inTheWay.push({ cluster, key: keyOf(object) });
    const {
      resourceVersion: _version,
      uid: _uid,
      managedFields: _fields,
      generation: _generation,
      creationTimestamp: _created,
      ...metadata
    } = object.metadata;
    switch (deed) {
      case 'edits':
        return cluster.put(this.#edited(object));
      case 'deletes':
        return cluster.remove(object);
      case 'recreates': {
        // Without a word of ours on it: another object of the same name.
        cluster.remove(object);
        cluster.put({ ...object, metadata: { name: metadata.name, namespace } });
        return;
      }
      case 'remakes':
        // From a file that was saved before, labels and all.
        cluster.remove(object);
        return cluster.put({ ...object, metadata });
      case 'copies':
        // With labels and annotations, as operators do it: it names another.
        return cluster.put({ ...object, metadata: { ...metadata, name: `copy-${this.#count}` } });
      case 'unlabels': {
        const { [labels.fleet]: _fleet, [labels.assignment]: _assignment, ...others } = metadata.labels ?? {};
        return cluster.put({ ...object, metadata: { ...metadata, labels: others } });
      }
      case 'owns':
        return cluster.put({
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name: `own-${this.#count}`, namespace },
          data: { whose: 'mine' },
        });
      case 'isFaster':
        return;
    }
  }

  #edited(object: KubeObject): KubeObject {
    if (object.kind === 'ConfigMap')
      return { ...object, data: { ...(object['data'] as object), value: `theirs ${this.#count}`, settings: 'theirs' } };
    if (object.kind === 'Widget') return { ...object, spec: { size: -this.#count } };
    return { ...object, spec: { ...(object['spec'] as object), replicas: 7 } };
  }
}
