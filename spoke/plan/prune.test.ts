import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { labels } from '../../shared/kernel/mod.ts';
import { refText, type KubeObject, type ObjectRef } from '../kube/mod.ts';
import type { InventoryEntry, Live } from './model.ts';
import { claimOf } from './ownership.ts';
import { planPrune, planRemoval, type PrunePlan, type PruneRequest } from './prune.ts';

const owner = { fleetId: 'f', assignmentUid: 'p1' };
const refOf = (name: string, kind = 'ConfigMap', group = ''): ObjectRef => ({ group, kind, namespace: 'shop', name });
const objectOf = (ref: ObjectRef, metadata: Partial<KubeObject['metadata']> = {}): KubeObject => ({
  apiVersion: ref.group === '' ? 'v1' : `${ref.group}/v1`,
  kind: ref.kind,
  metadata: {
    name: ref.name,
    namespace: ref.namespace,
    uid: `uid-${ref.name}`,
    resourceVersion: '7',
    labels: { [labels.fleet]: 'f', [labels.assignment]: 'p1' },
    annotations: { [labels.object]: refText(ref) },
    managedFields: [{ manager: 'wheelhouse', operation: 'Apply' }],
    ...metadata,
  },
});
const dropped = (name: string, more: Partial<InventoryEntry> = {}): InventoryEntry => ({
  ref: refOf(name),
  uid: `uid-${name}`,
  dropped: true,
  ...more,
});
const kept = (name: string): InventoryEntry => ({ ref: refOf(name), uid: `uid-${name}` });
const request = (inventory: readonly InventoryEntry[], more: Partial<PruneRequest> = {}): PruneRequest => ({
  inventory,
  owner,
  healthyRevision: 'r2',
  live: new Map(inventory.map(({ ref }) => [refText(ref), objectOf(ref)])),
  approval: undefined,
  shareMax: 1,
  added: 0,
  ...more,
});
const names = (plan: PrunePlan): { delete: string[]; forget: string[]; pending: string[] } => ({
  delete: plan.delete.map(({ entry }) => entry.ref.name),
  forget: plan.forget.map(({ entry, reason }) => `${entry.ref.name} ${reason}`),
  pending: plan.pending.map(({ entry, reason }) => `${entry.ref.name} ${reason}`),
});

test('what is dropped, ours and there is deleted, at its uid and version; what is kept is not looked at', () => {
  const plan = planPrune(request([dropped('a'), kept('b')]));
  assert.deepEqual(names(plan), { delete: ['a'], forget: [], pending: [] });
  assert.deepEqual([plan.delete[0]?.uid, plan.delete[0]?.resourceVersion], ['uid-a', '7']);
});

test('nothing is pruned while no revision is applied and healthy', () => {
  assert.deepEqual(names(planPrune(request([dropped('a')], { healthyRevision: undefined }))), { delete: [], forget: [], pending: [] });
});

const judged: readonly (readonly [what: string, entry: InventoryEntry, live: Live | undefined, forget: string[], pending: string[]])[] = [
  ['absent in the API server’s own words', dropped('a'), 'absent', ['a Gone'], []],
  ['not known', dropped('a'), 'unknown', [], ['a NotConfirmed']],
  ['not asked about', dropped('a'), undefined, [], ['a NotConfirmed']],
  ['without our labels', dropped('a'), objectOf(refOf('a'), { labels: {} }), ['a NoLongerOurs'], []],
  [
    'of another assignment',
    dropped('a'),
    objectOf(refOf('a'), { labels: { [labels.fleet]: 'f', [labels.assignment]: 'p2' } }),
    ['a NoLongerOurs'],
    [],
  ],
  [
    'of another fleet',
    dropped('a'),
    objectOf(refOf('a'), { labels: { [labels.fleet]: 'g', [labels.assignment]: 'p1' } }),
    ['a NoLongerOurs'],
    [],
  ],
  [
    'a copy that names another',
    dropped('a'),
    objectOf(refOf('a'), { annotations: { [labels.object]: '/ConfigMap/shop/b' } }),
    ['a NoLongerOurs'],
    [],
  ],
  ['not managed by us', dropped('a'), objectOf(refOf('a'), { managedFields: [{ manager: 'velero' }] }), ['a NoLongerOurs'], []],
  ['another object under the name', dropped('a'), objectOf(refOf('a'), { uid: 'other' }), ['a Recreated'], []],
  ['an intent that was never read back', dropped('a', { uid: undefined as never }), objectOf(refOf('a')), [], ['a NotConfirmed']],
  ['rebuilt and never applied again', dropped('a', { rebuilt: true }), objectOf(refOf('a')), [], ['a NeverAppliedAgain']],
  ['being deleted already', dropped('a'), objectOf(refOf('a'), { deletionTimestamp: 'x' }), [], ['a Terminating']],
  [
    'without a version for the precondition',
    dropped('a'),
    objectOf(refOf('a'), { resourceVersion: undefined as never }),
    [],
    ['a NotConfirmed'],
  ],
];
for (const [what, entry, live, forget, pending] of judged)
  test(`what is ${what} is not deleted`, () => {
    const map = new Map<string, Live>(live === undefined ? [] : [[refText(entry.ref), live]]);
    assert.deepEqual(names(planPrune(request([entry], { live: map }))), { delete: [], forget, pending });
  });

