import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { configMap, filesOf, Rig } from './testing/rig.ts';

// What is wanted changes while a visit is under way: what the visit then finds out is about what was wanted before.

function rigFor(t: TestContext): Rig {
  const rig = new Rig();
  t.after(() => rig.stop());
  return rig.start();
}

/** Holds up the calls of one verb that `which` picks, until it is let go. */
function holdUp(rig: Rig, verb: 'apply' | 'get', which: (name: string, dryRun: boolean) => boolean): { held: boolean; go: () => void } {
  const gate = Promise.withResolvers<void>();
  const state = { held: false, go: gate.resolve };
  const original = rig.kube[verb].bind(rig.kube) as (...args: unknown[]) => Promise<unknown>;
  Object.assign(rig.kube, {
    [verb]: async (...args: unknown[]) => {
      const [, second, third] = args as [unknown, string | { metadata: { name: string } }, { dryRun?: boolean } | string];
      const name = typeof second === 'object' ? second.metadata.name : typeof third === 'string' ? third : '';
      if (which(name, typeof third === 'object' && third.dryRun === true)) {
        state.held = true;
        await gate.promise;
      }
      return original(...args);
    },
  });
  return state;
}

test('a refusal of the revision before is not said of the one that is wanted now', async (t) => {
  const rig = rigFor(t);
  const bad = await rig.assignment('p1', filesOf(configMap('bad')));
  const good = await rig.assignment('p1', filesOf(configMap('good')));
  const hold = holdUp(rig, 'apply', (name) => name === 'bad');
  rig.kube.fail({ verb: 'apply', name: 'bad', code: 'INVALID', times: 9 });
  rig.desire(bad);
  await rig.run(300);
  assert.equal(hold.held, true);
  rig.desire(good);
  hold.go();
  await rig.run();
  assert.deepEqual(
    rig.history.filter(({ revisionWanted, reason }) => revisionWanted === good.revision && reason === 'Invalid'),
    [],
  );
  assert.equal(rig.report().health, 'HEALTH_HEALTHY');
});

test('what was suspended while it was judged is not written any more', async (t) => {
  const rig = rigFor(t);
  const a = await rig.assignment('p1', filesOf(configMap('a')));
  const hold = holdUp(rig, 'apply', (_name, dryRun) => dryRun);
  rig.desire(a);
  await rig.run(300);
  assert.equal(hold.held, true);
  rig.desire({ ...a, mode: 'ASSIGNMENT_MODE_SUSPENDED' });
  hold.go();
  await rig.run();
  assert.deepEqual(rig.written(), []);
  assert.equal(rig.report().health, 'HEALTH_SUSPENDED');
});

test('what is wanted again while its deletion was looked at is not deleted', async (t) => {
  const rig = rigFor(t);
  const both = await rig.assignment('p1', filesOf(configMap('a'), configMap('b')));
  rig.desire(both);
  await rig.run();
  const uid = rig.object('ConfigMap', 'b')?.metadata.uid;
  rig.desire(await rig.assignment('p1', filesOf(configMap('a'))));
  const hold = holdUp(rig, 'get', (name) => name === 'b');
  await rig.run(300);
  assert.equal(hold.held, true);
  rig.desire(both);
  hold.go();
  await rig.run();
  assert.equal(rig.object('ConfigMap', 'b')?.metadata.uid, uid);
  assert.equal(rig.report().health, 'HEALTH_HEALTHY');
});

test('hops are measured from the receipt of what they are about', async (t) => {
  const rig = rigFor(t);
  const one = await rig.assignment('p1', filesOf(configMap('a')));
  const two = await rig.assignment('p1', filesOf(configMap('a', '2')));
  const hold = holdUp(rig, 'apply', (_name, dryRun) => !dryRun);
  rig.desire(one);
  await rig.run(5_000);
  assert.equal(hold.held, true);
  rig.desire(two);
  rig.registryUp = false;
  hold.go();
  await rig.run(500);
  const { hops } = rig.report();
  assert.equal(rig.report().revisionWanted, two.revision);
  assert.deepEqual([hops?.verified, hops?.applied, hops?.healthy], [undefined, undefined, undefined]);
});

test('what could not be written is not claimed: another may have it', async (t) => {
  const rig = rigFor(t);
  rig.kube.fail({ verb: 'apply', name: 'mine', code: 'INVALID', times: 9 });
  rig.desire(await rig.assignment('p1', filesOf(configMap('shared'), configMap('mine'))));
  await rig.run();
  assert.equal(rig.report('p1').reason, 'Invalid');
  rig.desire(
    await rig.assignment('p1', filesOf(configMap('shared'), configMap('mine'))),
    await rig.assignment('p2', filesOf(configMap('shared'))),
  );
  await rig.run();
  assert.equal(rig.report('p2').health, 'HEALTH_HEALTHY', rig.report('p2').message);
});
