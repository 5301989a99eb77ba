import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom, VirtualClock } from '../../clock/mod.ts';
import { Kinds } from '../objects/kinds.ts';
import { Store } from '../objects/store.ts';
import { Writes } from '../objects/writes.ts';
import { textAt, withAt, type Doc, type Stored } from '../values.ts';
import { definition } from './endings.ts';
import { play, type Rules } from './player.ts';

const definitions = 'apiextensions.k8s.io/customresourcedefinitions';

/** A cluster with what `rules` say, each look taken when `rest` is called. */
function cluster(rules: Rules = { [definitions]: definition }, delayMs = 0) {
  const [clock, store, kinds] = [new VirtualClock(), new Store([], 1), new Kinds()];
  const writes = new Writes(store, kinds, clock, seededRandom(1));
  let due: (() => void) | undefined;
  const soon = (look: () => void) => {
    due = look;
    return () => (due = undefined);
  };
  const failures: unknown[] = [];
  const stop = play(writes, { rules, clock, delayMs, soon, failed: (error) => void failures.push(error) });
  /** How many looks it took. */
  const rest = (): number => {
    for (let looks = 0; ; looks += 1) {
      const look = due;
      due = undefined;
      if (!look) return looks;
      look();
    }
  };
  const make = (kind: string, name: string, more: Doc = {}, namespace = 'default'): Stored => {
    const own = kinds.own(kind);
    const head = { metadata: { name }, ...more };
    return writes.create({ kind: own, namespace: own.namespaced ? namespace : '', name: '', manager: 'test' }, head);
  };
  const remove = (kind: string, name: string, namespace = '') => writes.delete(kinds.own(kind), namespace, name, {});
  const names = (table: string): string =>
    store
      .list(table)
      .map(({ metadata }) => metadata.name)
      .join();
  make('Namespace', 'default');
  rest();
  return { clock, store, kinds, writes, stop, rest, failures, make, remove, names };
}
const ownedBy = (...owners: readonly Stored[]): Doc => {
  const ownerReferences = owners.map(({ apiVersion, kind, metadata: { name, uid } }) => ({ apiVersion, kind, name, uid }));
  return { ownerReferences };
};

test('what has another owner left stays', () => {
  const { make, remove, rest, names } = cluster();
  const owners = ['one', 'two'].map((name) => make('ConfigMap', name));
  make('ConfigMap', 'both', { metadata: { name: 'both', ...ownedBy(...owners) } });
  for (const [owner, left] of [
    ['one', 'both,two'],
    ['two', ''],
  ] as const) {
    remove('ConfigMap', owner, 'default');
    rest();
    assert.equal(names('/configmaps'), left);
  }
});

test('a namespace goes with all that is in it, after what is held in there', () => {
  const { make, remove, rest, names, writes, kinds } = cluster();
  make('Namespace', 'other');
  make('ConfigMap', 'free', {}, 'other');
  make('ConfigMap', 'held', { metadata: { name: 'held', finalizers: ['a/b'] } }, 'other');
  make('ConfigMap', 'elsewhere');
  remove('Namespace', 'other');
  rest();
  assert.deepEqual([names('/namespaces'), names('/configmaps')], ['default,other', 'elsewhere,held']);
  const request = { kind: kinds.own('ConfigMap'), namespace: 'other', name: 'held', manager: 'test' };
  writes.patch(request, 'merge', { metadata: { finalizers: null } });
  rest();
  assert.deepEqual([names('/namespaces'), names('/configmaps')], ['default', 'elsewhere']);
});

test('a kind comes with its definition, and goes with it and its objects', () => {
  const { make, remove, rest, kinds, writes, store } = cluster();
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  const versions = [{ name: 'v1', served: true, storage: true, schema }];
  make('CustomResourceDefinition', 'gadgets.acme.dev', {
    spec: { group: 'acme.dev', scope: 'Namespaced', names: { kind: 'Gadget', plural: 'gadgets' }, versions },
  });
  assert.equal(kinds.ofTable('acme.dev/gadgets'), undefined, 'not before it is established');
  rest();
  const kind = kinds.ofTable('acme.dev/gadgets') ?? assert.fail('not served');
  writes.create({ kind, namespace: 'default', name: '', manager: 'test' }, { metadata: { name: 'g' }, spec: { size: 1 } });
  remove('CustomResourceDefinition', 'gadgets.acme.dev');
  rest();
  assert.deepEqual([kinds.ofTable('acme.dev/gadgets'), store.list('acme.dev/gadgets'), store.list(definitions)], [undefined, [], []]);
});

const label = (object: Stored, value: string): Stored => withAt(object, ['metadata', 'labels'], { seen: value });

test('a wish with a delay comes true after it, once, however often it is wished', async () => {
  const rule = ({ object, delayMs }: { object: Stored; delayMs: number }) =>
    textAt(object, 'metadata', 'labels', 'seen') === '' ? { after: { what: 'seen', ms: delayMs }, put: [label(object, 'yes')] } : {};
  const { make, rest, clock, store, writes, kinds } = cluster({ '/configmaps': rule }, 1_000);
  make('ConfigMap', 'a');
  rest();
  await clock.advance(600);
  const request = { kind: kinds.own('ConfigMap'), namespace: 'default', name: 'a', manager: 'test' };
  writes.patch(request, 'merge', { data: { x: '1' } });
  rest();
  const seen = (): string => textAt(store.get('/configmaps', 'default', 'a'), 'metadata', 'labels', 'seen');
  await clock.advance(399);
  rest();
  assert.equal(seen(), '');
  await clock.advance(1);
  const { version } = store;
  rest();
  assert.deepEqual([seen(), store.version], ['yes', version + 1]);
});

