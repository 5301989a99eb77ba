// Hub and spokes are killed at drawn moments while a release travels: the job is done nevertheless, and nothing is undone or blamed on a cluster.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { verifyAudit } from '#hub/audit/mod.ts';
import { openSqliteStore } from '#hub/store/mod.ts';
import { seededRandom, systemClock, systemRandom } from '#shared/clock/mod.ts';
import { kubectl, TestFleet } from './fleets.ts';
import { configMap, deployment, nowhere } from './manifests.ts';
import { eventually } from './waits.ts';

const rounds = 3;
const killsMax = 3;
const momentMaxMs = 2_500;
const seed = Number(process.env['WHEELHOUSE_SEED'] ?? Math.floor(Math.random() * 2 ** 32));
const [tenant, app, namespace] = ['acme', 'site', 'site'];
const env = { WHEELHOUSE_BEAT: '300ms', WHEELHOUSE_POLL: '300ms' };

const filesOf = (version: number): Record<string, string> => ({
  'settings.yaml': configMap('settings', { version: String(version) }),
  'web.yaml': deployment('web', { image: `registry.example.org/web:${version}`, replicas: 2 }),
  [`only-${version}.yaml`]: configMap(`only-${version}`, {}),
});

type Victims = 'the hub' | 'hub and spokes';

for (const whom of ['the hub', 'hub and spokes'] as const)
  test(`${whom} killed at drawn moments (WHEELHOUSE_SEED=${seed})`, { timeout: 8 * 60_000 }, (t) => killed(whom, t));

test(
  'the hub killed while a cluster is being changed: it goes on with it, and holds its own absence against nobody',
  { timeout: 5 * 60_000 },
  async () => {
    // Settling lasts three beats and some seconds: longer than a spoke pauses between two tries after an absence as short as these.
    const slowly = { ...env, WHEELHOUSE_BEAT: '4s' };
    await using fleet = await TestFleet.start({ clusters: 2, apps: [{ tenant, app, namespace, files: filesOf(0) }], env: slowly });
    await fleet.done();
    const commit = await fleet.commit(tenant, app, { 'web.yaml': deployment('web', { replicas: 2, nodeSelector: nowhere }) });
    const underWay = (): Promise<string> =>
      eventually('dev to be under way, and heard of', 30_000, async () => {
        const { clusters, targets } = await fleet.snapshot();
        const { uid, state } = targets.find(({ environment }) => environment === 'dev')?.rollout ?? {};
        const placement = clusters.find(({ name }) => name === 'dev-1')?.placements[0];
        const there = state === 'Progressing' && placement?.health === 'Progressing' && placement.wanted === placement.observed;
        return there ? uid : undefined;
      });
    const rollout = await underWay();
    for (let kills = 1; kills <= 3; kills++) {
      const { hubProcess } = fleet.parts;
      assert.ok(hubProcess.pid);
      process.kill(hubProcess.pid, 'SIGKILL');
      await eventually('the next hub', 30_000, async () => hubProcess.restarts === kills || undefined);
      assert.equal(await underWay(), rollout, 'the same rollout');
    }
    // Now there is a place for its pods: what was begun before the kills comes to its end.
    for (const { name } of fleet.parts.clusters) {
      const label = Object.entries(nowhere).map(([key, value]) => `${key}=${value}`);
      await kubectl(fleet.plane(name), 'label', 'nodes', '--all', ...label);
    }
    await fleet.done(fleet.jobWith(app, commit));
    await fleet.stop();
    await assertRecord(join(fleet.data, 'hub', 'record.db'), 2, reportsOnTheirWay);
  },
);

