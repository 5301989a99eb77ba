import assert from 'node:assert/strict';
import test from 'node:test';
import {
  AssignmentReport,
  desiredPayloadType,
  encodeDesired,
  Envelope,
  Health,
  reportSetHash,
  type Hello,
  type HubMessage,
  type SpokeMessage,
} from '#proto/mod.ts';
import { seededRandom, VirtualClock } from '#shared/clock/mod.ts';
import { digestOf, sha256, type Digest } from '#shared/kernel/mod.ts';
import { generateKey, openEnvelope, sealEnvelope } from '#shared/signing/mod.ts';
import { openSqliteStore, put, type ClusterRow, type Store } from '#hub/store/mod.ts';
import { connectionAt } from './evidence.ts';
import { healthLimits } from './bounds.ts';
import { HealthService } from './service.ts';
import type { SpokeStream } from './port.ts';

// Streams against a real record in memory, in virtual time.

const key = generateKey(seededRandom(7));

/** What this hub would have given to a cluster, as a spoke shows it, and the fence that it claims by it. */
function stateOf(clusterUid: string, generation: number, epoch = 1) {
  const state = { fleetId: 'tfleet', clusterUid, epoch, generation, ancestors: [], keysetVersion: 1, requires: [], assignments: [] };
  const payload = encodeDesired(state);
  const envelope = Envelope.decode(sealEnvelope(payload, desiredPayloadType, [key]));
  return {
    fence: { epoch, generation, hash: Buffer.from(sha256(payload)) },
    shown: { $case: 'heldEnvelope', value: { envelope } } as const,
  };
}

const audit = { actor: 'user:test', action: 'create.test', subject: 'Test/test' };
const cluster = (id: number, name: string, more: Partial<ClusterRow> = {}): ClusterRow => ({
  id,
  name,
  uid: `c${name}`,
  labels: '{}',
  parameters: '{}',
  state: 'Accepted',
  kube_system_uid: `kube-${name}`,
  facts: '{}',
  manager: 'api',
  source_digest: '',
  generation: 1,
  created_at: 0,
  updated_at: 0,
  ...more,
});

class Hub implements AsyncDisposable {
  readonly clock = new VirtualClock();
  readonly changes: number[][] = [];
  readonly errors: unknown[] = [];
  settled = 0;
  /** Clusters whose bus was to be looked after. */
  readonly looked: number[] = [];
  store!: Store;
  health!: HealthService;

  static async open(): Promise<Hub> {
    const hub = new Hub();
    hub.store = await openSqliteStore({ file: ':memory:', clock: hub.clock, random: seededRandom(1) });
    hub.health = new HealthService({
      store: hub.store,
      clock: hub.clock,
      beatIntervalMs: 1_000,
      reconnectMaxMs: 500,
      opens: (envelope) => {
        const opened = openEnvelope(envelope, desiredPayloadType, { keys: [key.publicKey], threshold: 1 });
        return opened.ok ? opened.payload : undefined;
      },
      onChange: (ids) => hub.changes.push([...ids]),
      onSettled: () => hub.settled++,
      onRefused: (id) => hub.looked.push(id),
      onError: (error) => hub.errors.push(error),
    });
    const spec = { spec: '{}', manager: 'api', source_digest: '', generation: 1, created_at: 0, updated_at: 0 };
    const rest = {
      current_release_id: null,
      offered_release_id: null,
      offered_at: null,
      exercised: 0,
      waiting_reason: '',
      waiting_message: '',
    };
    const placement = (id: number, uid: string, clusterId: number) =>
      put('placements', {
        id,
        uid,
        cluster_id: clusterId,
        app_id: 3,
        namespace: uid,
        target_id: 4,
        state: 'Active',
        hold_reason: '',
        mode: 'Enforce',
        wanted_revision_id: null,
        wanted_variant_id: null,
        rollout_id: null,
        traceparent: '',
        updated_at: 0,
      });
    await hub.store.decide(
      async () => undefined,
      () => ({
        result: undefined,
        audit,
        writes: [
          put('fleet', { id: 1, fleet_id: 'tfleet', epoch: 1, leader_term: 1, keyset_version: 3 }),
          put('tenants', { id: 1, uid: 't1', name: 'acme', ...spec }),
          put('environments', { id: 2, uid: 't2', name: 'dev', tenant_id: 1, ...spec }),
          put('apps', { id: 3, uid: 't3', name: 'web', tenant_id: 1, ...spec }),
          put('targets', { id: 4, app_id: 3, environment_id: 2, ...rest }),
          put('clusters', cluster(10, 'a')),
          put('clusters', cluster(11, 'b')),
          put('clusters', cluster(12, 'gone', { state: 'Revoked' })),
          put('clusters', cluster(13, 'new', { state: 'Pending' })),
          placement(20, 'pa1', 10),
          placement(21, 'pa2', 10),
          placement(22, 'pb1', 11),
        ],
      }),
    );
    return hub;
  }

