import assert from 'node:assert/strict';
import test from 'node:test';
import { seededRandom, VirtualClock } from '#shared/clock/mod.ts';
import { openSqliteStore, sql, type Reader } from '#hub/store/mod.ts';
import { drawContacts, generateFleet, StillFleet } from '#test/bench/mod.ts';
import { clusters } from './kinds/clusters.ts';
import { appsView, environments, tenants } from './kinds/declared.ts';
import { keeping } from './kinds/kept.ts';
import { momentOf, type Moment } from './kinds/moments.ts';
import { placements } from './kinds/placements.ts';
import { targets } from './kinds/targets.ts';
import { worstPlacements } from './kinds/worst.ts';

const fleetOf = async (seed = 7) => {
  const random = seededRandom(seed);
  const store = await openSqliteStore({ file: ':memory:', clock: new VirtualClock(), random });
  const { clusterIds } = await generateFleet(store, { clusters: 24, tenants: 2, apps: 2 }, random);
  const momentAt = (settling: boolean): Moment => momentOf(new StillFleet(drawContacts(clusterIds, random), { settling }), 1_000);
  return { store, read: store.read, clusterIds, momentAt };
};

const views = [clusters, tenants, environments, appsView(() => undefined), targets, placements];

/** Every view whole, and some of its rows. */
async function answers(read: Reader, moment: Moment): Promise<unknown[]> {
  const found: unknown[] = [];
  for (const view of views) {
    const { rows } = await sql<{ id: number }>`SELECT * FROM (${view.select(moment)}) ORDER BY id`.execute(read);
    const some = rows.filter((_, i) => i % 3 === 0).map(({ id }) => id);
    found.push(rows, (await sql`SELECT * FROM (${view.select(moment, some)}) ORDER BY id`.execute(read)).rows);
  }
  return found;
}

const keptRows = async (read: Reader): Promise<number> =>
  (await sql<{ n: number }>`SELECT count(*) AS n FROM temp.judged_kept`.execute(read)).rows[0]?.n ?? 0;

test('what was judged once is answered as what is judged anew', async () => {
  const { store, read, momentAt, clusterIds } = await fleetOf();
  await using _ = store;
  for (const settling of [false, true]) {
    const moment = momentAt(settling);
    const [kept, worst] = await keeping(read, moment, async (known) => [
      await answers(read, known),
      await worstPlacements(read, known, clusterIds.slice(0, 5)),
    ]);
    assert.deepEqual(kept, await answers(read, moment));
    assert.deepEqual(worst, await worstPlacements(read, moment, clusterIds.slice(0, 5)));
  }
});

test('each keeps what it judged, at its own moment, whoever else looks meanwhile', async () => {
  const { store, read, momentAt } = await fleetOf();
  await using _ = store;
  const [well, settling] = [momentAt(false), momentAt(true)];
  const [one, other] = await Promise.all([well, settling].map((moment) => keeping(read, moment, (known) => answers(read, known))));
  assert.notDeepEqual(one, other);
  assert.deepEqual([one, other], [await answers(read, well), await answers(read, settling)]);
});

test('while it is kept the record may change: who asks is told as of the moment', async () => {
  const { store, read, momentAt } = await fleetOf();
  await using _ = store;
  const ranks = async (moment: Moment) => (await sql`SELECT id, rank FROM (${placements.select(moment)}) ORDER BY id`.execute(read)).rows;
  const moment = momentAt(false);
  const before = await ranks(moment);
  await keeping(read, moment, async (known) => {
    await read.updateTable('reports').set({ health: 'Degraded' }).execute();
    assert.deepEqual(await ranks(known), before);
  });
  assert.notDeepEqual(await ranks(moment), before);
});

test('nothing is left of it, also when something goes wrong', async () => {
  const { store, read, momentAt } = await fleetOf();
  await using _ = store;
  await keeping(read, momentAt(false), async (known) => {
    const rows = await keptRows(read);
    assert.ok(rows > 0);
    // Within a look nothing is judged again.
    await keeping(read, known, async (again) => assert.equal(again, known));
    assert.equal(await keptRows(read), rows);
  });
  assert.equal(await keptRows(read), 0);
  await assert.rejects(
    keeping(read, momentAt(false), () => Promise.reject(new Error('the browser has gone'))),
    /gone/,
  );
  assert.equal(await keptRows(read), 0);
});
