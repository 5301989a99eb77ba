import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { KubeObject } from '../kube/mod.ts';
import { configMap, deployment, filesOf, Rig } from './testing/rig.ts';

// Missing information never deletes. Each test is a way in which others have deleted production.

function rigFor(t: TestContext): Rig {
  const rig = new Rig();
  t.after(() => rig.stop());
  return rig.start();
}
const three = filesOf(configMap('a'), configMap('b'), configMap('c'));
const one = filesOf(configMap('a'));
const deletions = (rig: Rig): readonly string[] => rig.written().filter((write) => write.startsWith('delete'));
const names = (rig: Rig): readonly string[] => ['a', 'b', 'c'].filter((name) => rig.object('ConfigMap', name));
const get = (rig: Rig, name: string): KubeObject => rig.object('ConfigMap', name) ?? assert.fail(name);

test('the API server fails, answers nonsense or not at all for objects that were dropped: they are kept until it speaks clearly', async (t) => {
  const rig = rigFor(t);
  rig.desire(await rig.assignment('p1', three));
  await rig.run();
  for (const code of ['SERVER_UNAVAILABLE', 'BAD_RESPONSE', 'FORBIDDEN', 'NO_SUCH_KIND'] as const)
    for (const name of ['b', 'c']) rig.kube.fail({ verb: 'get', name, code, times: 1 });
  rig.desire(await rig.assignment('p1', one));
  await rig.run(1_000);
  assert.deepEqual(names(rig), ['a', 'b', 'c']);
  assert.equal(rig.report().health, 'HEALTH_HEALTHY');
  assert.equal(rig.report().inventory?.prunePending, 2);
  assert.deepEqual(rig.inventory(), ['ConfigMap/a', 'ConfigMap/b', 'ConfigMap/c']);
  rig.kube.heal();
  void rig.spoke.syncNow();
  await rig.run();
  assert.deepEqual(names(rig), ['a']);
});

test('an API server that was silent for an hour: not observing meanwhile, nothing deleted, nothing rewritten afterwards', async (t) => {
  const rig = rigFor(t);
  rig.desire(await rig.assignment('p1', three));
  await rig.run();
  assert.equal(rig.spoke.health().observing, true);
  rig.kube.forgetRequests();
  rig.kube.silence();
  await rig.run(5_000);
  rig.spoke.health();
  await rig.run(5_000);
  const silent = rig.spoke.health();
  assert.equal(silent.observing, false);
  assert.match(silent.reason ?? '', /has not answered/);
  await rig.clock.advance(3_600_000);
  assert.equal(rig.spoke.health().observing, false);
  rig.kube.heal();
  await rig.run(200_000);
  rig.spoke.health();
  await rig.run();
  assert.equal(rig.spoke.health().observing, true);
  assert.equal(rig.report().health, 'HEALTH_HEALTHY');
  assert.deepEqual(rig.written(), []);
});

test('a list that fails for ever makes its objects Unknown, and nothing is concluded from it', async (t) => {
  const rig = rigFor(t);
  const a = await rig.assignment('p1', three);
  rig.desire(a);
  await rig.run();
  await rig.stop();
  rig.kube.fail({ verb: 'list', kind: 'ConfigMap', code: 'SERVER_UNAVAILABLE', times: 1_000 });
  rig.kube.forgetRequests();
  rig.start().desire(a);
  await rig.run(300_000);
  assert.equal(rig.report().health, 'HEALTH_UNKNOWN');
  assert.equal(rig.report().counts?.unknown, 3);
  assert.deepEqual(rig.written(), []);
});

test('a kind that cannot be listed any more costs its own objects their health, and no others', async (t) => {
  const rig = rigFor(t);
  rig.desire(await rig.assignment('p1', filesOf(deployment('web'))), await rig.assignment('p2', one));
  await rig.run();
  rig.kube.fail({ verb: 'list', kind: 'Deployment', code: 'SERVER_UNAVAILABLE', times: 1_000 });
  rig.kube.fail({ verb: 'watch', kind: 'Deployment', code: 'SERVER_UNAVAILABLE', times: 1_000 });
  rig.namespace('elsewhere');
  rig.kube.compact();
  await rig.run(300_000);
  rig.spoke.health();
  await rig.run();
  assert.deepEqual(rig.spoke.health(), { observing: true });
  assert.equal(rig.report('p1').health, 'HEALTH_UNKNOWN');
  assert.equal(rig.report('p2').health, 'HEALTH_HEALTHY');
  rig.kube.heal();
  await rig.run(120_000);
  rig.spoke.health();
  await rig.run();
  assert.equal(rig.report('p1').health, 'HEALTH_HEALTHY');
});

