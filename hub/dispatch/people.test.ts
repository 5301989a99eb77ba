import assert from 'node:assert/strict';
import test from 'node:test';
import { Health } from '#proto/mod.ts';
import { seededRandom } from '#shared/clock/mod.ts';
import type { Random } from '#shared/kernel/mod.ts';
import type { Subject } from '#hub/holds/mod.ts';
import { beatMs, Fleet } from './fleet.fixture.ts';

// People who freeze, suspend and let go at random while releases come, apps break, spokes leave and the hub is killed, from a seed. While something is held,
// nothing new is wanted of it; when all is let go, everything arrives.

const environments = { dev: ['d1', 'd2', 'd3'], prod: ['p1', 'p2'] };
const names = Object.values(environments).flat();
const pick = <T>(random: Random, items: readonly T[]): T => items[Math.floor(random.next() * items.length)] as T;

async function subjectOf(fleet: Fleet, random: Random): Promise<Subject | undefined> {
  const running = await fleet.store.read.selectFrom('rollouts').select('uid').where('finished_at', 'is', null).executeTakeFirst();
  const all: (Subject | undefined)[] = [
    ...names.map((name): Subject => ({ scope: 'Cluster', name })),
    ...names.map((name): Subject => ({ scope: 'Placement', tenant: 'acme', name: `${name}.web.web` })),
    ...Object.keys(environments).map((name): Subject => ({ scope: 'Environment', tenant: 'acme', name })),
    { scope: 'App', tenant: 'acme', name: 'web' },
    { scope: 'Fleet' },
    ...[1, 2, 3].map((): Subject | undefined => running && { scope: 'Rollout', tenant: 'acme', name: running.uid }),
  ];
  return pick(random, all);
}

/** Somebody does something, and sometimes it is the weather. */
async function happen(fleet: Fleet, random: Random, held: Set<string>): Promise<void> {
  const draw = random.next();
  const spoke = fleet.spoke(pick(random, names));
  if (draw < 0.3) {
    const subject = await subjectOf(fleet, random);
    const isPlaced = subject?.scope !== 'Placement' || (await placed(fleet, subject.name));
    if (!subject || !isPlaced) return;
    await fleet.hold(subject, random.next() < 0.3 ? 5 * beatMs : undefined);
    held.add(JSON.stringify(subject));
  } else if (draw < 0.55) {
    const [first] = held;
    if (first === undefined) return;
    held.delete(first);
    await fleet.unhold(JSON.parse(first) as Subject);
  } else if (draw < 0.7) await fleet.release(`content ${Math.floor(random.next() * 3)}`);
  else if (draw < 0.8)
    spoke.fares = () => ({ health: pick(random, [Health.HEALTH_HEALTHY, Health.HEALTH_PROGRESSING, Health.HEALTH_DEGRADED]) });
  else if (draw < 0.85) spoke.disconnect();
  else if (draw < 0.95) await (spoke.stream ? spoke.snapshot() : spoke.connect());
  else await fleet.restartHub();
}

const placed = async (fleet: Fleet, name: string): Promise<boolean> => {
  const { id } = await fleet.cluster(name.split('.')[0] ?? '');
  return (await fleet.store.read.selectFrom('placements').select('id').where('cluster_id', '=', id).executeTakeFirst()) !== undefined;
};

/** What is wanted where something is held, by placement and hold. */
async function stopped(fleet: Fleet): Promise<Map<string, number | null>> {
  const rows = await fleet.store.read
    .selectFrom('placements as p')
    .innerJoin('targets as g', 'g.id', 'p.target_id')
    .innerJoin('holds as h', (join) =>
      join.on((eb) =>
        eb.or([
          eb.and([eb('h.scope', '=', 'Cluster'), eb('h.subject_id', '=', eb.ref('p.cluster_id'))]),
          eb.and([eb('h.scope', '=', 'Placement'), eb('h.subject_id', '=', eb.ref('p.id'))]),
          eb.and([eb('h.scope', '=', 'App'), eb('h.subject_id', '=', eb.ref('p.app_id'))]),
          eb.and([eb('h.scope', '=', 'Environment'), eb('h.subject_id', '=', eb.ref('g.environment_id'))]),
          eb('h.scope', '=', 'Fleet'),
        ]),
      ),
    )
    .select(['p.id', 'p.wanted_revision_id', 'p.mode', 'h.scope', 'h.since'])
    .execute();
  for (const { scope, mode } of rows) if (scope === 'App' || scope === 'Placement') assert.equal(mode, 'Suspended');
  return new Map(rows.map((row) => [`${row.id} ${row.scope} ${row.since}`, row.wanted_revision_id]));
}

for (const seed of [11, 12, 14])
  test(`people from seed ${seed}: what is held wants nothing new, and when all is let go everything arrives`, async () => {
    await using fleet = await Fleet.start({ environments, maxConcurrent: 2 });
    const random = seededRandom(seed);
    await fleet.connectAll();
    await fleet.release();
    const held = new Set<string>();
    for (let beat = 0; beat < 40; beat++) {
      await happen(fleet, random, held);
      const before = await stopped(fleet);
      await fleet.tick();
      for (const [key, wanted] of await stopped(fleet)) if (before.has(key)) assert.equal(wanted, before.get(key), `beat ${beat}: ${key}`);
    }
    for (const subject of held) await fleet.unhold(JSON.parse(subject) as Subject);
    for (const spoke of fleet.spokes.values()) {
      spoke.fares = () => ({ health: Health.HEALTH_HEALTHY });
      if (!spoke.stream) await spoke.connect();
    }
    const last = await fleet.release('the last');
    await fleet.tick(25);
    assert.deepEqual(fleet.errors, []);
    assert.deepEqual(await fleet.store.read.selectFrom('holds').selectAll().execute(), []);
    for (const environment of Object.keys(environments)) {
      assert.match((await fleet.rollouts(environment)).at(-1) ?? '', /Succeeded/, environment);
      assert.equal((await fleet.target(environment)).current_release_id, last.id, environment);
    }
    const digests = names.map((name) => fleet.desiredOf(fleet.spoke(name).uid)?.desired.assignments[0]?.indexDigest);
    assert.deepEqual(new Set(digests), new Set([last.digest]));
    for (const name of names) assert.equal((await fleet.evidence(name)).health, 'Healthy', name);
  });
