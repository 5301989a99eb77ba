// What cannot be seen is Unknown: never healthy, never failed, never the end of a rollout.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Snapshot } from '#deploy/local/fleet/mod.ts';
import { manifests, openScene, planeOf, type Scene } from './scenes.ts';
import { until } from './waits.ts';

const beatMs = 1_000;
/** Three beats, with the spread of each, and the time between two looks. */
const noticedMaxMs = 3 * beatMs * 1.1 + 700;

interface Silencer {
  readonly what: string;
  readonly reasons: RegExp;
  readonly beatsGoOn: boolean;
  silence(scene: Scene): void;
  end(scene: Scene): void;
}

const spokeOf = (scene: Scene): number => scene.fleet.spokes.get('dev-1')?.pid ?? 0;

const silencers: readonly Silencer[] = [
  {
    what: 'its API server is stopped',
    reasons: /^ClusterApiSilent$/,
    beatsGoOn: true,
    silence: ({ fleet }) => planeOf(fleet.clusters, 'dev-1').pause('apiserver'),
    end: ({ fleet }) => planeOf(fleet.clusters, 'dev-1').resume('apiserver'),
  },
  {
    what: 'its spoke is stopped',
    reasons: /^SpokeSilent$/,
    beatsGoOn: false,
    silence: (scene) => process.kill(spokeOf(scene), 'SIGSTOP'),
    end: (scene) => process.kill(spokeOf(scene), 'SIGCONT'),
  },
];

describe('a cluster that is silent', { timeout: 5 * 60_000 }, () => {
  let scene: Scene;
  before(async () => {
    const files = { 'app.yaml': manifests('one') };
    scene = await openScene({ clusters: 2, beatMs, apps: [{ tenant: 'team', app: 'web', namespace: 'web', files }] });
    await scene.done();
  });
  after(() => scene[Symbol.asyncDispose]());

  const devOf = ({ clusters }: Snapshot) => clusters.find(({ name }) => name === 'dev-1');
  const placementOf = (snapshot: Snapshot) => devOf(snapshot)?.placements[0];

  const untilUnknown = async ({ reasons }: Silencer): Promise<void> => {
    const began = performance.now();
    await until('it is Unknown', async () => (await scene.placement('dev-1', 'web')).health === 'Unknown');
    const tookMs = performance.now() - began;
    assert.match((await scene.placement('dev-1', 'web')).reason, reasons);
    assert.ok(tookMs <= noticedMaxMs, `noticed after ${Math.round(tookMs)} ms, of ${noticedMaxMs}`);
  };

  for (const silencer of silencers) {
    test(`Unknown within three beats when ${silencer.what}, and healthy again when it goes on`, async () => {
      silencer.silence(scene);
      try {
        await untilUnknown(silencer);
        if (silencer.beatsGoOn) {
          // Three more beats have come meanwhile, and none of them vouched for anything.
          await until('the placement has gone unvouched for six beats', async () => {
            const cluster = await scene.cluster('dev-1');
            const placement = await scene.placement('dev-1', 'web');
            assert.equal(placement.health, 'Unknown');
            assert.equal(cluster.connection, 'Connected');
            assert.ok((cluster.ageMs ?? Infinity) < 3 * beatMs, `no beat for ${cluster.ageMs} ms`);
            return (placement.ageMs ?? 0) > 6 * beatMs;
          });
        } else await until('it is the spoke that is silent', async () => (await scene.placement('dev-1', 'web')).reason === 'SpokeSilent');
      } finally {
        silencer.end(scene);
      }
      await scene.done();
    });
  }

  for (const silencer of silencers) {
    test(`a rollout that is under way neither fails nor completes while ${silencer.what}`, async () => {
      const stuck = manifests(`stuck ${silencer.what}`, 'registry.example.org/does-not-exist:1');
      await scene.commit('team/web', { 'app.yaml': stuck }, 'Cannot become ready');
      const rollout = async () => {
        const snapshot = await scene.fleet.hub.snapshot();
        const target = snapshot.targets.find(({ environment }) => environment === 'dev');
        return { ...target?.rollout, current: target?.current, placement: placementOf(snapshot) };
      };
      await until('the rollout has reached the cluster', async () => {
        const { placement, state } = await rollout();
        const { health, wanted, observed } = placement ?? {};
        return (state === 'Progressing' && health === 'Progressing' && wanted === observed) || { state, health, wanted, observed };
      });
      const before = await rollout();
      silencer.silence(scene);
      try {
        await untilUnknown(silencer);
        await until('it has been so for eight beats', async () => {
          const { uid, state, current, placement } = await rollout();
          assert.deepEqual(
            { uid, state, current, health: placement?.health },
            { uid: before.uid, state: 'Progressing', current: before.current, health: 'Unknown' },
          );
          return (placement?.ageMs ?? 0) > 8 * beatMs;
        });
      } finally {
        silencer.end(scene);
      }
      await until('it goes on', async () => (await rollout()).placement?.health === 'Progressing');
      const commit = await scene.commit('team/web', { 'app.yaml': manifests(`mended ${silencer.what}`) }, 'Can become ready again');
      await until('the next release is healthy everywhere', async () => {
        const { clusters, releases } = await scene.fleet.hub.snapshot();
        const digest = releases.find((one) => one.commit === commit)?.digest;
        const placements = clusters.flatMap((cluster) => cluster.placements);
        return (
          placements.every(({ release, health }) => release === digest && health === 'Healthy') ||
          placements.map(({ health, reason }) => [health, reason])
        );
      });
    });
  }
});