async function killed(whom: Victims, t: TestContext): Promise<void> {
  t.diagnostic(`WHEELHOUSE_SEED=${seed} draws the same moments again`);
  const random = seededRandom(seed);
  const below = (limit: number): number => Math.floor(random.next() * limit);
  await using fleet = await TestFleet.start({ clusters: 2, apps: [{ tenant, app, namespace, files: filesOf(0) }], env });
  await fleet.done();
  const dead: string[] = [];
  let commits = 1;
  for (let round = 1; round <= rounds; round++) {
    const commit = await fleet.commit(tenant, app, { ...filesOf(round), [`only-${round - 1}.yaml`]: null });
    commits++;
    for (let kills = 1 + below(killsMax); kills > 0; kills--) {
      // The moment is what is drawn: this is no waiting for something.
      await sleep(below(momentMaxMs));
      const victims = [fleet.parts.hubProcess, ...(whom === 'the hub' ? [] : fleet.parts.spokes.values())];
      const victim = victims[below(victims.length)];
      if (!victim?.pid) continue; // it has not come back from the last one
      process.kill(victim.pid, 'SIGKILL');
      dead.push(`round ${round}: ${victim.name}`);
    }
    await fleet.done(fleet.jobWith(app, commit), 90_000).catch((error: unknown) => {
      throw new Error(`seed ${seed}, round ${round}, killed ${dead.join(', ')}`, { cause: error });
    });
  }
  t.diagnostic(`killed ${dead.join(', ')}`);
  assert.ok(dead.length > 0);
  for (const { name } of fleet.parts.clusters) {
    const plane = fleet.plane(name);
    await eventually(`the objects of the last commit, and no others, on ${name}`, 20_000, async () => {
      const { stdout } = await plane.kubectl('get', 'configmaps', '-n', namespace, '-o', 'name');
      return stdout.match(/only-\d+|settings/g)?.join() === `only-${rounds},settings` || undefined;
    });
  }
  await fleet.stop();
  await assertRecord(join(fleet.data, 'hub', 'record.db'), commits, anySilence);
}

/** What the hub wrote down: an unbroken chain, and rollouts that all came to their good end, each cluster in turn, without trouble on the way. */
async function assertRecord(file: string, releases: number, isExcused: (message: string) => boolean): Promise<void> {
  await using store = await openSqliteStore({ file, clock: systemClock, random: systemRandom });
  const { intact, brokenAt } = await verifyAudit(store.read);
  assert.equal(brokenAt, undefined);
  assert.ok(intact > releases);
  const rollouts = await store.read
    .selectFrom('rollouts')
    .select(['id', 'target_id', 'release_id', 'state', 'reason'])
    .orderBy('id')
    .execute();
  assert.deepEqual(
    rollouts.filter(({ state }) => state !== 'Succeeded'),
    [],
  );
  assert.equal(rollouts.length, 2 * releases, 'one for each release and environment: none was begun twice, none taken back');
  for (const target of new Set(rollouts.map(({ target_id }) => target_id))) {
    const order = rollouts.filter(({ target_id }) => target_id === target).map(({ release_id }) => release_id);
    assert.deepEqual(
      order,
      order.toSorted((a, b) => a - b),
      'no rollback',
    );
  }
  const states = await store.read.selectFrom('rollout_clusters').select(['rollout_id', 'cluster_id', 'state', 'reason']).execute();
  assert.deepEqual(
    states.filter(({ state }) => state !== 'Succeeded'),
    [],
  );
  const warnings = await store.read
    .selectFrom('rollout_events')
    .select(['rollout_id', 'reason', 'message'])
    .where('type', '=', 'Warning')
    .execute();
  // To wait for who is not heard from is no blame; nobody may be called failed.
  const blamed = warnings.filter(
    ({ reason, message }) =>
      !(reason === 'ClustersUnreachable' && /nothing is started there/.test(message)) &&
      !(/^Clusters?Unreachable$/.test(reason) && isExcused(message)),
  );
  assert.deepEqual(blamed, []);
  const refusals = await store.read.selectFrom('refusals').select(['code', 'message']).execute();
  assert.deepEqual(refusals, []);
}

/** Whoever was killed is silent, and with beats this short a hub has settled before a spoke that pauses after many tries is back. */
const anySilence = (): boolean => true;

/** What a killed hub had not committed is sent again: of a spoke that lives, the next hub may only say that it waits for that. */
const reportsOnTheirWay = (message: string): boolean =>
  /ReportsOutOfDate/.test(message) && !/NotConnected|SpokeSilent|ClusterApiSilent|Settling/.test(message);
