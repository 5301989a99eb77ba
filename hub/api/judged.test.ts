import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { seededRandom, VirtualClock } from '#shared/clock/mod.ts';
import { openSqliteStore, sql } from '#hub/store/mod.ts';
import { drawContacts, generateFleet, StillFleet } from '#test/bench/mod.ts';
import { clusters } from './kinds/clusters.ts';
import { judged, tallies, type TallyRow } from './kinds/judged.ts';
import { momentOf } from './kinds/moments.ts';
import { placements } from './kinds/placements.ts';
import { fleetStatusOf } from './kinds/status.ts';
import { targets } from './kinds/targets.ts';
import { healths } from './schemas/words.ts';

const fleetOf = async (seed: number, settling: boolean) => {
  const store = await openSqliteStore({ file: ':memory:', clock: new VirtualClock(), random: seededRandom(seed) });
  const random = seededRandom(seed);
  const { clusterIds } = await generateFleet(store, { clusters: 24, tenants: 2, apps: 2 }, random);
  const moment = momentOf(new StillFleet(drawContacts(clusterIds, random), { settling }), 1_000);
  return { store, moment };
};

test('SQL judges exactly as the hub decides: health and convergence of every placement', async () => {
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 1_000_000 }), fc.boolean(), async (seed, settling) => {
      const { store, moment } = await fleetOf(seed, settling);
      await using _ = store;
      // Some that a person has suspended, be it told already or not.
      await store.read
        .updateTable('placements')
        .set({ mode: 'Suspended' })
        .where(sql<boolean>`id % 5 = 0`)
        .execute();
      const { rows } = await sql<{ rank: number; wanted: string | null }>`SELECT * FROM (${placements.select(moment)})`.execute(store.read);
      const shown = (await placements.resources({ read: store.read, moment }, rows as never)) as unknown as readonly {
        status: { health: string; reason: string; convergence: string; wanted: string | null; observed: string | null };
      }[];
      for (const [i, row] of rows.entries()) {
        const status = shown[i]?.status;
        assert.equal(healths[row.rank], status?.health, JSON.stringify(row));
        if (status?.convergence === 'Converged') assert.equal(status.wanted, status.observed);
        if (status?.health === 'Healthy') assert.equal(status.convergence, 'Converged');
        seen.add(`${status?.health} ${status?.reason}`);
      }
    }),
    // Between them these draw every reason; chance alone would miss one now and then.
    { numRuns: 25, examples: [1, 2, 3, 4, 5, 6].map((seed): [number, boolean] => [seed, seed === 6]) },
  );
  for (const health of ['Degraded', 'Unknown', 'Progressing', 'Suspended', 'Healthy'])
    assert.ok(
      [...seen].some((one) => one.startsWith(health)),
      `never drawn: ${health}`,
    );
  for (const reason of [
    'ClusterApiSilent',
    'SpokeSilent',
    'NotConnected',
    'ReportsOutOfDate',
    'Settling',
    'NothingWanted',
    'NoReport',
    'NotReceived',
  ])
    assert.ok(
      [...seen].some((one) => one.endsWith(reason)),
      `never drawn: ${reason}`,
    );
});

test('counts add up: of each cluster, each target and the fleet', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 1_000_000 }), async (seed) => {
      const { store, moment } = await fleetOf(seed, false);
      await using _ = store;
      const [whole] = (await sql<TallyRow>`SELECT ${tallies} FROM (${judged(moment)}) j`.execute(store.read)).rows;
      assert.ok(whole);
      for (const view of [clusters, targets]) {
        const { rows } = await sql<TallyRow>`SELECT * FROM (${view.select(moment)})`.execute(store.read);
        for (const row of rows) assert.equal(row.degraded + row.unknown + row.progressing + row.suspended + row.healthy, row.total);
        for (const key of ['total', 'degraded', 'unknown', 'progressing', 'suspended', 'healthy'] as const)
          assert.equal(
            rows.reduce((sum, row) => sum + row[key], 0),
            whole[key],
          );
      }
      const status = await fleetStatusOf(store.read, moment, null);
      const listed = (await sql<{ rank: number }>`SELECT rank FROM (${clusters.select(moment)})`.execute(store.read)).rows;
      for (const [rank, health] of healths.entries())
        assert.equal(status.clusters.health[health], listed.filter((row) => row.rank === rank).length, health);
      const sum = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((a, b) => a + b, 0);
      assert.equal(status.placements.total, whole.total);
      assert.equal(sum(status.clusters.connection), status.clusters.total);
      assert.equal(sum(status.clusters.health), status.clusters.total);
      assert.equal(sum(status.clusters.state), status.clusters.total);
      assert.equal(
        status.environments.reduce((all, { placements }) => all + placements.total, 0),
        whole.total,
      );
      assert.ok(status.worst.length <= 20 && status.rollouts.length <= 20);
      const ranks = status.worst.map(({ health }) => healths.indexOf(health));
      assert.deepEqual(
        ranks,
        ranks.toSorted((a, b) => a - b),
      );
    }),
    { numRuns: 15 },
  );
});

test('judging some costs only those, and says the same of them', async () => {
  const { store, moment } = await fleetOf(7, false);
  await using _ = store;
  for (const view of [clusters, targets, placements]) {
    const all = (await sql<{ id: number; rank: number }>`SELECT id, rank FROM (${view.select(moment)})`.execute(store.read)).rows;
    const some = all.filter((__, i) => i % 3 === 0);
    const again = (
      await sql<{ id: number; rank: number }>`SELECT id, rank FROM (${view.select(
        moment,
        some.map(({ id }) => id),
      )})`.execute(store.read)
    ).rows;
    const byId = (a: { id: number }, b: { id: number }): number => a.id - b.id;
    assert.deepEqual(again.toSorted(byId), some.toSorted(byId));
  }
});