test('partial discovery: what it does not name is neither refused, nor pruned, nor called removed', async (t) => {
  const rig = rigFor(t);
  const both = await rig.assignment('p1', filesOf(configMap('a'), deployment('web')));
  rig.desire(both);
  await rig.run();
  rig.kube.failGroup('apps');
  // Until what was discovered before is too old to be believed.
  await rig.run(40_000);
  rig.desire(await rig.assignment('p1', one), await rig.assignment('p2', filesOf(deployment('api'))));
  await rig.run(40_000);
  assert.ok(rig.object('Deployment', 'web'));
  assert.equal(rig.report('p1').inventory?.prunePending, 1);
  assert.equal(rig.report('p2').reason, 'DiscoveryIncomplete');
  rig.desire({ ...both, state: 'ASSIGNMENT_STATE_REMOVED', deletionPolicy: 'DELETION_POLICY_DELETE' });
  await rig.run(40_000);
  assert.equal(rig.report('p1').removed, false);
  assert.ok(rig.object('Deployment', 'web'));
  rig.kube.heal();
  await rig.run(120_000);
  assert.equal(rig.report('p1').removed, true);
  assert.equal(rig.object('Deployment', 'web'), undefined);
});

test('an object that was made anew under the same name, marks and all, is not pruned', async (t) => {
  const rig = rigFor(t);
  rig.desire(await rig.assignment('p1', three));
  await rig.run();
  rig.desire({ ...(await rig.assignment('p1', one)), mode: 'ASSIGNMENT_MODE_SUSPENDED' });
  await rig.run();
  const b = get(rig, 'b');
  rig.kube.remove(b);
  // As a restored backup has it.
  const restored = rig.kube.put({ ...b, metadata: { ...b.metadata, uid: 'other' } }, 'wheelhouse');
  assert.notEqual(restored.metadata.uid, b.metadata.uid);
  rig.desire(await rig.assignment('p1', one));
  await rig.run();
  assert.deepEqual(names(rig), ['a', 'b']);
  assert.deepEqual(rig.inventory(), ['ConfigMap/a']);
});

test('an operator’s copy of our labels and annotations is not ours: neither a prune nor a tombstone touches it', async (t) => {
  const rig = rigFor(t);
  const a = await rig.assignment('p1', three);
  rig.desire(a);
  await rig.run();
  const { labels, annotations } = get(rig, 'a').metadata;
  rig.kube.put(
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'copy', namespace: 'shop', labels: { ...labels }, annotations: { ...annotations } },
    },
    'wheelhouse',
  );
  rig.desire({ ...a, state: 'ASSIGNMENT_STATE_REMOVED', deletionPolicy: 'DELETION_POLICY_DELETE' });
  await rig.run(30_000);
  assert.equal(rig.report().removed, true);
  assert.ok(rig.object('ConfigMap', 'copy'));
});

test('an object whose labels somebody took off is no longer ours to prune', async (t) => {
  const rig = rigFor(t);
  rig.desire(await rig.assignment('p1', three));
  await rig.run();
  rig.broken.add('web');
  const next = await rig.assignment('p1', filesOf(configMap('a'), deployment('web')));
  rig.desire(next);
  await rig.run();
  const b = get(rig, 'b');
  rig.kube.put({ ...b, metadata: { ...b.metadata, labels: {} } });
  rig.broken.clear();
  await rig.run();
  assert.deepEqual(names(rig), ['a', 'b']);
  assert.deepEqual(rig.inventory(), ['ConfigMap/a', 'Deployment/web']);
});

test('the brake: more than the share is kept and reported, delays nothing, and goes with an approval for that very revision', async (t) => {
  const rig = rigFor(t);
  const prune = { shareMax: 0.5 };
  rig.desire(await rig.assignment('p1', three, { prune }));
  await rig.run();
  const next = await rig.assignment('p1', one, { prune });
  rig.desire(next);
  await rig.run();
  assert.deepEqual(names(rig), ['a', 'b', 'c']);
  assert.equal(rig.report().health, 'HEALTH_HEALTHY');
  assert.equal(rig.report().inventory?.prunePending, 2);
  assert.match(rig.report().message, /PrunePending: 2/);
  rig.desire({ ...next, pruneApproval: { id: 'x', revision: `sha256:${'0'.repeat(64)}`, objectsMax: 9 } });
  await rig.run();
  assert.deepEqual(names(rig), ['a', 'b', 'c'], 'an approval of another revision');
  rig.desire({ ...next, pruneApproval: { id: 'x', revision: next.revision, objectsMax: 1 } });
  await rig.run();
  assert.deepEqual(names(rig), ['a', 'b', 'c'], 'an approval of fewer objects');
  rig.desire({ ...next, pruneApproval: { id: 'x', revision: next.revision, objectsMax: 2 } });
  await rig.run();
  assert.deepEqual(names(rig), ['a']);
  assert.equal(rig.report().inventory?.prunePending, 0);
});

