import assert from 'node:assert/strict';
import test from 'node:test';
import { AssignmentReport, DriftKind, DriftState, Health, type Drift } from '#proto/mod.ts';
import { seededRandom, VirtualClock } from '#shared/clock/mod.ts';
import { digestOf } from '#shared/kernel/mod.ts';
import { beatsMax, dispatchesOf, type Contact, type Watch } from '#hub/health/mod.ts';
import { openSqliteStore, put, type Store, type Write } from '#hub/store/mod.ts';
import { EventService } from './mod.ts';

// The service over a real record in memory, in virtual time.

const fence = { epoch: 1, generation: 1 };
const beatMs = 1_000;
const kept = 10;
const revision = digestOf('one');

class Fleet implements AsyncDisposable, Watch {
  readonly clock: VirtualClock;
  readonly contacts = new Map<number, Contact>();
  readonly recordBehind = undefined;
  settling = false;
  readonly store: Store;
  events: EventService;
  commits = 0;

  constructor(store: Store, clock: VirtualClock) {
    this.clock = clock;
    this.store = store;
    this.events = this.#service();
    store.onCommit(({ writes }) => (this.commits += writes.length));
  }

  #service(): EventService {
    return new EventService({
      store: this.store,
      clock: this.clock,
      watch: this,
      keptMax: kept,
      onError: (error) => {
        throw error;
      },
    });
  }

  /** As a new process does: nothing is remembered but the record, nobody has been heard. */
  restart(): void {
    this.contacts.clear();
    this.settling = true;
    this.events = this.#service();
  }

  contactOf(id: number): Contact | undefined {
    return this.contacts.get(id);
  }

  timing() {
    return { nowMs: this.clock.monotonicMs(), beatMs, settling: this.settling };
  }

  hear(...ids: number[]): void {
    const now = this.clock.monotonicMs();
    for (const id of ids)
      this.contacts.set(id, { connected: true, sinceMs: now, beatMs: now, vouchedMs: now, doubt: '', doubtMessage: '', fence });
  }

  async report(placementId: number, health: keyof typeof Health, reason: string, drift: Drift[] = []): Promise<void> {
    const report: AssignmentReport = {
      ...AssignmentReport.decode(new Uint8Array()),
      revisionWanted: revision,
      revisionApplied: revision,
      health: Health[health],
      reason,
      drift,
    };
    const row = {
      placement_id: placementId,
      value: AssignmentReport.encode(report).finish(),
      revision_wanted: revision,
      revision_applied: revision,
      health: health
        .replace('HEALTH_', '')
        .toLowerCase()
        .replace(/^./, (c) => c.toUpperCase()),
      reason,
      message: '',
      received_at: 0,
      since: 0,
    };
    await this.store.decide(
      async () => undefined,
      () => ({ result: undefined, writes: [put('reports', row)] }),
    );
  }

  async look(...ids: number[]): Promise<void> {
    this.events.changed(ids);
    await this.events.look();
  }

  async told(): Promise<string[]> {
    const rows = await this.store.read.selectFrom('events').selectAll().orderBy('seq').execute();
    return rows.map(({ kind, name, type, reason, count }) => `${kind}/${name} ${type} ${reason}${count === 1 ? '' : ` x${count}`}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.events.stop();
    await this.store[Symbol.asyncDispose]();
  }
}

const declared = { spec: '{}', manager: 'api', source_digest: '', generation: 1, created_at: 0, updated_at: 0 };
const clusterIds = [10, 11];
const placementIds = [20, 21, 22, 23];

async function open(): Promise<Fleet> {
  const clock = new VirtualClock(1_700_000_000_000);
  const store = await openSqliteStore({ file: ':memory:', clock, random: seededRandom(1) });
  const target = {
    current_release_id: null,
    offered_release_id: null,
    offered_at: null,
    exercised: 0,
    waiting_reason: '',
    waiting_message: '',
  };
  const cluster = (id: number): Write =>
    put('clusters', {
      id,
      name: `c-${id}`,
      uid: `u-${id}`,
      labels: '{}',
      parameters: '{}',
      state: 'Accepted',
      kube_system_uid: null,
      facts: '{}',
      manager: 'api',
      source_digest: '',
      generation: 1,
      created_at: 0,
      updated_at: 0,
    });
  const placement = (id: number): Write =>
    put('placements', {
      id,
      uid: `p-${id}`,
      cluster_id: id < 22 ? 10 : 11,
      app_id: 3,
      namespace: `n${id}`,
      target_id: 4,
      state: 'Active',
      hold_reason: '',
      mode: 'Enforce',
      wanted_revision_id: 6,
      wanted_variant_id: null,
      rollout_id: 9,
      traceparent: '',
      updated_at: 0,
    });
  await store.decide(
    async () => undefined,
    () => ({
      result: undefined,
      audit: { actor: 'user:test', action: 'create.test', subject: 'Test/test' },
      writes: [
        put('fleet', { id: 1, fleet_id: 'f', epoch: 1, leader_term: 1, keyset_version: 1 }),
        put('tenants', { id: 1, uid: 't1', name: 'acme', ...declared }),
        put('environments', { id: 2, uid: 't2', name: 'dev', tenant_id: 1, ...declared }),
        put('apps', { id: 3, uid: 't3', name: 'web', tenant_id: 1, ...declared }),
        put('targets', { id: 4, app_id: 3, environment_id: 2, ...target }),
        put('inputs', { id: 5, hash: revision, bytes: new Uint8Array() }),
        put('revisions', { id: 6, revision, layer_hash: revision, inputs_id: 5 }),
        ...clusterIds.map(cluster),
        ...placementIds.map(placement),
        ...placementIds.map((id) => put('dispatched', { placement_id: id, revision_id: 6, ...fence })),
      ],
    }),
  );
  return new Fleet(store, clock);
}

async function healthy(): Promise<Fleet> {
  const fleet = await open();
  fleet.hear(...clusterIds);
  for (const id of placementIds) await fleet.report(id, 'HEALTH_HEALTHY', 'Healthy');
  await fleet.look(...clusterIds);
  return fleet;
}
const first = ['Cluster/c-10 Normal Connected', 'Cluster/c-11 Normal Connected'];

test('an app that fails and recovers is told once each, with what it concerns and the rollout that had changed it', async () => {
  await using fleet = await healthy();
  await fleet.report(20, 'HEALTH_DEGRADED', 'CrashLoopBackOff');
  await fleet.look(10);
  await fleet.report(20, 'HEALTH_HEALTHY', 'Healthy');
  await fleet.look(10);
  assert.deepEqual(await fleet.told(), [...first, 'Placement/c-10.web.n20 Warning Degraded', 'Placement/c-10.web.n20 Normal Healthy']);
  const row = await fleet.store.read.selectFrom('events').selectAll().where('reason', '=', 'Degraded').executeTakeFirstOrThrow();
  assert.deepEqual(
    [row.tenant, row.cluster, row.app, row.environment, row.rollout_id, row.cause],
    ['acme', 'c-10', 'web', 'dev', 9, 'CrashLoopBackOff'],
  );
});

test('one that flaps is counted, not listed', async () => {
  await using fleet = await healthy();
  for (let i = 0; i < 50; i++)
    for (const [health, reason] of [
      ['HEALTH_DEGRADED', 'CrashLoopBackOff'],
      ['HEALTH_HEALTHY', 'Healthy'],
    ] as const) {
      await fleet.report(20, health, reason);
      await fleet.look(10);
    }
  assert.deepEqual((await fleet.told()).slice(2), [
    'Placement/c-10.web.n20 Warning Degraded x50',
    'Placement/c-10.web.n20 Normal Healthy x50',
  ]);
});

test('a cluster that falls silent is one event, however much runs on it; what changed meanwhile is told when it is heard', async () => {
  await using fleet = await healthy();
  await fleet.clock.advance((beatsMax + 1) * beatMs);
  fleet.hear(11);
  await fleet.look(10, 11);
  assert.deepEqual((await fleet.told()).slice(2), ['Cluster/c-10 Warning SpokeSilent']);
  await fleet.report(21, 'HEALTH_DEGRADED', 'NodesGone');
  await fleet.look(10);
  assert.equal((await fleet.told()).length, 3, 'a report that nothing vouches for is no news');
  fleet.hear(10);
  await fleet.look(10);
  assert.deepEqual((await fleet.told()).slice(2), [
    'Cluster/c-10 Warning SpokeSilent',
    'Cluster/c-10 Normal Connected',
    'Placement/c-10.web.n21 Warning Degraded',
  ]);
});

test('a look that finds nothing new writes nothing', async () => {
  await using fleet = await healthy();
  const { commits } = fleet;
  for (let i = 0; i < 20; i++) {
    fleet.hear(...clusterIds);
    await fleet.look(...clusterIds);
  }
  assert.equal(fleet.commits, commits);
});

test('a hub that restarts tells nothing about those that come back, and of one that does not, that it is lost', async () => {
  await using fleet = await healthy();
  fleet.restart();
  await fleet.look(...clusterIds);
  fleet.hear(10);
  await fleet.look(...clusterIds);
  assert.deepEqual(await fleet.told(), first, 'while it settles the hub is the suspect');
  fleet.settling = false;
  await fleet.events.settled();
  await fleet.events.look();
  assert.deepEqual((await fleet.told()).slice(2), ['Cluster/c-11 Warning NotConnected']);
});

const scaled: Drift = {
  object: 'apps/Deployment/shop/web',
  kind: DriftKind.DRIFT_KIND_CHANGED,
  state: DriftState.DRIFT_STATE_CORRECTED,
  fields: ['.spec.replicas'],
  fieldsMore: 0,
  manager: 'kubectl',
  operation: 'Update',
  subresource: '',
  changedAt: undefined,
  firstSeenAt: new Date(1_000),
  lastSeenAt: new Date(1_000),
  correctedAt: new Date(1_000),
  seen: 1,
  corrections: 1,
};

test('drift is told as often as it was put back', async () => {
  await using fleet = await healthy();
  for (const corrections of [1, 1, 4]) {
    await fleet.report(20, 'HEALTH_HEALTHY', 'Healthy', [{ ...scaled, corrections, seen: corrections }]);
    await fleet.look(10);
  }
  assert.deepEqual((await fleet.told()).slice(2), ['Placement/c-10.web.n20 Normal DriftCorrected x4']);
  const row = await fleet.store.read.selectFrom('events').selectAll().where('reason', '=', 'DriftCorrected').executeTakeFirstOrThrow();
  assert.deepEqual([row.actor, row.message], ['manager:kubectl', 'apps/Deployment/shop/web: .spec.replicas changed by kubectl; put back']);
});
test('looks are collected: many changes of one cluster are one look', async () => {
  await using fleet = await open();
  fleet.hear(10);
  for (let i = 0; i < 100; i++) fleet.events.changed([10]);
  assert.deepEqual(await fleet.told(), []);
  await fleet.clock.advance(1_000);
  await fleet.events.stop();
  assert.deepEqual(await fleet.told(), ['Cluster/c-10 Normal Connected']);
});

test('events beyond what is kept leave, the oldest first', async () => {
  await using fleet = await open();
  const event = {
    kind: 'Cluster',
    tenant: '',
    cluster: '',
    app: '',
    environment: '',
    type: 'Normal',
    reason: 'Connected',
    cause: '',
  } as const;
  const old = (id: number): Write =>
    put('events', { ...event, id, seq: id, name: `old${id}`, message: '', actor: '', rollout_id: null, count: 1, first_at: 0, at: 0 });
  await fleet.store.decide(
    async () => undefined,
    () => ({ result: undefined, writes: Array.from({ length: 30 }, (_, i) => old(-1 - i)) }),
  );
  fleet.hear(10);
  await fleet.look(10);
  const rows = await fleet.store.read.selectFrom('events').select('name').orderBy('seq').execute();
  assert.deepEqual([rows.length, rows[0]?.name, rows.at(-1)?.name], [kept + 1, `old${-kept}`, 'c-10']);
});

test('of more placements than a statement takes it can be asked what was dispatched', async () => {
  await using fleet = await open();
  const many = Array.from({ length: 40_000 }, (_, i) => 1_000 + i);
  const dispatched = await dispatchesOf(fleet.store.read, [...many, ...placementIds]);
  assert.deepEqual([...dispatched.keys()], placementIds);
});
