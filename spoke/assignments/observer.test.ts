import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { seededRandom, VirtualClock } from '../../shared/clock/mod.ts';
import { labels } from '../../shared/kernel/mod.ts';
import { refText, type KubeObject, type ListPage, type ObjectRef, type WatchEvent } from '../kube/mod.ts';
import { MemoryKube } from '../kube/memory/mod.ts';
import { Observer } from './observer.ts';

// What is believed of a kind when its list and its watch say things that do not fit together.

const refOf = (name: string): ObjectRef => ({ group: '', kind: 'ConfigMap', namespace: 'shop', name });
const object = (name: string, resourceVersion: string, uid = name): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {
    name,
    namespace: 'shop',
    uid,
    resourceVersion,
    labels: { [labels.fleet]: 'f', [labels.assignment]: 'p1' },
    annotations: { [labels.object]: refText(refOf(name)) },
    managedFields: [{ manager: 'wheelhouse', operation: 'Apply', fieldsV1: {} }],
  },
});

/** What the API server lists, once each; `push` says something in the watch. */
function watching(t: TestContext, ...pages: readonly ListPage[]) {
  const clock = new VirtualClock();
  const kube = new MemoryKube({ clock });
  const left = [...pages];
  let open = Promise.withResolvers<WatchEvent>();
  const changed: string[] = [];
  const kind = kube.kind('', 'ConfigMap');
  kube.list = async () => left.shift() ?? assert.fail('one list too many');
  kube.watch = async function* (_kind, _options, signal) {
    signal.addEventListener('abort', () => open.reject(signal.reason));
    for (;;) {
      const event = await open.promise;
      open = Promise.withResolvers();
      yield event;
    }
  };
  const observer = new Observer({
    kube,
    clock,
    random: seededRandom(1),
    fleetId: 'f',
    onChange: (uid) => changed.push(uid),
    onKind: () => {},
  });
  t.after(() => observer.stop());
  observer.watch([kind]);
  const push = async (event: WatchEvent): Promise<void> => {
    open.resolve(event);
    await clock.advance(5_000);
  };
  return { observer, clock, push, changed };
}
const versionOf = (observer: Observer, name: string): string | undefined => {
  const live = observer.look(refOf(name));
  return typeof live === 'string' ? live : live.metadata.resourceVersion;
};

test('a store that was restored takes back what was known of its lost future', async (t) => {
  const before = { items: [object('a', '90'), object('b', '95')], resourceVersion: '100' };
  const { observer, clock, push, changed } = watching(t, before, { items: [object('a', '40')], resourceVersion: '50' });
  await clock.advance(1);
  assert.deepEqual([versionOf(observer, 'a'), versionOf(observer, 'b')], ['90', '95']);
  changed.length = 0;
  await push({ type: 'RESYNC', reason: 'too large resource version' });
  assert.deepEqual([versionOf(observer, 'a'), versionOf(observer, 'b')], ['40', 'absent']);
  assert.ok(changed.includes('p1'));
});

test('what was written after a list was taken outlives that list', async (t) => {
  const { observer, clock, push } = watching(t, { items: [], resourceVersion: '10' }, { items: [], resourceVersion: '20' });
  await clock.advance(1);
  observer.note(object('a', '21'));
  await push({ type: 'RESYNC', reason: 'gone' });
  assert.equal(versionOf(observer, 'a'), '21');
});

test('what the watch still has to tell of the object before is old news', async (t) => {
  const { observer, clock, push } = watching(t, { items: [object('a', '10', 'first')], resourceVersion: '10' });
  await clock.advance(1);
  observer.note(object('a', '20', 'second'));
  await push({ type: 'MODIFIED', object: object('a', '15', 'first') });
  await push({ type: 'DELETED', object: object('a', '19', 'first') });
  assert.equal(versionOf(observer, 'a'), '20');
});
