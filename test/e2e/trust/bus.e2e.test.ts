// Somebody owns NATS, with the credentials of the hub's own account: what can be done to clusters with it.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Envelope } from '#proto/mod.ts';
import { connectHub, importNatsKeys, type HubBus } from '#shared/bus/mod.ts';
import { systemClock, systemRandom } from '#shared/clock/mod.ts';
import { changesOn, kubectl, manifests, openScene, planeOf, type Scene } from './scenes.ts';
import { until } from './waits.ts';

const repository = 'team/web';
const filesOf = (dev: string, prod: string) => ({ 'dev/app.yaml': manifests(dev), 'prod/app.yaml': manifests(prod) });

interface Wire {
  readonly dev: Uint8Array;
  readonly prod: Uint8Array;
  /** What dev had before. */
  readonly old: Uint8Array;
}

const flipped = (bytes: Uint8Array, at: number): Uint8Array => bytes.map((byte, index) => (index === at ? byte ^ 1 : byte));
const misigned = (bytes: Uint8Array): Uint8Array => {
  const envelope = Envelope.decode(bytes);
  const signatures = envelope.signatures.map(({ sig, keyid }) => ({ sig: Buffer.from(flipped(sig, 7)), keyid }));
  return Envelope.encode({ ...envelope, signatures }).finish();
};

interface Attack {
  readonly name: string;
  readonly put: (wire: Wire) => { readonly dev?: Uint8Array; readonly prod?: Uint8Array };
  readonly code: string;
}

const attacks: readonly Attack[] = [
  { name: "each has the other's", put: ({ dev, prod }) => ({ dev: prod, prod: dev }), code: 'NotMine' },
  { name: 'an old one is replayed', put: ({ old }) => ({ dev: old }), code: 'Older' },
  { name: 'a byte of the payload is flipped', put: ({ dev }) => ({ dev: flipped(dev, 100) }), code: 'BadSignature' },
  { name: 'a byte of the signature is flipped', put: ({ prod }) => ({ prod: misigned(prod) }), code: 'BadSignature' },
  { name: 'it is cut short', put: ({ dev }) => ({ dev: dev.slice(0, 40) }), code: 'Malformed' },
];

describe('what comes over the bus', { timeout: 5 * 60_000 }, () => {
  const end = new AbortController();
  let scene: Scene;
  let bus: HubBus;
  const uids = { dev: '', prod: '' };
  let old: Uint8Array;

  before(async () => {
    const apps = [{ tenant: 'team', app: 'web', namespace: 'web', files: filesOf('one', 'one') }];
    scene = await openScene({ clusters: 2, apps, env: { WHEELHOUSE_ANTI_ENTROPY: '2s' } });
    await scene.done();
    const keys = importNatsKeys(await readFile(join(scene.data, 'hub/keys/nats.json'), 'utf8'));
    bus = await connectHub({ servers: [scene.fleet.nats.url], keys, clock: systemClock, random: systemRandom }, end.signal);
    for (const name of ['dev', 'prod'] as const) uids[name] = (await scene.cluster(`${name}-1`)).uid ?? '';
    old = await held('dev');
    // From here on the two are not at the same generation: one of two that are swapped is above the other's record.
    await scene.commit(repository, { 'dev/app.yaml': manifests('two') }, 'Change dev');
    await untilApplied('dev', 'two');
    assert.notEqual((await scene.cluster('dev-1')).fence?.generation, (await scene.cluster('prod-1')).fence?.generation);
  });
  after(async () => {
    await bus.close();
    end.abort();
    await scene[Symbol.asyncDispose]();
  });

  const plane = (name: 'dev' | 'prod') => planeOf(scene.fleet.clusters, `${name}-1`);
  const held = async (name: 'dev' | 'prod'): Promise<Uint8Array> => {
    const { bytes } = await bus.held(uids[name]);
    assert.ok(bytes, `the bus holds nothing for ${name}`);
    return bytes;
  };
  const recorded = (name: 'dev' | 'prod'): Buffer => {
    const [row] = scene.rows('SELECT envelope FROM desired JOIN clusters ON clusters.id = cluster_id WHERE uid = ?', uids[name]);
    return Buffer.from(row?.['envelope'] as Uint8Array);
  };
  const untilApplied = (name: 'dev' | 'prod', value: string) =>
    until(`${value} is what ${name} runs`, async () => {
      // In this order: who runs it is at the revision that the hub wants, so that what it says next is about that one.
      const found = await kubectl(plane(name), 'get', 'configmap', 'settings', '-n', 'web', '-o', 'jsonpath={.data.VALUE}');
      const { health, wanted, observed, reason, message } = await scene.placement(`${name}-1`, 'web');
      return (found === value && health === 'Healthy' && wanted === observed) || { found, health, reason, message };
    });
  /** When the spoke last refused something as this, by the hub's record: a repeat only moves the time. */
  const refusedAt = (name: string, code: string): number => {
    const of = 'SELECT MAX(at) AS at FROM refusals JOIN clusters ON clusters.id = cluster_id WHERE name = ? AND code = ?';
    return Number(scene.rows(of, name, code)[0]?.['at'] ?? 0);
  };

  const attacked = async ({ put, code }: Attack): Promise<void> => {
    const wire = { dev: await held('dev'), prod: await held('prod'), old };
    const written = put(wire);
    const names = (['dev', 'prod'] as const).filter((name) => written[name]);
    const before = names.map((name) => ({ name, refused: refusedAt(`${name}-1`, code), changes: changesOn(plane(name)) }));
    for (const name of names) await bus.put(uids[name], written[name] ?? Buffer.alloc(0));
    for (const { name, refused, changes } of before) {
      await until(`${name} has refused it as ${code}`, () => refusedAt(`${name}-1`, code) > refused);
      await until(`the bus holds for ${name} what the record holds`, async () => Buffer.compare(await held(name), recorded(name)) === 0);
      const cluster = await scene.cluster(`${name}-1`);
      assert.equal(cluster.refusals[0]?.code, code);
      for (const { wanted, observed, health, reason, message } of cluster.placements)
        assert.deepEqual({ observed, health, reason, message }, { observed: wanted, health: 'Healthy', reason, message });
      assert.deepEqual(changesOn(plane(name)), changes, 'something was written');
    }
    // Whoever owns the bus cannot make the hub believe that its record is an old one either.
    assert.equal(Math.max(refusedAt('dev-1', 'RecordBehind'), refusedAt('prod-1', 'RecordBehind')), 0);
  };

  for (const [index, attack] of attacks.entries())
    test(`${attack.name}: refused as ${attack.code}, mended by the hub, and the next valid one applies`, async () => {
      await attacked(attack);
      await scene.commit(repository, { 'dev/app.yaml': manifests(`after-${index}`) }, `After attack ${index}`);
      await untilApplied('dev', `after-${index}`);
    });

  test('the same forgery a second time is refused and mended a second time', async () => {
    const forged = flipped(await held('dev'), 100);
    const again: Attack = { name: '', put: () => ({ dev: forged }), code: 'BadSignature' };
    await attacked(again);
    await attacked(again);
  });
});
