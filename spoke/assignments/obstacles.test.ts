import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Drift } from '../../proto/mod.ts';
import { labels } from '../../shared/kernel/mod.ts';
import type { KubeObject } from '../kube/mod.ts';
import { configMap, deployment, filesOf, Rig } from './testing/rig.ts';

// What stands in the way: it is told, tried again for as long as it may pass, and delays no other.

/** With these applied, healthy and quiet; what was asked for that is forgotten. */
async function applied(t: TestContext, ...documents: readonly string[]): Promise<Rig> {
  const rig = new Rig();
  t.after(() => rig.stop());
  rig.start().desire(await rig.assignment('p1', filesOf(...documents)));
  await rig.run();
  assert.equal(rig.report().health, 'HEALTH_HEALTHY');
  rig.kube.forgetRequests();
  return rig;
}

const get = (rig: Rig, kind: string, name: string): KubeObject => rig.object(kind, name) ?? assert.fail(`${name} is not there`);
const change = (rig: Rig, name: string, manager = 'kubectl-edit'): void => {
  rig.kube.put({ ...get(rig, 'ConfigMap', name), data: { value: 'theirs' } }, manager);
};
const valueOf = (rig: Rig, name: string): unknown => (get(rig, 'ConfigMap', name)['data'] as Record<string, unknown>)['value'];
const told = (rig: Rig, name: string): Drift =>
  rig.report().drift.find(({ object }) => object.endsWith(`/${name}`)) ?? assert.fail(`nothing is told of ${name}`);

test('a correction that was refused is tried again, whatever it was refused for', async (t) => {
  const rig = await applied(t, configMap('a'), configMap('b'));
  rig.kube.fail({ verb: 'apply', name: 'a', code: 'INVALID' });
  change(rig, 'a');
  await rig.run();
  assert.equal(valueOf(rig, 'a'), 'theirs');
  assert.deepEqual([rig.report().health, rig.report().reason], ['HEALTH_DEGRADED', 'Invalid']);
  await rig.run(90_000);
  assert.equal(valueOf(rig, 'a'), '1');
  assert.equal(rig.report().health, 'HEALTH_HEALTHY');
});

test('while the wanted revision can never be had, a correction of the applied one that failed is tried again', async (t) => {
  const rig = await applied(t, configMap('a'));
  rig.desire(await rig.assignment('p1', filesOf(configMap('a', '2', 'kube-system'))));
  await rig.run();
  assert.equal(rig.report().reason, 'NotAllowed');
  rig.kube.fail({ verb: 'apply', name: 'a', code: 'SERVER_UNAVAILABLE' });
  change(rig, 'a');
  await rig.run();
  assert.equal(valueOf(rig, 'a'), 'theirs');
  await rig.run(90_000);
  assert.equal(valueOf(rig, 'a'), '1');
  assert.equal(rig.report().reason, 'NotAllowed');
});

test('a kind that cannot be read keeps nothing else from being corrected', async (t) => {
  const rig = await applied(t, configMap('a'), deployment('web'));
  rig.kube.remove(get(rig, 'Deployment', 'web'));
  rig.kube.fail({ verb: 'get', kind: 'Deployment', code: 'SERVER_UNAVAILABLE', times: 1_000 });
  change(rig, 'a');
  await rig.run();
  assert.equal(valueOf(rig, 'a'), '1');
  assert.equal(rig.report().health, 'HEALTH_PROGRESSING');
});

test('an object that another assignment claims keeps nothing else from being corrected', async (t) => {
  const rig = await applied(t, configMap('a'), configMap('b'));
  const b = get(rig, 'ConfigMap', 'b');
  rig.kube.put({ ...b, metadata: { ...b.metadata, labels: { ...b.metadata.labels, [labels.assignment]: 'p2' } } }, 'kubectl-label');
  change(rig, 'a');
  await rig.run();
  assert.equal(valueOf(rig, 'a'), '1');
  assert.equal(rig.report().reason, 'OwnedByAnother');
});

