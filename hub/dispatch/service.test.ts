import assert from 'node:assert/strict';
import test from 'node:test';
import { Fleet, MemoryBus } from './fleet.fixture.ts';
import { DispatchService } from './mod.ts';

const running = async (): Promise<{ fleet: Fleet; clusterId: number; uid: string }> => {
  const fleet = await Fleet.start({ environments: { dev: ['d1'] } });
  await fleet.connectAll();
  await fleet.release();
  await fleet.tick(6);
  return { fleet, clusterId: (await fleet.cluster('d1')).id, uid: fleet.spoke('d1').uid };
};
const desired = (fleet: Fleet) => fleet.store.read.selectFrom('desired').selectAll().executeTakeFirstOrThrow();

test('the record has the exact bytes, and says when the bus has them', async () => {
  const { fleet, uid } = await running();
  await using _ = fleet;
  const row = await desired(fleet);
  assert.equal(row.published, 1);
  assert.deepEqual(Buffer.from(row.envelope), Buffer.from(fleet.bus.values.get(uid)?.bytes ?? []));
  const history = await fleet.store.read.selectFrom('desired_history').selectAll().execute();
  assert.deepEqual(
    history.map(({ epoch, generation, hash }) => [epoch, generation, Buffer.from(hash)]),
    [[1, 1, Buffer.from(row.hash)]],
  );
});

test('a visit that finds nothing new neither raises the generation nor writes', async () => {
  const { fleet, clusterId } = await running();
  await using _ = fleet;
  const [row, writes] = [await desired(fleet), fleet.bus.writes];
  await fleet.dispatch.visit(clusterId);
  assert.deepEqual([await desired(fleet), fleet.bus.writes], [row, writes]);
});

test('a bus that is down loses nothing: the record has it, the next visit publishes it', async () => {
  const { fleet, clusterId, uid } = await running();
  await using _ = fleet;
  const bus = new MemoryBus();
  let down = true;
  const dispatch = new DispatchService({
    store: fleet.store,
    signer: fleet.signer,
    bus: {
      held: (id) => bus.held(id),
      put: (id, bytes, expected) => (down ? Promise.reject(new Error('unreachable')) : bus.put(id, bytes, expected)),
    },
    recordBehind: () => undefined,
    onAhead: () => Promise.resolve(),
    onUnsendable: () => Promise.resolve(),
  });
  const row = await fleet.store.read.selectFrom('placements').selectAll().executeTakeFirstOrThrow();
  await fleet.write([{ op: 'put', table: 'placements', row: { ...row, mode: 'Suspended' } }]);
  await assert.rejects(dispatch.visit(clusterId), /unreachable/);
  const committed = await desired(fleet);
  assert.deepEqual([committed.generation, committed.published], [2, 0]);
  down = false;
  await dispatch.visit(clusterId);
  assert.deepEqual([(await desired(fleet)).generation, (await desired(fleet)).published], [2, 1]);
  assert.deepEqual(Buffer.from(bus.values.get(uid)?.bytes ?? []), Buffer.from(committed.envelope));
});

test('what is on the bus but not ours is overwritten; ours of a higher fence stops the fleet', async () => {
  const { fleet, uid } = await running();
  await using _ = fleet;
  const good = fleet.bus.values.get(uid);
  assert.ok(good);
  fleet.bus.values.set(uid, { sequence: 9, bytes: Buffer.from('forged') });
  await fleet.dispatch.verify(AbortSignal.timeout(120_000));
  assert.deepEqual(Buffer.from(fleet.bus.values.get(uid)?.bytes ?? []), Buffer.from(good.bytes));

  const row = await desired(fleet);
  await fleet.write([{ op: 'put', table: 'desired', row: { ...row, generation: 0, published: 0 } }]);
  await assert.rejects(fleet.dispatch.verify(AbortSignal.timeout(120_000)), /RECORD_BEHIND/);
  assert.match(fleet.health.recordBehind?.message ?? '', /the bus holds 1\/1/);
  assert.deepEqual(Buffer.from(fleet.bus.values.get(uid)?.bytes ?? []), Buffer.from(good.bytes));
});

test('a state that was decided while the bus was being looked at is no sign of an old record', async () => {
  const { fleet, clusterId, uid } = await running();
  await using _ = fleet;
  const placement = await fleet.store.read.selectFrom('placements').selectAll().executeTakeFirstOrThrow();
  await fleet.write([{ op: 'put', table: 'placements', row: { ...placement, mode: 'Suspended' } }]);
  const dispatch = new DispatchService({
    store: fleet.store,
    signer: fleet.signer,
    bus: {
      // Between reading the record and looking at the bus, a decision is dispatched.
      held: async (id) => {
        await fleet.dispatch.visit(clusterId);
        return fleet.bus.held(id);
      },
      put: (id, bytes, expected) => fleet.bus.put(id, bytes, expected),
    },
    recordBehind: () => undefined,
    onAhead: (_, message) => Promise.reject(new Error(message)),
    onUnsendable: () => Promise.resolve(),
  });
  await dispatch.verify(AbortSignal.timeout(120_000));
  const row = await desired(fleet);
  assert.deepEqual([row.generation, row.published], [2, 1]);
  assert.deepEqual(Buffer.from(fleet.bus.values.get(uid)?.bytes ?? []), Buffer.from(row.envelope));
});

test('an old record publishes nothing, and the key stays', async () => {
  const { fleet, clusterId } = await running();
  await using _ = fleet;
  await fleet.health.setRecordBehind(clusterId, 'restored');
  const writes = fleet.bus.writes;
  await assert.rejects(fleet.dispatch.visit(clusterId), { code: 'RECORD_BEHIND' });
  assert.equal(fleet.bus.writes, writes);
});

test('a cluster without an accepted identity is told nothing', async () => {
  const { fleet, clusterId } = await running();
  await using _ = fleet;
  const placement = await fleet.store.read.selectFrom('placements').selectAll().executeTakeFirstOrThrow();
  await fleet.write([
    { op: 'put', table: 'clusters', row: { ...(await fleet.cluster('d1')), state: 'Revoked' } },
    { op: 'put', table: 'placements', row: { ...placement, mode: 'Suspended' } },
  ]);
  await fleet.dispatch.visit(clusterId);
  assert.equal((await desired(fleet)).generation, 1);
});

test('what cannot be sent to a cluster is told to whoever looks at the cluster, and the cluster keeps what it has', async () => {
  const { fleet, clusterId } = await running();
  await using _ = fleet;
  const release = await fleet.store.read.selectFrom('releases').selectAll().executeTakeFirstOrThrow();
  await fleet.write([{ op: 'put', table: 'releases', row: { ...release, digest: 'sha256:short' } }]);
  for (let visits = 0; visits < 3; visits++) await assert.rejects(fleet.dispatch.visit(clusterId), { code: 'NOT_ENCODABLE' });
  const refusals = await fleet.store.read.selectFrom('refusals').selectAll().execute();
  assert.deepEqual(
    refusals.map(({ cluster_id, code }) => [cluster_id, code]),
    [[clusterId, 'NotEncodable']],
  );
  assert.match(refusals[0]?.message ?? '', /desired state of cluster d1 \(1 assignments\) cannot be sent/);
  assert.equal((await desired(fleet)).generation, 1);
});