test('an apply that failed half-way is known in full, and what it left goes with the next revision', async (t) => {
  const rig = rigFor(t);
  rig.desire(await rig.assignment('p1', one));
  await rig.run();
  // The dry run passes; the real one meets a webhook that has changed its mind.
  const apply = rig.kube.apply.bind(rig.kube);
  rig.kube.apply = async (kind, object, options, signal) => {
    if (object.metadata.name === 'c' && !options.dryRun) rig.kube.fail({ verb: 'apply', name: 'c', code: 'INVALID' });
    return apply(kind, object, options, signal);
  };
  rig.desire(await rig.assignment('p1', three));
  await rig.run();
  assert.equal(rig.report().reason, 'Invalid');
  assert.equal(rig.report().health, 'HEALTH_DEGRADED');
  assert.deepEqual(rig.inventory(), ['ConfigMap/a', 'ConfigMap/b', 'ConfigMap/c']);
  assert.deepEqual(names(rig), ['a', 'b']);
  Reflect.deleteProperty(rig.kube, 'apply');
  rig.desire(await rig.assignment('p1', one));
  await rig.run();
  assert.equal(rig.report().health, 'HEALTH_HEALTHY');
  assert.deepEqual(names(rig), ['a']);
  assert.deepEqual(rig.inventory(), ['ConfigMap/a']);
});

test('a lost record is rebuilt from what bears our marks; what is only rebuilt is not pruned', async (t) => {
  const rig = rigFor(t);
  rig.desire(await rig.assignment('p1', three));
  await rig.run();
  await rig.stop();
  rig.records.records.clear();
  rig.kube.forgetRequests();
  rig.start().desire(await rig.assignment('p1', filesOf(configMap('a'), configMap('b'))));
  await rig.run();
  assert.equal(rig.report().health, 'HEALTH_HEALTHY');
  assert.deepEqual(names(rig), ['a', 'b', 'c']);
  assert.deepEqual(rig.inventory(), ['ConfigMap/a', 'ConfigMap/b', 'ConfigMap/c']);
  assert.equal(rig.report().inventory?.prunePending, 1);
  rig.desire(await rig.assignment('p1', three));
  await rig.run();
  rig.desire(await rig.assignment('p1', one));
  await rig.run();
  assert.deepEqual(names(rig), ['a'], 'applied again, it can be pruned');
  assert.deepEqual(deletions(rig), ['delete ConfigMap/b', 'delete ConfigMap/c']);
});

test('a lost record that could not be put together in full stays Rebuilding, over restarts too: nothing is pruned, and nothing is left behind', async (t) => {
  const rig = rigFor(t);
  const all = filesOf(configMap('a'), configMap('b'), deployment('web'));
  rig.desire(await rig.assignment('p1', all));
  await rig.run();
  await rig.stop();
  rig.records.records.clear();
  rig.kube.failGroup('apps');
  const onlyA = await rig.assignment('p1', one);
  for (const _ of ['lost', 'restarted']) {
    rig.start().desire(onlyA);
    await rig.run(40_000);
    assert.equal(rig.report().revisionApplied, onlyA.revision, 'that a kind cannot be listed delays no other');
    assert.match(rig.report().message, /Rebuilding: nothing is deleted until apps.* can be listed/);
    assert.deepEqual(rig.inventory(), ['ConfigMap/a', 'ConfigMap/b']);
    assert.equal(rig.records.records.get('p1')?.rebuilding, true);
    await rig.stop();
  }
  rig.kube.heal();
  rig.start().desire(onlyA);
  await rig.run(120_000);
  assert.doesNotMatch(rig.report().message, /Rebuilding/);
  assert.deepEqual(rig.inventory(), ['ConfigMap/a', 'ConfigMap/b', 'Deployment/web']);
  assert.equal(rig.records.records.get('p1')?.rebuilding, undefined);
  assert.deepEqual([rig.report().inventory?.prunePending, rig.report().health], [2, 'HEALTH_HEALTHY'], 'only rebuilt, hence kept');
  assert.notEqual(rig.object('Deployment', 'web'), undefined);

  rig.desire(await rig.assignment('p1', all));
  await rig.run();
  rig.desire(onlyA);
  await rig.run();
  assert.deepEqual([rig.inventory(), rig.object('Deployment', 'web')], [['ConfigMap/a'], undefined]);
});