test('only observed, an object that lost our label is not told to be deleted, however often it is looked at', async (t) => {
  const rig = new Rig();
  t.after(() => rig.stop());
  const wanted = await rig.assignment('p1', filesOf(configMap('a'), configMap('b')));
  rig.start().desire(wanted);
  await rig.run();
  rig.desire({ ...wanted, mode: 'ASSIGNMENT_MODE_OBSERVE' });
  const a = get(rig, 'ConfigMap', 'a');
  const { [labels.fleet]: _gone, ...kept } = a.metadata.labels ?? {};
  rig.kube.put({ ...a, metadata: { ...a.metadata, labels: kept } }, 'kubectl-label');
  await rig.run();
  assert.deepEqual([told(rig, 'a').kind, told(rig, 'a').seen], ['DRIFT_KIND_CHANGED', 1]);
  for (let i = 0; i < 3; i++) {
    change(rig, 'b', `editor-${i}`);
    await rig.run();
  }
  assert.deepEqual([told(rig, 'a').kind, told(rig, 'a').seen, told(rig, 'a').state], ['DRIFT_KIND_CHANGED', 1, 'DRIFT_STATE_STANDING']);
});

test('a kind that is not served any more keeps nothing else from being corrected', async (t) => {
  const rig = await applied(t, configMap('a'), deployment('web'));
  const discover = rig.kube.discover.bind(rig.kube);
  rig.kube.discover = async (signal) => {
    const all = await discover(signal);
    return { ...all, kinds: all.kinds.filter(({ kind }) => kind !== 'Deployment') };
  };
  await rig.run(60_000);
  change(rig, 'a');
  await rig.run();
  assert.equal(valueOf(rig, 'a'), '1');
});

test('an object that is refused keeps none that comes after it from being corrected', async (t) => {
  const rig = await applied(t, configMap('a'), deployment('web'));
  rig.kube.fail({ verb: 'apply', name: 'a', code: 'FORBIDDEN', times: 1_000 });
  change(rig, 'a');
  const web = get(rig, 'Deployment', 'web');
  rig.kube.put({ ...web, spec: { ...(web['spec'] as object), replicas: 5 } }, 'kubectl-scale');
  await rig.run();
  assert.equal((get(rig, 'Deployment', 'web')['spec'] as { replicas: number }).replicas, 1);
  assert.deepEqual([rig.report().health, rig.report().reason], ['HEALTH_DEGRADED', 'Denied']);
});

test('suspended just before the first write of a correction: nothing is written', async (t) => {
  const rig = new Rig();
  t.after(() => rig.stop());
  const wanted = await rig.assignment('p1', filesOf(configMap('a')));
  let suspend = false;
  rig.tenancy.ensure = async () => {
    if (suspend) rig.desire({ ...wanted, mode: 'ASSIGNMENT_MODE_SUSPENDED' });
    await Promise.resolve();
  };
  rig.start().desire(wanted);
  await rig.run();
  rig.kube.forgetRequests();
  suspend = true;
  change(rig, 'a');
  await rig.run();
  assert.deepEqual(rig.written(), []);
});

test('removed while it was rebuilding: nothing is brought back', async (t) => {
  const rig = new Rig();
  t.after(() => rig.stop());
  const wanted = await rig.assignment('p1', filesOf(configMap('a'), configMap('b')));
  rig.start().desire(wanted);
  await rig.run();
  await rig.stop();
  rig.records.records.clear();
  rig.kube.fail({ verb: 'list', kind: 'Service', code: 'SERVER_UNAVAILABLE', times: 1 });
  rig.start().desire(wanted);
  await rig.run(1000);
  assert.match(rig.report().message, /Rebuilding/);
  rig.desire({ ...wanted, state: 'ASSIGNMENT_STATE_REMOVED', deletionPolicy: 'DELETION_POLICY_DELETE' });
  await rig.run(5_000);
  assert.equal(rig.report().removed, true);
  await rig.run(5_000);
  assert.equal(rig.report().inventory?.objects, 0);
  assert.doesNotMatch(rig.report().message, /Rebuilding/);
  await rig.run(60_000);
  assert.equal(rig.report().inventory?.objects, 0);
  assert.equal(rig.records.records.size, 0);
});