test('the brake counts over all that there was, and holds back all of a step or nothing', () => {
  const half = [dropped('a'), dropped('b'), kept('c'), kept('d')];
  assert.deepEqual(names(planPrune(request(half, { shareMax: 0.5 }))).delete, ['a', 'b']);
  const over = [dropped('a'), dropped('b'), dropped('c'), kept('d')];
  assert.deepEqual(names(planPrune(request(over, { shareMax: 0.5 }))), {
    delete: [],
    forget: [],
    pending: ['a ShareExceeded', 'b ShareExceeded', 'c ShareExceeded'],
  });
});

test('what the revision has brought is no part of what the share is of: another app in its place is held back, however large', () => {
  const [old, all] = [
    [dropped('a'), dropped('b')],
    [dropped('a'), dropped('b'), kept('c'), kept('d'), kept('e')],
  ];
  assert.deepEqual(names(planPrune(request(all, { shareMax: 0.5, added: 3 }))).pending, ['a ShareExceeded', 'b ShareExceeded']);
  assert.deepEqual(names(planPrune(request(all, { shareMax: 0.5, added: 1 }))).delete, ['a', 'b'], 'of four there were');
  assert.deepEqual(names(planPrune(request(old, { shareMax: 0.5, added: 9 }))).delete, [], 'a count that cannot be right');
});

const claim = { ref: refOf('data', 'PersistentVolumeClaim'), uid: 'uid-data', dropped: true } as const;
test('protected kinds are held back, whatever the share, and delay nothing else', () => {
  assert.deepEqual(names(planPrune(request([claim, dropped('a')]))), { delete: ['a'], forget: [], pending: ['data ProtectedKind'] });
});

const approvals: readonly (readonly [what: string, revision: string, objectsMax: number, passes: boolean])[] = [
  ['for this revision and enough objects', 'r2', 2, true],
  ['for fewer objects', 'r2', 1, false],
  ['for another revision', 'r1', 9, false],
];
for (const [what, revision, objectsMax, passes] of approvals)
  test(`an approval ${what} ${passes ? 'passes' : 'does not pass'} the brake`, () => {
    const plan = planPrune(request([claim, dropped('a')], { shareMax: 0, approval: { revision, objectsMax } }));
    assert.equal(plan.delete.length, passes ? 2 : 0);
    assert.equal(plan.pending.length, passes ? 0 : 2);
  });

test('what stands on others is deleted first', () => {
  const deployment = { ref: refOf('web', 'Deployment', 'apps'), uid: 'uid-web', dropped: true } as const;
  const account = { ref: refOf('sa', 'ServiceAccount'), uid: 'uid-sa', dropped: true } as const;
  assert.deepEqual(names(planPrune(request([account, dropped('a'), deployment]))).delete, ['web', 'a', 'sa']);
});

