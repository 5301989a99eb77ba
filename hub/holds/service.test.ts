import assert from 'node:assert/strict';
import test from 'node:test';
import { seededRandom, VirtualClock } from '#shared/clock/mod.ts';
import { openSqliteStore, put, type Store } from '#hub/store/mod.ts';
import { HoldError } from './errors.ts';
import type { Subject } from './model.ts';
import { Holds } from './service.ts';

const [minute, hour] = [60_000, 3_600_000];
const cluster = (name: string): Subject => ({ scope: 'Cluster', name });

interface Rig extends AsyncDisposable {
  readonly store: Store;
  readonly clock: VirtualClock;
  readonly holds: Holds;
  readonly errors: unknown[];
  readonly held: () => Promise<string[]>;
  readonly hold: (name: string, forMs: number | null) => Promise<unknown>;
  /** Time passes, and what the timer began comes to its end. */
  readonly pass: (ms: number) => Promise<void>;
}

async function start(wrap: (store: Store) => Store = (store) => store): Promise<Rig> {
  const clock = new VirtualClock();
  const store = await openSqliteStore({ file: ':memory:', clock, random: seededRandom(1) });
  await store.decide(
    async () => undefined,
    (_, { now, newId }) => ({
      result: undefined,
      writes: ['a', 'b'].map((name) =>
        put('clusters', {
          id: newId(),
          name,
          uid: `c${name}`,
          labels: '{}',
          parameters: '{}',
          state: 'Accepted',
          kube_system_uid: null,
          facts: '{}',
          manager: 'api',
          source_digest: '',
          generation: 1,
          created_at: now,
          updated_at: now,
        }),
      ),
      audit: { actor: 'user:test', action: 'apply.resources', subject: 'Test/test' },
    }),
  );
  const errors: unknown[] = [];
  const holds = new Holds({ store: wrap(store), clock, onError: (error) => errors.push(error) });
  const names = async (): Promise<string[]> => {
    const rows = await store.read.selectFrom('holds as h').innerJoin('clusters as c', 'c.id', 'h.subject_id').select('c.name').execute();
    return rows.map(({ name }) => name).toSorted();
  };
  return {
    store,
    clock,
    holds,
    errors,
    held: names,
    hold: (name, forMs) =>
      holds.hold(cluster(name), {
        actor: 'user:ada',
        reason: 'the fair',
        until: forMs === null ? null : clock.now() + forMs,
        dryRun: false,
      }),
    pass: async (ms) => {
      await clock.advance(ms);
      // Each is a transaction; reading queues behind it.
      for (let turns = 0; turns < 10; turns++) await names();
    },
    [Symbol.asyncDispose]: async () => {
      holds.stop();
      await store[Symbol.asyncDispose]();
    },
  };
}

test('each ends at its own time, with an audit row of its own', async () => {
  await using rig = await start();
  await rig.hold('a', 10 * minute);
  await rig.hold('b', 5 * minute);
  await rig.pass(5 * minute - 1);
  assert.deepEqual(await rig.held(), ['a', 'b']);
  await rig.pass(1);
  assert.deepEqual(await rig.held(), ['a']);
  await rig.pass(5 * minute);
  assert.deepEqual(await rig.held(), []);
  const audits = await rig.store.read.selectFrom('audit').selectAll().where('actor', '=', 'system:holds').orderBy('id').execute();
  assert.deepEqual(
    audits.map(({ action, subject, reason }) => `${action} ${subject} ${reason}`),
    ['unfreeze.cluster Cluster/b expired', 'unfreeze.cluster Cluster/a expired'],
  );
});

test('what ends in weeks ends then, though no timer is that long', async () => {
  await using rig = await start();
  await rig.hold('a', 40 * 24 * hour);
  for (let days = 0; days < 39; days++) for (let hours = 0; hours < 24; hours++) await rig.pass(hour);
  assert.deepEqual(await rig.held(), ['a']);
  for (let hours = 0; hours < 25; hours++) await rig.pass(hour);
  assert.deepEqual(await rig.held(), []);
});

test('said anew with a later end, or none, it does not end at the earlier one', async () => {
  await using rig = await start();
  await rig.hold('a', 5 * minute);
  await rig.hold('a', 15 * minute);
  await rig.pass(10 * minute);
  assert.deepEqual(await rig.held(), ['a']);
  await rig.hold('a', null);
  await rig.pass(hour);
  assert.deepEqual(await rig.held(), ['a']);
});

test('what has expired while no hub was there is over when the next one has started', async () => {
  await using rig = await start();
  await rig.hold('a', 5 * minute);
  await rig.hold('b', null);
  rig.holds.stop();
  await rig.pass(10 * minute);
  assert.deepEqual(await rig.held(), ['a', 'b'], 'nobody is there to release it');
  const next = new Holds({ store: rig.store, clock: rig.clock, onError: (error) => assert.fail(String(error)) });
  await next.start();
  next.stop();
  assert.deepEqual(await rig.held(), ['b']);
});

test('a record that cannot be written is tried again', async () => {
  let broken = false;
  await using rig = await start((store) => ({
    ...store,
    read: store.read,
    [Symbol.asyncDispose]: () => Promise.resolve(),
    onOutbox: () => {},
    onCommit: () => {},
    decide: (load, decide) => (broken ? Promise.reject(new Error('disk full')) : store.decide(load, decide)),
  }));
  await rig.hold('a', minute);
  broken = true;
  await rig.pass(minute);
  assert.deepEqual([rig.errors.length, await rig.held()], [1, ['a']]);
  broken = false;
  await rig.pass(minute);
  assert.deepEqual([rig.errors.length, await rig.held()], [1, []]);
});

test('by name or uid; what is not there is named', async () => {
  await using rig = await start();
  const ask = { actor: 'user:ada', reason: 'x', until: null, dryRun: false };
  assert.equal((await rig.holds.hold(cluster('ca'), ask)).changed, true);
  assert.deepEqual(await rig.held(), ['a']);
  await assert.rejects(
    rig.holds.hold({ scope: 'App', tenant: 'acme', name: 'web' }, ask),
    (error) => error instanceof HoldError && error.code === 'NOT_FOUND' && error.message === 'there is no App/acme/web',
  );
});