test('records that cannot be listed or read: nothing is written, and it is tried again', async (t) => {
  const rig = new Rig();
  t.after(() => rig.stop());
  let failing = true;
  rig.records.before = (method) => {
    if (failing && method === 'list') throw new Error('no answer');
  };
  rig.start().desire(await rig.assignment('p1', one));
  await rig.run(10_000);
  assert.deepEqual(rig.written(), []);
  rig.records.before = (method, uid) => {
    if (failing && method === 'load' && uid === 'p1') throw new Error('malformed');
  };
  await rig.run(20_000);
  assert.equal(rig.report().reason, 'StateUnavailable');
  assert.deepEqual(rig.written(), []);
  failing = false;
  await rig.run(60_000);
  assert.equal(rig.report().health, 'HEALTH_HEALTHY');
});

test('content that is empty, or cannot be read, deletes nothing', async (t) => {
  const rig = rigFor(t);
  rig.desire(await rig.assignment('p1', three));
  await rig.run();
  for (const text of ['# nothing', 'kind: [', 'apiVersion: v1\nkind: List\nitems: []']) {
    rig.desire(await rig.assignment('p1', new Map([['all.yaml', Buffer.from(text)]])));
    await rig.run();
    assert.equal(rig.report().reason, 'ContentMalformed');
    assert.deepEqual(names(rig), ['a', 'b', 'c']);
  }
});

test('a definition that is deleted takes only its own assignment’s health with it', async (t) => {
  const rig = rigFor(t);
  const crd: KubeObject = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'widgets.acme.dev' },
    spec: {
      group: 'acme.dev',
      scope: 'Namespaced',
      names: { kind: 'Widget', plural: 'widgets' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
    },
  };
  const made = rig.kube.put(crd);
  const widget = JSON.stringify({ apiVersion: 'acme.dev/v1', kind: 'Widget', metadata: { name: 'w' } });
  rig.desire(await rig.assignment('p1', filesOf(widget)), await rig.assignment('p2', one));
  await rig.run();
  assert.equal(rig.report('p1').health, 'HEALTH_HEALTHY');
  rig.kube.remove(made);
  await rig.run(300_000);
  assert.notEqual(rig.report('p1').health, 'HEALTH_HEALTHY');
  assert.equal(rig.report('p2').health, 'HEALTH_HEALTHY');
  rig.spoke.health();
  await rig.run();
  assert.deepEqual(rig.spoke.health(), { observing: true });
  rig.kube.put(crd);
  await rig.run(300_000);
  assert.equal(rig.report('p1').health, 'HEALTH_HEALTHY', rig.report('p1').message);
});

test('a tenant without a trust policy, or with one that this spoke cannot check, writes nothing', async (t) => {
  const rig = rigFor(t);
  rig.policies = { fleetId: 'f', version: 1, policies: [{ tenant: 'other', mode: 'TRUST_MODE_DIGEST_ONLY' }] };
  const a = await rig.assignment('p1', one);
  rig.desire(a);
  await rig.run();
  assert.equal(rig.report().reason, 'NotTrusted');
  assert.deepEqual(rig.written(), []);
  rig.policies = {
    fleetId: 'f',
    version: 2,
    policies: [
      { tenant: 'acme', mode: 'TRUST_MODE_UNSPECIFIED' },
      { tenant: '*', mode: 'TRUST_MODE_DIGEST_ONLY' },
    ],
  };
  await rig.run(30_000);
  assert.equal(rig.report().reason, 'NotTrusted');
  assert.deepEqual(rig.written(), []);
});

test('a tombstone whose record is lost is carried out only when every kind was listed', async (t) => {
  const rig = rigFor(t);
  const a = await rig.assignment('p1', filesOf(deployment('web')));
  rig.desire(a);
  await rig.run();
  await rig.stop();
  rig.records.records.clear();
  rig.kube.failGroup('apps');
  rig.start().desire({ ...a, state: 'ASSIGNMENT_STATE_REMOVED', deletionPolicy: 'DELETION_POLICY_DELETE' });
  await rig.run(30_000);
  assert.equal(rig.report().removed, false);
  assert.equal(rig.report().reason, 'NotConfirmed');
  assert.match(rig.report().message, /apps/);
  rig.kube.heal();
  await rig.run(120_000);
  assert.equal(rig.report().removed, true);
  assert.equal(rig.object('Deployment', 'web'), undefined);
});