// Whatever the world looks like: nothing is deleted without every positive statement, and nothing is lost from sight.
const entry = fc.record({
  name: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
  isDropped: fc.boolean(),
  isRebuilt: fc.boolean(),
  hasUid: fc.boolean(),
  live: fc.constantFrom('ours', 'foreign', 'other-uid', 'absent', 'unknown', 'unasked'),
});
test('law: a deletion is of a dropped entry, at its own uid, of an object with our marks; every dropped entry is deleted, forgotten or pending', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(entry, { selector: ({ name }) => name }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.nat(6),
      fc.boolean(),
      (all, shareMax, added, healthy) => {
        const inventory = all.map(({ name, isDropped, isRebuilt, hasUid }): InventoryEntry => ({
          ref: refOf(name),
          ...(hasUid ? { uid: `uid-${name}` } : {}),
          ...(isDropped ? { dropped: true } : {}),
          ...(isRebuilt ? { rebuilt: true } : {}),
        }));
        const live = new Map<string, Live>();
        for (const { name, live: how } of all) {
          const object = objectOf(refOf(name), how === 'other-uid' ? { uid: 'x' } : how === 'foreign' ? { labels: {} } : {});
          if (how !== 'unasked') live.set(refText(refOf(name)), how === 'absent' || how === 'unknown' ? how : object);
        }
        const plan = planPrune(request(inventory, { live, shareMax, added, healthyRevision: healthy ? 'r' : undefined }));
        for (const { entry: one, uid } of plan.delete) {
          const drawn = all.find(({ name }) => name === one.ref.name);
          assert.ok(healthy && one.dropped && !one.rebuilt && one.uid === uid && drawn?.live === 'ours');
        }
        assert.ok(plan.delete.length <= shareMax * Math.max(0, inventory.length - added));
        const seen = [...plan.delete, ...plan.forget, ...plan.pending].map(({ entry: one }) => one.ref.name).sort();
        assert.deepEqual(
          seen,
          healthy
            ? all
                .filter(({ isDropped }) => isDropped)
                .map(({ name }) => name)
                .sort()
            : [],
        );
      },
    ),
  );
});

const tombstone = (
  inventory: readonly InventoryEntry[],
  live: ReadonlyMap<string, Live>,
  more: Partial<Parameters<typeof planRemoval>[0]> = {},
) => planRemoval({ inventory, owner, policy: 'Delete', live, revision: 'r', approval: undefined, ...more });
const present = (...entries: readonly InventoryEntry[]): ReadonlyMap<string, Live> =>
  new Map(entries.map(({ ref }) => [refText(ref), objectOf(ref)]));

test('a tombstone deletes all that bears our marks: kept, dropped, rebuilt, of another uid', () => {
  const all = [kept('a'), dropped('b'), { ref: refOf('c'), rebuilt: true as const }, { ref: refOf('d'), uid: 'before' }];
  assert.deepEqual(names(tombstone(all, present(...all))).delete, ['a', 'b', 'c', 'd']);
});

test('a tombstone deletes nothing that is unknown, not ours, or protected without an approval', () => {
  const live = new Map<string, Live>([
    [refText(refOf('a')), 'unknown'],
    [refText(refOf('b')), objectOf(refOf('b'), { labels: {} })],
    [refText(claim.ref), objectOf(claim.ref)],
  ]);
  assert.deepEqual(names(tombstone([kept('a'), kept('b'), kept('gone'), claim], live)), {
    delete: [],
    forget: ['b NoLongerOurs'],
    pending: ['a NotConfirmed', 'gone NotConfirmed', 'data ProtectedKind'],
  });
  const approved = tombstone([claim], present(claim), { approval: { revision: 'r', objectsMax: 1 } });
  assert.deepEqual(names(approved).delete, ['data']);
});

test('a tombstone that orphans releases and deletes nothing, protected kinds too', () => {
  const plan = tombstone([kept('a'), claim], present(kept('a'), claim), { policy: 'Orphan' });
  assert.deepEqual(plan.delete, []);
  assert.deepEqual(plan.release.map(({ metadata }) => metadata.name).sort(), ['a', 'data']);
});

const ref = refOf('a');
const marksOf = (fleet: string): Record<string, string> => ({ [labels.fleet]: fleet, [labels.assignment]: 'p2' });
const claims: readonly (readonly [what: string, live: KubeObject | 'absent', ownUid: string | undefined, expected: string])[] = [
  ['nothing', 'absent', undefined, 'new'],
  ['an object of nobody', objectOf(ref, { labels: {} }), undefined, 'new'],
  ['our object', objectOf(ref), undefined, 'ours'],
  ['our object without its marks', objectOf(ref, { labels: {} }), 'uid-a', 'ours'],
  ['another’s object at our name', objectOf(ref, { labels: {} }), 'other', 'new'],
  ['an object of another assignment', objectOf(ref, { labels: marksOf('f') }), undefined, 'refused'],
  ['an object of another assignment that has our uid on record', objectOf(ref, { labels: marksOf('f') }), 'uid-a', 'refused'],
  ['an object of another fleet', objectOf(ref, { labels: marksOf('g') }), undefined, 'refused'],
  ['a copy of another’s marks', objectOf(ref, { labels: marksOf('f'), annotations: {} }), undefined, 'new'],
];
for (const [what, live, ownUid, expected] of claims)
  test(`over ${what} the claim is ${expected}`, () => assert.equal(claimOf(ref, live, owner, ownUid).as, expected));