  refusals(): Promise<string[]> {
    const rows = this.store.read.selectFrom('refusals').select('code').orderBy('id').execute();
    return rows.then((all) => all.map(({ code }) => code));
  }

  reports(): Promise<string[]> {
    const rows = this.store.read.selectFrom('reports').selectAll().orderBy('placement_id').execute();
    return rows.then((all) => all.map((row) => `${row.placement_id} ${row.health}`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store[Symbol.asyncDispose]();
  }
}

const behind = (hub: Hub): string => hub.health.recordBehind?.message ?? '';

class Spoke {
  readonly heard: HubMessage['message'][] = [];
  readonly stream: SpokeStream;
  readonly #hub: Hub;
  #seq = 0;

  constructor(hub: Hub, uid: string) {
    this.#hub = hub;
    this.stream = hub.health.open(
      { clusterUid: uid, certificateSerial: '1' },
      {
        send: ({ message }) => this.heard.push(message),
        close: (reason, message) => this.heard.push({ $case: 'goodbye', value: { reason, message, retryAfterMs: 0 } }),
      },
    );
  }

  send(message: SpokeMessage['message']): Promise<void> {
    return this.stream.receive({ message });
  }

  hello(name: string, more: Partial<Hello> = {}): Promise<void> {
    const value: Hello = {
      spokeVersion: '0.1.0',
      fence: undefined,
      kubeSystemUid: `kube-${name}`,
      facts: { kubernetesVersion: 'v1.36', nodes: 1, labels: {} },
      capabilities: [],
      reportSetHash: reportSetHash([]),
      keysetVersion: 1,
      processId: 'one',
      ...more,
    };
    return this.send({ $case: 'hello', value });
  }

  async report(uid: string, health: Health = Health.HEALTH_HEALTHY, more: Partial<AssignmentReport> = {}): Promise<void> {
    await this.send({ $case: 'report', value: { seq: ++this.#seq, value: encoded(said(uid, health, more)) } });
    await this.#hub.clock.advance(5);
  }

  beat(hash: Buffer, observing = true, more: { fence?: Hello['fence']; lastReplySeq?: number } = {}): Promise<void> {
    const value = { seq: ++this.#seq, lastReportSeq: 0, reportSetHash: hash, fence: undefined, observing, notObservingReason: '', ...more };
    return this.send({ $case: 'beat', value });
  }

  /** Cases heard, a goodbye by its reason. */
  get cases(): string[] {
    return this.heard.map((m) => (m?.$case === 'goodbye' ? m.value.reason : (m?.$case ?? '')));
  }

  last<C extends keyof Values>($case: C): Values[C] {
    const found = this.heard.findLast((m) => m?.$case === $case);
    assert.ok(found, $case);
    return found.value as unknown as Values[C];
  }
}

type Said = NonNullable<HubMessage['message']>;
type Values = { [M in Said as M['$case']]: M['value'] };

const r1: Digest = digestOf('r1');
const said = (uid: string, health: Health, more: Partial<AssignmentReport> = {}): AssignmentReport =>
  AssignmentReport.create({ assignmentUid: uid, revisionWanted: r1, revisionApplied: r1, health, ...more });
const encoded = (report: AssignmentReport): Buffer => Buffer.from(AssignmentReport.encode(report).finish());
const hashOf = (...reports: AssignmentReport[]): Buffer =>
  reportSetHash(reports.map((r) => [r.assignmentUid, AssignmentReport.encode(r).finish()] as const));

const refused: readonly [string, string, string, string, string[]][] = [
  ['an identity that nobody knows', 'cnobody', 'a', 'NotAccepted', []],
  ['a revoked cluster', 'cgone', 'gone', 'Revoked', []],
  ['a cluster that is not accepted yet', 'cnew', 'new', 'NotAccepted', []],
  ['a clone: another kube-system', 'ca', 'b', 'CloneRefused', ['CloneRefused']],
];
for (const [name, uid, kube, reason, rows] of refused)
  test(`refused: ${name}`, async () => {
    await using hub = await Hub.open();
    const spoke = new Spoke(hub, uid);
    await spoke.hello(kube);
    assert.deepEqual([spoke.cases, await hub.refusals()], [[reason], rows]);
    await spoke.beat(hashOf());
    assert.equal(spoke.heard.length, 1);
  });

test('an identity that is revoked while its stream is open vouches for nothing more', async () => {
  await using hub = await Hub.open();
  const a = new Spoke(hub, 'ca');
  await a.hello('a');
  await a.beat(hashOf());
  assert.equal(hub.health.contactOf(10)?.connected, true);
  await hub.store.decide(
    async () => undefined,
    () => ({ result: undefined, audit, writes: [put('clusters', cluster(10, 'a', { state: 'Revoked' }))] }),
  );
  const vouchedMs = hub.health.contactOf(10)?.vouchedMs;
  await hub.clock.advance(1_000);
  await a.beat(hashOf());
  assert.equal(a.cases.at(-1), 'Revoked');
  assert.deepEqual([hub.health.contactOf(10)?.connected, hub.health.contactOf(10)?.vouchedMs], [false, vouchedMs]);
});

test('a stream begins with one Hello', async () => {
  await using hub = await Hub.open();
  const early = new Spoke(hub, 'ca');
  await early.beat(hashOf());
  assert.deepEqual(early.cases, ['ProtocolError']);
  const twice = new Spoke(hub, 'ca');
  await twice.hello('a');
  await twice.hello('a');
  assert.deepEqual(twice.cases, ['welcome', 'ProtocolError']);
});

test('Welcome says the floor, the interval and whether the reports are known', async () => {
  await using hub = await Hub.open();
  const spoke = new Spoke(hub, 'ca');
  await spoke.hello('a');
  const { fence, beatIntervalMs, fenceConfirmed, reportsConfirmed, keysetVersion } = spoke.last('welcome');
  assert.deepEqual(
    { fence, beatIntervalMs, fenceConfirmed, reportsConfirmed, keysetVersion },
    {
      fence: { epoch: 1, generation: 0, hash: Buffer.alloc(0) },
      beatIntervalMs: 1_000,
      fenceConfirmed: false,
      reportsConfirmed: true,
      keysetVersion: 3,
    },
  );
});

test('Welcome confirms a fence that the history knows', async () => {
  await using hub = await Hub.open();
  const hash = Buffer.alloc(32, 7);
  await hub.store.decide(
    async () => undefined,
    () => ({
      result: undefined,
      writes: [
        put('desired', { cluster_id: 10, epoch: 1, generation: 90, hash: Buffer.alloc(32, 9), envelope: hash, published: 1, at: 0 }),
        put('desired_history', { cluster_id: 10, epoch: 1, generation: 2, hash }),
      ],
    }),
  );
  const spoke = new Spoke(hub, 'ca');
  await spoke.hello('a', { fence: { epoch: 1, generation: 2, hash } });
  assert.equal(spoke.last('welcome').fenceConfirmed, true);
  assert.equal(spoke.last('welcome').fence?.generation, 90);
  const other = new Spoke(hub, 'cb');
  const { fence, shown } = stateOf('cb', 2);
  await other.hello('b', { fence });
  assert.equal(other.last('welcome').fenceConfirmed, false);
  assert.equal(behind(hub), '', 'its word alone');
  other.last('envelopeRequest');
  await other.send(shown);
  assert.match(behind(hub), /^b: a spoke is at 1\/2/);
});

test('reports are kept after one commit for many streams, then acknowledged', async () => {
  await using hub = await Hub.open();
  const [a, b] = [new Spoke(hub, 'ca'), new Spoke(hub, 'cb')];
  await a.hello('a');
  await b.hello('b');
  const value = (uid: string, seq: number) => ({
    $case: 'report' as const,
    value: { seq, value: encoded(said(uid, Health.HEALTH_HEALTHY)) },
  });
  await a.send(value('pa1', 1));
  await a.send(value('pa2', 2));
  await b.send(value('pb1', 1));
  assert.deepEqual(await hub.reports(), []);
  await hub.clock.advance(5);
  assert.deepEqual(await hub.reports(), ['20 Healthy', '21 Healthy', '22 Healthy']);
  assert.deepEqual(
    [a.last('reportAck'), b.last('reportAck')],
    [
      { seq: 2, refused: [] },
      { seq: 1, refused: [] },
    ],
  );
  assert.deepEqual(hub.changes.at(-1), [10, 11]);
});

test('a cluster that reports about the assignment of another is refused, and nothing is stored', async () => {
  await using hub = await Hub.open();
  const a = new Spoke(hub, 'ca');
  await a.hello('a');
  await a.report('pb1');
  await a.report('pnobody');
  assert.deepEqual(await hub.reports(), []);
  assert.deepEqual(
    a.heard.flatMap((m) => (m?.$case === 'reportAck' ? m.value.refused.map((r) => `${r.assignmentUid} ${r.code}`) : [])),
    ['pb1 ForeignAssignment', 'pnobody ForeignAssignment'],
  );
  assert.deepEqual(await hub.refusals(), ['ForeignAssignment', 'ForeignAssignment']);
});

test('refusals are bounded, and a repeat is not another one', async () => {
  await using hub = await Hub.open();
  const a = new Spoke(hub, 'ca');
  await a.hello('a');
  for (let i = 0; i < 5; i++) await a.report('pb1');
  assert.equal((await hub.refusals()).length, 1);
  for (let i = 0; i < healthLimits.refusalsPerClusterMax + 20; i++)
    await a.send({ $case: 'refusal', value: { outcome: 'Older', message: `the ${i}th`, seen: undefined } });
  const rows = await hub.store.read.selectFrom('refusals').select('message').orderBy('id').execute();
  assert.equal(rows.length, healthLimits.refusalsPerClusterMax);
  assert.equal(rows.at(-1)?.message, `the ${healthLimits.refusalsPerClusterMax + 19}th`);
});

test('a report that is too large or misshapen is refused whole', async () => {
  await using hub = await Hub.open();
  const a = new Spoke(hub, 'ca');
  await a.hello('a');
  await a.report('pa1', Health.HEALTH_HEALTHY, { message: 'x'.repeat(healthLimits.messageCharsMax + 1) });
  await a.report('pa1', Health.HEALTH_HEALTHY, { revisionApplied: 'latest' });
  assert.deepEqual(await hub.reports(), []);
  assert.deepEqual(await hub.refusals(), ['ReportRefused', 'ReportRefused']);
});

test('what a spoke refused is in the record; Forked makes the hub ask, and what it shows stops the fleet', async () => {
  await using hub = await Hub.open();
  await hub.store.decide(
    async () => undefined,
    () => ({ result: undefined, writes: [put('desired', desired(10, 4))] }),
  );
  const a = new Spoke(hub, 'ca');
  await a.hello('a');
  await a.send({ $case: 'refusal', value: { outcome: 'BadSignature', message: 'a byte was flipped', seen: undefined } });
  assert.ok(!a.cases.includes('envelopeRequest'));
  const { fence, shown } = stateOf('ca', 4);
  await a.send({ $case: 'refusal', value: { outcome: 'Forked', message: 'two histories', seen: fence } });
  assert.deepEqual([await hub.refusals(), hub.health.recordBehind], [['BadSignature', 'Forked'], undefined]);
  a.last('envelopeRequest');
  await a.send(shown);
  assert.deepEqual(await hub.refusals(), ['BadSignature', 'Forked', 'RecordBehind']);
  assert.match(hub.health.recordBehind?.message ?? '', /holds another state than the record at 1\/4: run recover/);
});

test('a spoke that refuses as Forked what the record can be true with has been given it by somebody else: the bus is looked after', async () => {
  await using hub = await Hub.open();
  const { fence, shown } = stateOf('ca', 4);
  await hub.store.decide(
    async () => undefined,
    () => ({ result: undefined, writes: [put('desired', { ...desired(10, 4), hash: fence.hash })] }),
  );
  const a = new Spoke(hub, 'ca');
  await a.hello('a', { fence });
  await a.beat(hashOf(), true, { fence });
  await a.send({ $case: 'refusal', value: { outcome: 'Forked', message: 'two histories', seen: stateOf('ca', 4, 1).fence } });
  await a.send(shown);
  assert.equal(hub.health.recordBehind, undefined);
  assert.deepEqual(hub.looked, [10]);
});

test('what nobody asked for is not looked at', async () => {
  await using hub = await Hub.open();
  const a = new Spoke(hub, 'ca');
  await a.hello('a');
  await a.send(stateOf('ca', 50).shown);
  assert.deepEqual([hub.health.recordBehind, await hub.refusals()], [undefined, []]);
});

test('every cluster that shows to be ahead of the record is noted once, not at each of its beats', async () => {
  await using hub = await Hub.open();
  const spokes = [new Spoke(hub, 'ca'), new Spoke(hub, 'cb')];
  const ahead = [stateOf('ca', 1, 7), stateOf('cb', 1, 7)] as const;
  for (const [i, spoke] of spokes.entries()) {
    const { fence, shown } = ahead[i === 0 ? 0 : 1];
    await spoke.hello(i === 0 ? 'a' : 'b', { fence });
    await spoke.send(shown);
  }
  const noted = await hub.store.read.selectFrom('refusals').selectAll().execute();
  assert.deepEqual(
    noted.map(({ cluster_id, code }) => [cluster_id, code]),
    [
      [10, 'RecordBehind'],
      [11, 'RecordBehind'],
    ],
  );
  for (let beats = 0; beats < 3; beats++) {
    await hub.clock.advance(1_000);
    for (const [i, spoke] of spokes.entries()) await spoke.beat(hashOf(), true, { fence: ahead[i === 0 ? 0 : 1].fence });
  }
  assert.deepEqual(await hub.store.read.selectFrom('refusals').selectAll().execute(), noted);
});

test('a spoke that claims and shows nothing is asked again, rarely, noted once, and nothing of it is believed until it claims no more', async () => {
  await using hub = await Hub.open();
  const a = new Spoke(hub, 'ca');
  await a.hello('a');
  await a.beat(hashOf());
  const { fence } = stateOf('ca', 50);
  for (let beats = 0; beats < 25; beats++) {
    await hub.clock.advance(1_000);
    await a.beat(hashOf(), true, { fence });
    assert.deepEqual([hub.health.contactOf(10)?.doubt, hub.health.contactOf(10)?.fence], ['FenceUnproven', undefined]);
  }
  assert.equal(a.cases.filter((one) => one === 'envelopeRequest').length, 3);
  assert.deepEqual([await hub.refusals(), hub.health.recordBehind], [['FenceUnproven'], undefined]);
  await a.beat(hashOf());
  assert.equal(hub.health.contactOf(10)?.doubt, '');
});

test('a snapshot is compared with the record, not with what was known of it before', async () => {
  await using hub = await Hub.open();
  const spoke = new Spoke(hub, 'ca');
  await spoke.hello('a');
  await spoke.report('pa1');
  const [row] = await hub.store.read.selectFrom('reports').selectAll().execute();
  assert.ok(row);
  const held = said('pa1', Health.HEALTH_DEGRADED);
  await spoke.beat(hashOf(said('pa1', Health.HEALTH_HEALTHY)));
  // The record changes beside this process.
  await hub.store.decide(
    async () => undefined,
    () => ({ result: undefined, writes: [put('reports', { ...row, value: encoded(held) })] }),
  );
  await spoke.beat(hashOf(held));
  assert.equal(spoke.cases.at(-1), 'snapshotRequest');
  await spoke.report('pa1', Health.HEALTH_DEGRADED);
  await spoke.send({ $case: 'snapshotEnd', value: { reports: 1, reportSetHash: hashOf(held) } });
  await spoke.beat(hashOf(held));
  assert.equal(hub.health.contactOf(10)?.doubt, '');
});

test('a beat vouches only when the spoke observes, and for the very reports that the hub holds', async () => {
  await using hub = await Hub.open();
  const a = new Spoke(hub, 'ca');
  await a.hello('a');
  await a.report('pa1');
  const held = hashOf(said('pa1', Health.HEALTH_HEALTHY));
  const vouched = (): boolean => hub.health.contactOf(10)?.vouchedMs === hub.clock.monotonicMs();
  await a.beat(held);
  assert.equal(vouched(), true);
  await hub.clock.advance(1_000);
  await a.beat(hashOf(said('pa1', Health.HEALTH_DEGRADED)));
  assert.deepEqual([vouched(), hub.health.contactOf(10)?.doubt], [false, 'ReportsOutOfDate']);
  await a.beat(held, false);
  assert.deepEqual([vouched(), hub.health.contactOf(10)?.doubt], [false, 'ClusterApiSilent']);
  await a.beat(held);
  assert.equal(vouched(), true);
  assert.equal(a.last('beatReply').seq, 5);
});

test('a field that this hub does not know yet is kept as it came, and hashes as it does at the spoke', async () => {
  await using hub = await Hub.open();
  const a = new Spoke(hub, 'ca');
  await a.hello('a');
  // Field 999 with the bytes "new".
  const newer = Buffer.concat([encoded(said('pa1', Health.HEALTH_HEALTHY)), Buffer.from([0xba, 0x3e, 3]), Buffer.from('new')]);
  await a.send({ $case: 'report', value: { seq: 1, value: newer } });
  await hub.clock.advance(5);
  await a.beat(reportSetHash([['pa1', newer]]));
  assert.equal(hub.health.contactOf(10)?.doubt, '');
  assert.equal(Buffer.compare((await hub.store.read.selectFrom('reports').select('value').executeTakeFirstOrThrow()).value, newer), 0);
});

test('a beat that comes with a report still waiting for its commit vouches for it', async () => {
  await using hub = await Hub.open();
  const a = new Spoke(hub, 'ca');
  await a.hello('a');
  await a.send({ $case: 'report', value: { seq: 1, value: encoded(said('pa1', Health.HEALTH_HEALTHY)) } });
  await a.beat(hashOf(said('pa1', Health.HEALTH_HEALTHY)));
  assert.equal(hub.health.contactOf(10)?.doubt, '');
});

test('a spoke of other reports is asked for all; what it does not name is dropped', async () => {
  await using hub = await Hub.open();
  const before = new Spoke(hub, 'ca');
  await before.hello('a');
  await before.report('pa1');
  await before.report('pa2');
  await before.beat(hashOf(said('pa1', Health.HEALTH_HEALTHY), said('pa2', Health.HEALTH_HEALTHY)));
  before.stream.ended('restart');
  const a = new Spoke(hub, 'ca');
  await a.hello('a', { reportSetHash: hashOf(said('pa2', Health.HEALTH_PROGRESSING)), processId: 'two' });
  assert.deepEqual(a.cases, ['welcome', 'snapshotRequest']);
  assert.equal(hub.health.contactOf(10)?.vouchedMs, undefined);
  await a.report('pa2', Health.HEALTH_PROGRESSING);
  await a.send({ $case: 'snapshotEnd', value: { reports: 1, reportSetHash: Buffer.alloc(0) } });
  assert.deepEqual(await hub.reports(), ['21 Progressing']);
  await a.beat(hashOf(said('pa2', Health.HEALTH_PROGRESSING)));
  assert.equal(hub.health.contactOf(10)?.doubt, '');
});

test('a snapshot that nobody asked for drops nothing', async () => {
  await using hub = await Hub.open();
  const a = new Spoke(hub, 'ca');
  await a.hello('a');
  await a.report('pa1');
  await a.send({ $case: 'snapshotEnd', value: { reports: 0, reportSetHash: Buffer.alloc(0) } });
  assert.deepEqual(await hub.reports(), ['20 Healthy']);
});

test('a stream that ends while its Hello is handled is not taken for an open one', async () => {
  await using hub = await Hub.open();
  const a = new Spoke(hub, 'ca');
  const handled = a.hello('a');
  a.stream.ended('network');
  await handled;
  assert.deepEqual([hub.health.contactOf(10), a.heard], [undefined, []]);
});

test('a spoke that comes back with the same reports sends none', async () => {
  await using hub = await Hub.open();
  const before = new Spoke(hub, 'ca');
  await before.hello('a');
  await before.report('pa1');
  before.stream.ended('network');
  const a = new Spoke(hub, 'ca');
  await a.hello('a', { reportSetHash: hashOf(said('pa1', Health.HEALTH_HEALTHY)) });
  assert.deepEqual(a.cases, ['welcome']);
});

test('the newest stream of an identity wins; alternation is reported once', async () => {
  await using hub = await Hub.open();
  const spokes: Spoke[] = [];
  for (const processId of ['one', 'two', 'one', 'two', 'one']) {
    const spoke = new Spoke(hub, 'ca');
    spokes.push(spoke);
    await spoke.hello('a', { processId });
    await hub.clock.advance(1_000);
  }
  assert.deepEqual(
    spokes.map((spoke) => spoke.cases.at(-1)),
    [...Array<string>(4).fill('ReplacedByNewerStream'), 'welcome'],
  );
  assert.deepEqual(await hub.refusals(), ['DuplicateIdentity']);
  spokes[0]?.stream.ended('late');
  assert.equal(hub.health.contactOf(10)?.connected, true);
});

test('a replaced stream vouches for nothing any more', async () => {
  await using hub = await Hub.open();
  const [old, a] = [new Spoke(hub, 'ca'), new Spoke(hub, 'ca')];
  await old.hello('a');
  await a.hello('a');
  await old.beat(hashOf());
  assert.equal(hub.health.contactOf(10)?.beatMs, undefined);
});

test('a beat that is still being handled when its stream is replaced vouches for nothing', async () => {
  await using hub = await Hub.open();
  const [old, a] = [new Spoke(hub, 'ca'), new Spoke(hub, 'ca')];
  await old.hello('a');
  const handled = old.beat(hashOf());
  await Promise.all([a.hello('a'), handled]);
  assert.equal(hub.health.contactOf(10)?.beatMs, undefined);
});

test('the same report again changes nothing and wakes nobody', async () => {
  await using hub = await Hub.open();
  const a = new Spoke(hub, 'ca');
  await a.hello('a');
  await a.report('pa1');
  const before = await hub.store.read.selectFrom('reports').selectAll().execute();
  hub.changes.length = 0;
  await a.report('pa1');
  assert.deepEqual([await hub.store.read.selectFrom('reports').selectAll().execute(), hub.changes], [before, []]);
  assert.equal(a.last('reportAck').seq, 2);
});

test('beats that change nothing write nothing', async () => {
  await using hub = await Hub.open();
  const a = new Spoke(hub, 'ca');
  await a.hello('a');
  const rows = async (): Promise<unknown> => [
    await hub.store.read.selectFrom('audit').select('id').execute(),
    await hub.store.read.selectFrom('clusters').selectAll().where('id', '=', 10).execute(),
  ];
  const before = await rows();
  for (let i = 0; i < 5; i++) {
    await a.beat(hashOf());
    await hub.clock.advance(1_000);
  }
  await new Spoke(hub, 'ca').hello('a');
  assert.deepEqual(await rows(), before);
});

test('facts are kept with an audit row when they change', async () => {
  await using hub = await Hub.open();
  await new Spoke(hub, 'ca').hello('a');
  const { facts } = await hub.store.read.selectFrom('clusters').select('facts').where('id', '=', 10).executeTakeFirstOrThrow();
  assert.equal(JSON.parse(facts).kubernetesVersion, 'v1.36');
  const actions = await hub.store.read.selectFrom('audit').select('actor').where('action', '=', 'report.facts').execute();
  assert.deepEqual(actions, [{ actor: 'cluster:ca' }]);
});

test('a started hub settles until its clusters are heard, and says so once', async () => {
  await using hub = await Hub.open();
  await new Spoke(hub, 'ca').hello('a');
  hub.health = new HealthService({
    store: hub.store,
    clock: hub.clock,
    beatIntervalMs: 1_000,
    onChange: (ids) => hub.changes.push([...ids]),
    onSettled: () => hub.settled++,
  });
  await hub.health.start();
  assert.equal(hub.health.settling?.expected, 1);
  const a = new Spoke(hub, 'ca');
  await a.hello('a');
  assert.equal(hub.health.timing().settling, true);
  await a.beat(hashOf());
  assert.deepEqual([hub.health.timing().settling, hub.settled], [false, 1]);
  await hub.health.stop();
});

test('when many streams fall silent the hub suspects itself, for a while', async () => {
  await using hub = await Hub.open();
  await hub.health.start();
  for (const name of ['a', 'b']) {
    const spoke = new Spoke(hub, `c${name}`);
    await spoke.hello(name);
    await spoke.beat(hashOf());
  }
  const why = (): string | undefined => hub.health.settling?.why;
  await hub.clock.advance(3_000);
  assert.equal(why(), undefined);
  await hub.clock.advance(500);
  assert.deepEqual([why(), hub.health.settling?.expected], ['StreamsLost', 2]);
  await hub.clock.advance(3_500);
  assert.deepEqual([why(), hub.settled], [undefined, 1]);
  await hub.clock.advance(10_000);
  assert.equal(hub.settled, 1);
  await hub.health.stop();
});

test('silence is noticed without anybody saying anything', async () => {
  await using hub = await Hub.open();
  await hub.health.start();
  const a = new Spoke(hub, 'ca');
  await a.hello('a');
  await a.beat(hashOf());
  hub.changes.length = 0;
  await hub.clock.advance(4_000);
  assert.deepEqual(hub.changes.flat(), [10]);
  assert.equal(connectionAt(hub.health.contactOf(10), true, hub.health.timing()).state, 'Disconnected');
  assert.equal(connectionAt(hub.health.contactOf(11), false, hub.health.timing()).state, 'NeverConnected');
  await hub.health.stop();
  assert.equal(a.cases.at(-1), 'ShuttingDown');
});

test('a record that fails keeps nothing and acknowledges nothing: the stream is closed', async () => {
  const hub = await Hub.open();
  const a = new Spoke(hub, 'ca');
  await a.hello('a');
  await hub.store[Symbol.asyncDispose]();
  await a.report('pa1');
  assert.deepEqual(a.cases, ['welcome', 'RecordUnavailable']);
  assert.equal(hub.errors.length, 1, 'the operator is told why');
});

const fenced = (generation: number) => ({ epoch: 1, generation, hash: Buffer.alloc(0) });

test('a beat that names another fence is news although nothing else has changed: what was moved may be believed now', async () => {
  await using hub = await Hub.open();
  const spoke = new Spoke(hub, 'ca');
  await spoke.hello('a');
  await spoke.beat(hashOf());
  hub.changes.length = 0;
  await spoke.beat(hashOf());
  assert.deepEqual(hub.changes, []);
  await hub.store.decide(
    async () => undefined,
    () => ({ result: undefined, writes: [put('desired', desired(10, 7))] }),
  );
  await spoke.beat(hashOf(), true, { fence: fenced(5) });
  assert.deepEqual([hub.changes, hub.health.contactOf(10)?.fence], [[[10]], { epoch: 1, generation: 5 }]);
  await spoke.beat(hashOf(), true, { fence: fenced(5) });
  assert.equal(hub.changes.length, 1);
});

test('a report says what its spoke has accepted, once it is kept; an older one takes nothing back', async () => {
  await using hub = await Hub.open();
  await hub.store.decide(
    async () => undefined,
    () => ({ result: undefined, writes: [put('desired', desired(10, 7))] }),
  );
  const spoke = new Spoke(hub, 'ca');
  await spoke.hello('a');
  await spoke.beat(hashOf(), true, { fence: fenced(3) });
  const fence = (): number | undefined => hub.health.contactOf(10)?.fence?.generation;
  await spoke.report('pb1', Health.HEALTH_HEALTHY, { fence: fenced(6) });
  assert.equal(fence(), 3, 'not of this cluster');
  await spoke.report('pa1', Health.HEALTH_HEALTHY, { fence: fenced(5) });
  assert.equal(fence(), 5);
  await spoke.report('pa2', Health.HEALTH_HEALTHY, { fence: fenced(4) });
  assert.equal(fence(), 5);
});

const desired = (clusterId: number, generation: number) => ({
  cluster_id: clusterId,
  epoch: 1,
  generation,
  hash: new Uint8Array(32),
  envelope: new Uint8Array(),
  published: 1,
  at: 0,
});

test('a spoke is asked on its stream and its answer is given back; one that cannot be asked is said to be so at once', async () => {
  await using hub = await Hub.open();
  const [a, b] = [
    { id: 10, name: 'a' },
    { id: 11, name: 'b' },
  ];
  const order = { $case: 'syncNow' as const, value: { assignmentUid: 'pa1' } };
  await assert.rejects(hub.health.command(a, order, 1_000), { code: 'CLUSTER_UNREACHABLE', message: /cluster a .*not connected/ });
  const spoke = new Spoke(hub, 'ca');
  await spoke.hello('a');
  await spoke.beat(reportSetHash([]));
  const asked = hub.health.command(a, order, 1_000);
  await hub.clock.advance(0);
  const { id, deadlineMs } = spoke.last('command');
  await spoke.send({ $case: 'commandResult', value: { id, ok: false, code: 'Forbidden', message: 'may not' } });
  assert.deepEqual([deadlineMs, (await asked).code], [1_000, 'Forbidden']);
  assert.throws(() => hub.health.reach(b), { code: 'CLUSTER_UNREACHABLE' });
  await spoke.beat(reportSetHash([]), false);
  await assert.rejects(hub.health.command(a, order, 1_000), { code: 'CLUSTER_UNREACHABLE', message: /API server/ });
  await spoke.beat(reportSetHash([]));
  const lost = assert.rejects(hub.health.command(a, order, 60_000), { code: 'CLUSTER_UNREACHABLE', message: /lost/ });
  await hub.clock.advance(0);
  spoke.stream.ended('gone');
  await lost;
});

test('a spoke that beats and hears no answer is named once, and believed all the same; one that says nothing of it is older', async () => {
  await using hub = await Hub.open();
  const [deaf, older] = [new Spoke(hub, 'ca'), new Spoke(hub, 'cb')];
  await deaf.hello('a');
  await older.hello('b');
  for (let i = 0; i < 12; i++) {
    await deaf.beat(hashOf(), true, { lastReplySeq: 1 });
    await older.beat(hashOf());
    await hub.clock.advance(1_000);
    if (i === 4) assert.deepEqual(await hub.refusals(), []);
  }
  assert.deepEqual(await hub.refusals(), ['SpokeDeaf']);
  assert.equal(hub.health.contactOf(10)?.doubt, '');
  assert.deepEqual(deaf.cases.includes('goodbye'), false);
});