test('a group of the API server that never answers: a new assignment is looked for ever more seldom', async (t) => {
  const rig = new Rig();
  t.after(() => rig.stop());
  const discover = rig.kube.discover.bind(rig.kube);
  rig.kube.discover = async (signal) => ({ ...(await discover(signal)), complete: false, failedGroups: ['metrics.k8s.io'] });
  rig.start().desire(await rig.assignment('p1', filesOf(configMap('a'))));
  await rig.run();
  let lists = 0;
  const list = rig.kube.list.bind(rig.kube);
  rig.kube.list = (...asked) => {
    if (asked[0].kind === 'Secret') lists += 1;
    return list(...asked);
  };
  await rig.run(15 * 60_000);
  assert.match(rig.report().message, /Rebuilding/);
  assert.ok(lists <= 5, `${lists} times`);
});
test('a silence that a beat noticed does not last for ever when no hub asks any more', async (t) => {
  const rig = await applied(t, configMap('a'));
  rig.kube.silence();
  await rig.clock.advance(400_000);
  rig.spoke.health();
  assert.equal(rig.report().health, 'HEALTH_UNKNOWN');
  rig.kube.heal();
  await rig.clock.advance(300_000);
  change(rig, 'a');
  await rig.run(5_000);
  assert.deepEqual(get(rig, 'ConfigMap', 'a')['data'], { value: '1' });
});

test('what fails is not hurried by what the watch says while it is tried, and a sync does not wait for the watch to be quiet', async (t) => {
  const rig = await applied(t, deployment('web'));
  let tries = 0;
  const end = new AbortController();
  rig.tenancy.ensure = async () => {
    tries += 1;
    await rig.clock.sleep(1_000, end.signal);
    throw new Error('the account cannot be made sure of');
  };
  rig.desire(await rig.assignment('p1', filesOf(deployment('web', 'nginx:2'))));
  let synced = false;
  void rig.spoke.syncNow('p1').then(() => (synced = true));
  const chatter = async (ms: number): Promise<void> => {
    for (let at = 0; at < ms; at += 100) {
      const web = get(rig, 'Deployment', 'web');
      rig.kube.put({ ...web, status: { ...(web['status'] as object), at, from: tries } }, 'kube-controller-manager');
      await rig.clock.advance(100);
    }
  };
  try {
    await chatter(5_000);
    assert.ok(synced);
    await chatter(55_000);
    assert.ok(tries <= 8, `${tries} times in a minute`);
  } finally {
    end.abort();
  }
});

test('what was to be corrected and cannot be seen any more is left alone while others are corrected', async (t) => {
  const rig = await applied(t, configMap('a'), deployment('web'));
  rig.kube.fail({ verb: 'apply', name: 'web', code: 'FORBIDDEN', times: 1_000 });
  const web = get(rig, 'Deployment', 'web');
  rig.kube.put({ ...web, spec: { ...(web['spec'] as object), replicas: 5 } }, 'kubectl-scale');
  await rig.run(100);
  assert.equal(rig.report().reason, 'Denied');
  rig.kube.watchHealth = () => ({ watches: 2, quietestMs: 200_000, quiet: ['Deployment.apps'] });
  await rig.run(2 * 60_000);
  assert.equal(rig.report().counts?.unknown, 1);
  rig.kube.forgetRequests();
  change(rig, 'a');
  await rig.run(5_000);
  assert.equal(valueOf(rig, 'a'), '1');
  assert.equal(told(rig, 'web').state, 'DRIFT_STATE_STANDING');
  assert.deepEqual(
    rig.kube.requests.filter(({ verb }) => verb === 'apply').map(({ name }) => name),
    ['a'],
  );
});
