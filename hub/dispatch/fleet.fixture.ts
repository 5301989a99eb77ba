import assert from 'node:assert/strict';
import {
  AssignmentMode,
  AssignmentReport,
  decodeDesired,
  Envelope,
  Health,
  reportSetHash,
  type Assignment,
  type DesiredState,
  type Fence,
  type HubMessage,
  type SpokeMessage,
} from '#proto/mod.ts';
import { BusError } from '#shared/bus/mod.ts';
import { seededRandom, VirtualClock } from '#shared/clock/mod.ts';
import { digestOf, sha256, uidFrom, type Digest } from '#shared/kernel/mod.ts';
import { generateKey } from '#shared/signing/mod.ts';
import { dispatchesOf, evidenceOf, HealthService, reportedOf, type Channel, type Evidence, type SpokeStream } from '#hub/health/mod.ts';
import { Holds, type Subject } from '#hub/holds/mod.ts';
import { keysAffectedBy, keysWaiting, PromotionService } from '#hub/promotion/mod.ts';
import { RolloutService } from '#hub/rollouts/mod.ts';
import { openSqliteStore, Outbox, put, type ClusterRow, type Store, type TargetRow, type Write } from '#hub/store/mod.ts';
import { DispatchService, keysUnpublished, signerOf, type Signer } from './mod.ts';

// A whole hub below its transports, in virtual time, with spokes that speak the real contract. For tests.

export const beatMs = 1_000;

/** What NATS would hold, with its sequences. */
export class MemoryBus {
  readonly values = new Map<string, { sequence: number; bytes: Uint8Array }>();
  writes = 0;
  down = false;
  #sequence = 0;

  held(uid: string): Promise<{ sequence: number; bytes: Uint8Array | undefined }> {
    const value = this.values.get(uid);
    return Promise.resolve({ sequence: value?.sequence ?? 0, bytes: value?.bytes });
  }