test('nothing is looked at while nothing changes, nor after the end; what fails is told and hinders nobody', () => {
  const rules: Rules = {
    '/configmaps': ({ object }) => {
      if (object.metadata.name === 'bad') throw new TypeError('a fault of the rule');
      return { put: [label(object, 'yes')] };
    },
  };
  const { make, rest, stop, failures, store } = cluster(rules);
  for (const name of ['bad', 'good']) make('ConfigMap', name);
  assert.ok(rest() > 0);
  assert.deepEqual(store.get('/configmaps', 'default', 'good')?.metadata.labels, { seen: 'yes' });
  assert.ok(failures.length > 0 && failures.every((error) => error instanceof TypeError));
  assert.equal(rest(), 0);
  stop();
  make('ConfigMap', 'late');
  assert.equal(rest(), 0);
});

test('who is deleted in the foreground waits for what it owns, and that for what it owns in turn', () => {
  const { make, rest, writes, kinds, names, store } = cluster();
  const owned = (name: string, owner: Stored, finalizers: readonly string[] = []): Stored =>
    make('ConfigMap', name, { metadata: { name, finalizers, ...ownedBy(owner) } });
  const first = make('ConfigMap', 'first');
  const second = owned('second', first);
  owned('third', second, ['a/b']);
  writes.delete(kinds.own('ConfigMap'), 'default', 'first', { propagation: 'Foreground' });
  rest();
  assert.equal(names('/configmaps'), 'first,second,third');
  const { version } = store;
  rest();
  assert.equal(store.version, version, 'what is dying is not deleted again');
  writes.patch({ kind: kinds.own('ConfigMap'), namespace: 'default', name: 'third', manager: 'test' }, 'merge', {
    metadata: { finalizers: null },
  });
  rest();
  assert.equal(names('/configmaps'), '');
});

test('who is let go keeps his other owners', () => {
  const { make, rest, writes, kinds, store } = cluster();
  const [one, two] = ['one', 'two'].map((name) => make('ConfigMap', name)) as [Stored, Stored];
  make('ConfigMap', 'both', { metadata: { name: 'both', ...ownedBy(one, two) } });
  writes.delete(kinds.own('ConfigMap'), 'default', 'one', { propagation: 'Orphan' });
  rest();
  const owners = store.get('/configmaps', 'default', 'both')?.metadata.ownerReferences ?? [];
  assert.deepEqual(
    owners.map(({ name }) => name),
    ['two'],
  );
});

test('a definition keeps the finalizers of others', () => {
  const { make, rest, store } = cluster();
  const versions = [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }];
  const spec = { group: 'acme.dev', scope: 'Namespaced', names: { kind: 'Gadget', plural: 'gadgets' }, versions };
  make('CustomResourceDefinition', 'gadgets.acme.dev', { metadata: { name: 'gadgets.acme.dev', finalizers: ['a/b'] }, spec });
  rest();
  assert.deepEqual(store.list(definitions)[0]?.metadata.finalizers, ['a/b', 'customresourcecleanup.apiextensions.k8s.io']);
});

test('another wish begins its time anew', async () => {
  const rule = ({ object }: { object: Stored }) => {
    const what = textAt(object, 'data', 'wish');
    return what === textAt(object, 'metadata', 'labels', 'seen') ? {} : { after: { what, ms: 1_000 }, put: [label(object, what)] };
  };
  const { make, rest, clock, store, writes, kinds } = cluster({ '/configmaps': rule });
  make('ConfigMap', 'a', { data: { wish: 'one' } });
  rest();
  await clock.advance(900);
  const request = { kind: kinds.own('ConfigMap'), namespace: 'default', name: 'a', manager: 'test' };
  writes.patch(request, 'merge', { data: { wish: 'two' } });
  rest();
  const seen = (): string => textAt(store.get('/configmaps', 'default', 'a'), 'metadata', 'labels', 'seen');
  await clock.advance(900);
  rest();
  assert.equal(seen(), '');
  await clock.advance(100);
  rest();
  assert.equal(seen(), 'two');
});

test('objects that own each other in a circle are looked at like others', () => {
  const { make, rest, writes, kinds, failures } = cluster({
    '/configmaps': ({ owners }) => ({ againMs: owners.length > 5 ? 1 : Number.NaN }),
  });
  const maps = kinds.own('ConfigMap');
  const [one, two] = ['one', 'two'].map((name) => make('ConfigMap', name)) as [Stored, Stored];
  for (const [name, owner] of [
    ['one', two],
    ['two', one],
  ] as const) {
    const [reference] = (ownedBy(owner) as { ownerReferences: readonly Doc[] }).ownerReferences;
    writes.patch({ kind: maps, namespace: 'default', name, manager: 'test' }, 'merge', {
      metadata: { ownerReferences: [{ ...reference, controller: true }] },
    });
  }
  rest();
  assert.deepEqual(failures, []);
});
