import assert from 'node:assert/strict';
import test from 'node:test';
import { seededRandom, VirtualClock } from '#shared/clock/mod.ts';
import type { Contact, Timing } from '#hub/health/mod.ts';
import { openSqliteStore, sql, type Reader } from '#hub/store/mod.ts';
import { generateFleet } from '#test/bench/mod.ts';
import { clusters } from './kinds/clusters.ts';
import { keeping } from './kinds/kept.ts';
import { momentOf, type Fleet, type Moment } from './kinds/moments.ts';
import { placements } from './kinds/placements.ts';
import { fleetStatusOf } from './kinds/status.ts';
import { connections, convergences, healths, type Convergence, type Health } from './schemas/words.ts';

/** Contacts as they change under whoever looks: each is replaced, none is altered. */
class LiveFleet implements Fleet {
  known = new Map<number, Contact>();
  settling = false;

  contacts(): Iterable<readonly [number, Contact]> {
    return this.known;
  }

  timing(): Timing {
    return { nowMs: 1_000_000, beatMs: 4_000, settling: this.settling };
  }
}

const fence = { epoch: 1, generation: 1_000_000 };
const heard: Contact = { connected: true, sinceMs: 1, beatMs: 999_900, vouchedMs: 999_900, doubt: '', doubtMessage: '', fence };

const rigOf = async (seed = 7) => {
  const random = seededRandom(seed);
  const store = await openSqliteStore({ file: ':memory:', clock: new VirtualClock(), random });
  const { clusterIds } = await generateFleet(store, { clusters: 24, tenants: 2, apps: 2 }, random);
  const fleet = new LiveFleet();
  for (const id of clusterIds) fleet.known.set(id, heard);
  return { store, read: store.read, clusterIds, fleet };
};

interface Shown {
  readonly metadata: { readonly name: string };
  readonly status: {
    readonly connection: string;
    readonly health: Health;
    readonly convergence: Convergence;
    readonly reason: string;
    readonly message: string;
    readonly wanted: string | null;
    readonly observed: string | null;
  };
}
interface Judged {
  readonly rank: number;
  readonly step: number;
  readonly connected: number;
}

/** Rows of a view, and what is shown of them after something has happened meanwhile. */
async function looked(view: typeof clusters | typeof placements, read: Reader, moment: Moment, meanwhile: () => unknown = () => {}) {
  const { rows } = await sql<Judged>`SELECT * FROM (${view.select(moment)}) ORDER BY name, id`.execute(read);
  await meanwhile();
  const shown = (await view.resources({ read, moment }, rows as never)) as unknown as readonly Shown[];
  return { rows, shown };
}

const lost: readonly (readonly [what: string, lose: (fleet: LiveFleet, ids: readonly number[]) => void])[] = [
  ['their streams end', ({ known }, ids) => ids.forEach((id) => known.set(id, { ...heard, connected: false, beatMs: 1, vouchedMs: 1 }))],
  ['nothing vouches for them', ({ known }, ids) => ids.forEach((id) => known.set(id, { ...heard, doubt: 'ClusterApiSilent' }))],
  ['they are forgotten', ({ known }) => known.clear()],
  [
    'the hub settles',
    (fleet) => {
      fleet.settling = true;
      fleet.known.clear();
    },
  ],
];

for (const [what, lose] of lost)
  test(`a moment knows contact as it was, for all that is asked about it: ${what}`, async () => {
    const { store, read, clusterIds, fleet } = await rigOf();
    await using _ = store;
    const moment = momentOf(fleet, 1_000);
    const all = async () => [
      await fleetStatusOf(read, moment, null),
      await looked(clusters, read, moment),
      await looked(placements, read, moment),
    ];
    const before = await all();
    lose(fleet, clusterIds);
    assert.deepEqual(await all(), before);
    // And the next one knows better.
    const after = momentOf(fleet, 1_000);
    assert.equal((await fleetStatusOf(read, after, null)).clusters.connection.Connected, what === 'nothing vouches for them' ? 24 : 0);
    for (const view of [clusters, placements])
      for (const { status } of (await looked(view, read, after)).shown) assert.equal(status.health, 'Unknown');
  });

test('what is shown of a cluster is what it was found and counted by', async () => {
  const { store, read, clusterIds, fleet } = await rigOf();
  await using _ = store;
  for (const [, lose] of lost) {
    for (const id of clusterIds) fleet.known.set(id, heard);
    const moment = momentOf(fleet, 1_000);
    const { rows, shown } = await looked(clusters, read, moment, () => lose(fleet, clusterIds));
    assert.deepEqual(
      shown.map(({ status }) => status.connection),
      rows.map(({ connected }) => connections[connected]),
    );
    const { clusters: counted } = await fleetStatusOf(read, moment, null);
    for (const word of connections) assert.equal(counted.connection[word], shown.filter(({ status }) => status.connection === word).length);
    for (const word of healths) assert.equal(counted.health[word], shown.filter(({ status }) => status.health === word).length);
  }
});

test('settling is of the moment too', async () => {
  const { store, read, fleet } = await rigOf();
  await using _ = store;
  fleet.settling = true;
  const moment = momentOf(fleet, 1_000);
  fleet.settling = false;
  assert.equal((await fleetStatusOf(read, moment, null)).settling, true);
  assert.equal((await fleetStatusOf(read, momentOf(fleet, 1_000), null)).settling, false);
});

const place = <W extends string>(words: readonly W[], word: W): number => words.indexOf(word);

const news: readonly (readonly [what: string, happen: (read: Reader) => Promise<unknown>])[] = [
  ['all is well', (read) => read.updateTable('reports').set({ health: 'Healthy', reason: 'Healthy' }).execute()],
  ['all is broken', (read) => read.updateTable('reports').set({ health: 'Degraded', reason: 'CrashLoop' }).execute()],
  ['it went back', (read) => read.updateTable('reports').set({ revision_wanted: 'sha256:old', revision_applied: 'sha256:old' }).execute()],
  ['nothing is wanted', (read) => read.updateTable('placements').set({ wanted_revision_id: null }).execute()],
];

for (const [what, happen] of news)
  test(`what is reported meanwhile makes nothing look better than it was found: ${what}`, async () => {
    const { store, read, fleet } = await rigOf();
    await using _ = store;
    const worseThan = { health: 0, same: 0 };
    await keeping(read, momentOf(fleet, 1_000), async (moment) => {
      const { rows, shown } = await looked(placements, read, moment, () => happen(read));
      for (const [i, { status }] of shown.entries()) {
        const { rank = -1, step = -1 } = rows[i] ?? {};
        assert.ok(place(healths, status.health) <= rank, `${status.health} was found ${healths[rank]}`);
        assert.ok(place(convergences, status.convergence) <= step, `${status.convergence} was found ${convergences[step]}`);
        if (status.health === 'Healthy') assert.equal(status.convergence, 'Converged');
        if (status.convergence === 'Converged') assert.equal(status.observed, status.wanted);
        // Why: never the good news of another health.
        if (status.health === 'Degraded') assert.notEqual(status.reason, 'Healthy');
        worseThan[place(healths, status.health) < rank ? 'health' : 'same']++;
      }
      assert.ok(worseThan.same > 0 || what === 'all is broken', 'some are as they were found');
      for (const { metadata, status } of (await looked(clusters, read, moment)).shown)
        if (status.health === 'Degraded') assert.notEqual(status.reason, 'Healthy', metadata.name);
    });
  });