  put(uid: string, bytes: Uint8Array, expected?: { readonly sequence: number }): Promise<{ sequence: number }> {
    if (this.down) return Promise.reject(new BusError('UNREACHABLE', 'the bus is down'));
    assert.equal(expected?.sequence ?? 0, this.values.get(uid)?.sequence ?? 0);
    this.values.set(uid, { sequence: ++this.#sequence, bytes });
    this.writes++;
    return Promise.resolve({ sequence: this.#sequence });
  }
}

type Reported = Partial<Pick<AssignmentReport, 'health' | 'reason' | 'message'>>;

/** A spoke that does what it is told; how its apps fare is a function of the assignment. */
export class FakeSpoke {
  readonly uid: string;
  readonly received: HubMessage['message'][] = [];
  /** Whether the API server answers. */
  observing = true;
  /** Hears nothing of the bus, and goes on as it is. */
  deaf = false;
  /** Whether what is applied becomes healthy. */
  fares: (assignment: Assignment) => Reported = () => ({ health: Health.HEALTH_HEALTHY });
  fence: Fence | undefined;
  stream: SpokeStream | undefined;
  processId = 'first';
  readonly kubeSystemUid: string;
  readonly #sent = new Map<string, AssignmentReport>();
  #assignments: readonly Assignment[] = [];
  #seq = 0;
  #asked = false;
  /** What it shows when it is asked for what it holds. */
  envelope: Uint8Array | undefined;
  readonly #fleet: Fleet;

  constructor(fleet: Fleet, uid: string, kubeSystemUid: string) {
    this.#fleet = fleet;
    this.uid = uid;
    this.kubeSystemUid = kubeSystemUid;
  }

  async connect(): Promise<void> {
    const channel: Channel = {
      send: ({ message }) => {
        this.received.push(message);
        if (message?.$case === 'envelopeRequest') this.#asked = true;
      },
      close: (reason, message) => {
        this.received.push({ $case: 'goodbye', value: { reason, message, retryAfterMs: 0 } });
        this.stream = undefined;
      },
    };
    const stream = this.#fleet.health.open({ clusterUid: this.uid, certificateSerial: '1' }, channel);
    this.stream = stream;
    await this.send({
      $case: 'hello',
      value: {
        spokeVersion: '0.1.0',
        fence: this.fence,
        kubeSystemUid: this.kubeSystemUid,
        facts: { kubernetesVersion: 'v1.36.3', nodes: 3, labels: {} },
        capabilities: [],
        reportSetHash: this.hash(),
        keysetVersion: 1,
        processId: this.processId,
      },
    });
    if (this.received.at(-1)?.$case === 'snapshotRequest') await this.snapshot();
    await this.beat();
  }

  async snapshot(): Promise<void> {
    for (const value of this.#sent.values()) await this.report(value);
    await this.send({ $case: 'snapshotEnd', value: { reports: this.#sent.size, reportSetHash: this.hash() } });
  }

  disconnect(): void {
    this.stream?.ended('test');
    this.stream = undefined;
  }

  async send(message: SpokeMessage['message']): Promise<void> {
    await this.stream?.receive({ message });
    if (!this.#asked) return;
    this.#asked = false;
    await this.stream?.receive({
      message: { $case: 'heldEnvelope', value: { envelope: this.envelope && Envelope.decode(this.envelope) } },
    });
  }

  hash(): Buffer {
    return reportSetHash([...this.#sent].map(([uid, value]) => [uid, AssignmentReport.encode(value).finish()] as const));
  }

  async report(value: AssignmentReport): Promise<void> {
    this.#sent.set(value.assignmentUid, value);
    await this.send({ $case: 'report', value: { seq: ++this.#seq, value: Buffer.from(AssignmentReport.encode(value).finish()) } });
  }

  async beat(): Promise<void> {
    const value = {
      seq: ++this.#seq,
      lastReportSeq: this.#seq,
      reportSetHash: this.hash(),
      fence: this.fence,
      observing: this.observing,
      notObservingReason: '',
    };
    await this.send({ $case: 'beat', value });
  }

  /** Takes up what the bus holds, applies it, reports what changed. */
  async work(): Promise<void> {
    if (!this.observing) return;
    const state = this.deaf ? undefined : this.#fleet.desiredOf(this.uid);
    if (state) {
      this.#assignments = state.desired.assignments;
      this.fence = { epoch: state.desired.epoch, generation: state.desired.generation, hash: Buffer.from(sha256(state.payload)) };
    }
    if (!this.stream) return;
    for (const assignment of this.#assignments) {
      const value = this.#reportOf(assignment);
      const sent = this.#sent.get(assignment.uid);
      const bytes = AssignmentReport.encode(value).finish();
      if (!sent || Buffer.compare(AssignmentReport.encode(sent).finish(), bytes) !== 0) await this.report(value);
    }
  }

  #reportOf(assignment: Assignment): AssignmentReport {
    return AssignmentReport.create({
      assignmentUid: assignment.uid,
      revisionWanted: assignment.revision,
      revisionApplied: assignment.revision,
      traceparent: assignment.cause?.traceparent ?? '',
      ...(assignment.mode === AssignmentMode.ASSIGNMENT_MODE_SUSPENDED ? { health: Health.HEALTH_SUSPENDED } : this.fares(assignment)),
    });
  }
}

export interface FleetOptions {
  /** name -> clusters, in order of promotion. */
  readonly environments: Readonly<Record<string, readonly string[]>>;
  readonly promotion?: Readonly<Record<string, { mode?: 'Automatic' | 'Manual'; allowUnexercised?: boolean }>>;
  readonly maxConcurrent?: number;
  /** Environments that the app targets; all by default. */
  readonly targets?: readonly string[];
}

const audit = { actor: 'user:test', action: 'apply.test', subject: 'Test/test' };

export class Fleet implements AsyncDisposable {
  readonly clock: VirtualClock;
  readonly bus = new MemoryBus();
  readonly signer: Signer = signerOf(generateKey(seededRandom(7)));
  readonly spokes = new Map<string, FakeSpoke>();
  readonly errors: string[] = [];
  readonly store: Store;
  readonly options: FleetOptions;
  health!: HealthService;
  outbox!: Outbox;
  dispatch!: DispatchService;
  promotion!: PromotionService;
  holds!: Holds;
  #releases = 0;

  constructor(store: Store, clock: VirtualClock, options: FleetOptions) {
    this.store = store;
    this.clock = clock;
    this.options = options;
  }

  static async start(options: FleetOptions): Promise<Fleet> {
    const clock = new VirtualClock();
    const store = await openSqliteStore({ file: ':memory:', clock, random: seededRandom(1) });
    const fleet = new Fleet(store, clock, options);
    await fleet.#seed();
    await fleet.startHub();
    for (const names of Object.values(options.environments))
      for (const name of names) {
        const cluster = await fleet.cluster(name);
        fleet.spokes.set(name, new FakeSpoke(fleet, cluster.uid ?? '', cluster.kube_system_uid ?? ''));
      }
    return fleet;
  }

  /** A hub process over the record, as main wires it. */
  async startHub(): Promise<void> {
    const wake = (keys: Promise<string[]>): void => void keys.then((all) => all.forEach((key) => this.outbox.wake(key)));
    this.health = new HealthService({
      store: this.store,
      clock: this.clock,
      beatIntervalMs: beatMs,
      opens: (envelope) => this.signer.open(envelope),
      reconnectMaxMs: 500,
      onChange: (clusterIds) => wake(keysAffectedBy(this.store.read, clusterIds)),
      onRefused: (clusterId) => this.outbox.wake(`dispatch:${clusterId}`),
      onSettled: () => wake(keysWaiting(this.store.read)),
    });
    const watch = this.health;
    const rollouts = new RolloutService({ store: this.store, watch });
    this.promotion = new PromotionService({ store: this.store, watch });
    this.dispatch = new DispatchService({
      store: this.store,
      signer: this.signer,
      bus: this.bus,
      recordBehind: () => watch.recordBehind,
      onAhead: (clusterId, message) => watch.setRecordBehind(clusterId, message),
      onUnsendable: (clusterId, message) => watch.note(clusterId, 'NotEncodable', message),
    });
    this.outbox = new Outbox({
      store: this.store,
      clock: this.clock,
      random: seededRandom(3),
      onError: (_, error) => this.errors.push(String(error)),
      handlers: {
        target: (id) => this.promotion.visit(id),
        rollout: (id) => rollouts.visit(id),
        dispatch: (id) => this.dispatch.visit(id),
      },
    });
    this.holds?.stop();
    this.holds = new Holds({ store: this.store, clock: this.clock, onError: (error) => this.errors.push(String(error)) });
    await this.health.start();
    await this.holds.start();
    await this.outbox.start();
  }

  /** kill -9: streams are gone, memory is gone; the record and the bus stay. */
  async restartHub(): Promise<void> {
    await this.outbox.stop();
    for (const spoke of this.spokes.values()) spoke.stream = undefined;
    await this.startHub();
    for (const key of await keysWaiting(this.store.read)) this.outbox.wake(key);
  }

  /** NATS is away, or back. */
  async setBusDown(down: boolean): Promise<void> {
    this.bus.down = down;
    if (!down) for (const key of await keysUnpublished(this.store.read)) this.outbox.wake(key);
  }

  async connectAll(): Promise<void> {
    for (const spoke of this.spokes.values()) await spoke.connect();
    await this.tick();
  }

  spoke(name: string): FakeSpoke {
    const spoke = this.spokes.get(name);
    assert.ok(spoke, name);
    return spoke;
  }

  /** One beat of everybody. */
  async tick(beats = 1): Promise<void> {
    for (let i = 0; i < beats; i++) {
      await this.outbox.idle();
      for (const spoke of this.spokes.values()) await spoke.work();
      for (const spoke of this.spokes.values()) if (spoke.stream) await spoke.beat();
      await this.clock.advance(beatMs);
      await this.outbox.idle();
    }
  }

  desiredOf(uid: string): { desired: DesiredState; payload: Uint8Array } | undefined {
    const bytes = this.bus.values.get(uid)?.bytes;
    const payload = bytes && this.signer.open(bytes);
    return payload && { desired: decodeDesired(payload), payload };
  }

  cluster(name: string): Promise<ClusterRow> {
    return this.store.read.selectFrom('clusters').selectAll().where('name', '=', name).executeTakeFirstOrThrow();
  }

  async target(environment: string): Promise<TargetRow> {
    return await this.store.read
      .selectFrom('targets')
      .innerJoin('environments', 'environments.id', 'targets.environment_id')
      .selectAll('targets')
      .where('environments.name', '=', environment)
      .executeTakeFirstOrThrow();
  }

  /** kind/state/reason of the target's rollouts, oldest first. */
  async rollouts(environment: string): Promise<string[]> {
    const { id } = await this.target(environment);
    const rows = await this.store.read.selectFrom('rollouts').selectAll().where('target_id', '=', id).orderBy('id').execute();
    return rows.map((row) => `${row.kind} ${row.state} ${row.reason}`);
  }

  /** What the hub may believe about the app on a cluster. */
  async evidence(name: string): Promise<Evidence> {
    const cluster = await this.cluster(name);
    const placement = await this.store.read
      .selectFrom('placements')
      .leftJoin('revisions', 'revisions.id', 'placements.wanted_revision_id')
      .select(['placements.id', 'revisions.revision', 'placements.mode'])
      .where('cluster_id', '=', cluster.id)
      .executeTakeFirstOrThrow();
    const row = await this.store.read.selectFrom('reports').selectAll().where('placement_id', '=', placement.id).executeTakeFirst();
    const dispatched = (await dispatchesOf(this.store.read, [placement.id])).get(placement.id);
    const wanted = { revision: placement.revision ?? '', mode: placement.mode, dispatched };
    return evidenceOf(wanted, row && reportedOf(row), this.health.contactOf(cluster.id), this.health.timing());
  }

  refusals(): Promise<string[]> {
    return this.store.read
      .selectFrom('refusals')
      .select('code')
      .orderBy('id')
      .execute()
      .then((rows) => rows.map(({ code }) => code));
  }

  /** Says that it stands still, for a person; `forMs`: until then. */
  async hold(subject: Subject, forMs?: number): Promise<void> {
    const until = forMs === undefined ? null : this.clock.now() + forMs;
    await this.holds.hold(subject, { actor: 'user:ada', reason: 'the fair', until, dryRun: false });
  }

  async unhold(subject: Subject): Promise<void> {
    await this.holds.release(subject, { actor: 'user:ada', reason: 'over', dryRun: false });
  }

  write(writes: readonly Write[], outbox: readonly string[] = []): Promise<void> {
    return this.store.decide(
      async () => undefined,
      () => ({ result: undefined, writes, audit, outbox }),
    );
  }

  /** Records a release as packaging would; `content` names what the variants hold. */
  async release(content = `content ${this.#releases + 1}`): Promise<{ id: number; digest: Digest }> {
    const n = ++this.#releases;
    const digest = digestOf(`index ${n}`);
    const app = await this.store.read.selectFrom('apps').selectAll().executeTakeFirstOrThrow();
    const targets = await this.store.read.selectFrom('targets').select('id').where('app_id', '=', app.id).execute();
    const traceparent = `00-${sha256Hex(`trace ${n}`, 32)}-${sha256Hex(`span ${n}`, 16)}-01`;
    return this.store.decide(
      async () => undefined,
      (_, { now, newId, newUid }) => {
        const [commitId, id] = [newId(), newId()];
        const commit = { id: commitId, app_id: app.id, commit: sha256Hex(`commit ${n}`, 40), author: 'a', message: 'm', committed_at: now };
        const seen = { seen_at: now, outcome: 'Released' as const, outcome_message: '', traceparent };
        const row = { id, uid: newUid('r'), app_id: app.id, digest, alias: `r${n}`, repository: '127.0.0.1:5000/acme/web' };
        const variants = Object.keys(this.options.environments).map((environment) =>
          put('variants', {
            id: newId(),
            release_id: id,
            environment,
            digest: digestOf(`variant ${n} ${environment}`),
            layer_hash: digestOf(`${content} ${environment}`),
            layer_bytes: 100,
          }),
        );
        return {
          result: { id, digest },
          writes: [
            put('commits', { ...commit, ...seen }),
            put('releases', { ...row, commit_id: commitId, images: '[]', created_at: now }),
            ...variants,
          ],
          audit,
          outbox: targets.map((target) => `target:${target.id}`),
        };
      },
    );
  }

  async #seed(): Promise<void> {
    const { environments, promotion = {}, maxConcurrent = 1 } = this.options;
    const names = Object.keys(environments);
    const random = seededRandom(11);
    await this.store.decide(
      async () => undefined,
      (_, { now, newId, newUid }) => {
        const declared = (name: string, spec: unknown) => ({
          id: newId(),
          uid: newUid('t'),
          name,
          spec: JSON.stringify(spec),
          manager: 'api',
          source_digest: '',
          generation: 1,
          created_at: now,
          updated_at: now,
        });
        const tenant = declared('acme', { sources: ['*'], namespaces: ['web'], kinds: ['*'], serviceAccount: 'acme' });
        const targets = (this.options.targets ?? names).map((environment) => ({ environment, namespace: 'web', parameters: {} }));
        const app = { ...declared('web', { source: {}, targets }), tenant_id: tenant.id };
        const writes: Write[] = [
          put('fleet', { id: 1, fleet_id: 'tfleet', epoch: 1, leader_term: 1, keyset_version: 1 }),
          put('tenants', tenant),
          put('apps', app),
        ];
        for (const [index, name] of names.entries()) {
          const spec = {
            clusterSelector: { matchLabels: { stage: name }, matchExpressions: [] },
            after: index > 0 ? [names[index - 1]] : [],
            promotion: { mode: 'Automatic', allowUnexercised: false, ...promotion[name] },
            rollout: { maxConcurrent, healthTimeout: '5m' },
            parameters: {},
          };
          const environment = { ...declared(name, spec), tenant_id: tenant.id };
          writes.push(put('environments', environment));
          if (targets.some((target) => target.environment === name))
            writes.push(
              put('targets', {
                id: newId(),
                app_id: app.id,
                environment_id: environment.id,
                current_release_id: null,
                offered_release_id: null,
                offered_at: null,
                exercised: 0,
                waiting_reason: '',
                waiting_message: '',
              }),
            );
          for (const cluster of environments[name] ?? [])
            writes.push(put('clusters', { ...clusterRow(newId(), cluster, name, now), uid: uidFrom('c', random) }));
        }
        return { result: undefined, writes, audit };
      },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.holds.stop();
    await this.outbox.stop();
    await this.store[Symbol.asyncDispose]();
  }
}

const sha256Hex = (text: string, chars: number): string => digestOf(text).slice(7, 7 + chars);

export const clusterRow = (id: number, name: string, stage: string, now: number): ClusterRow => ({
  id,
  name,
  uid: null,
  labels: JSON.stringify({ stage }),
  parameters: '{}',
  state: 'Accepted',
  kube_system_uid: `kube-${name}`,
  facts: '{}',
  manager: 'api',
  source_digest: '',
  generation: 1,
  created_at: now,
  updated_at: now,
});
