import type { SpokeMessage } from '#proto/mod.ts';
import { MemoryBus } from '#shared/bus/mod.ts';
import { VirtualClock } from '#shared/clock/mod.ts';
import { explain, uidFrom } from '#shared/kernel/mod.ts';
import { MemoryRegistry } from '#shared/oci/mod.ts';
import { generateKey } from '#shared/signing/mod.ts';
import { applyResources } from '#hub/declarations/mod.ts';
import { signerOf } from '#hub/dispatch/mod.ts';
import { parseResources } from '#hub/resources/mod.ts';
import { MemorySource } from '#hub/sources/mod.ts';
import { openSqliteStore, put, type ClusterRow, type Store } from '#hub/store/mod.ts';
import type { KubeObject } from '#spoke/kube/mod.ts';
import { Agent } from './agents.ts';
import { Chance } from './chance.ts';
import { SimCluster } from './cluster.ts';
import { filesOf, objectsOf, type Version } from './contents.ts';
import { SimHub } from './hubs.ts';
import { resourcesOf, type Layout } from './layout.ts';
import { WeatheredRegistry } from './registries.ts';
import { CommitRules } from './rules/commits.ts';
import { Violations } from './rules/violations.ts';
import { WriteRules } from './rules/writes.ts';
import { Connection } from './streams.ts';
import { Trace } from './trace.ts';

export const beatMs = 5_000;
export const fleetId = 'tsim';
const beatsTrusted = 3;
const saidMax = 8;
let opened = 0;

/** How a push travels on the bus at the moment. */
export type Carriage = 'prompt' | 'lost' | 'late' | 'twice';

/** A whole fleet in one process: the hub, a spoke for each cluster, and what is between them, on one clock and one seed. */
export class SimFleet implements AsyncDisposable {
  readonly clock = new VirtualClock(undefined, { turns: 1 });
  readonly chance: Chance;
  readonly trace: Trace;
  readonly violations: Violations;
  readonly layout: Layout;
  readonly bus: MemoryBus;
  readonly registry: WeatheredRegistry;
  readonly source = new MemorySource();
  readonly clusters: readonly SimCluster[];
  readonly agents = new Map<SimCluster, Agent>();
  readonly writes: WriteRules;
  readonly commits: CommitRules;
  readonly versions: Version[] = [];
  /** Clusters whose spoke has lost what it keeps: what it finds again and cannot be sure of, it keeps. */
  readonly lost = new Set<SimCluster>();
  carriage: Carriage = 'prompt';
  hub: SimHub | undefined;
  hubBeatMs = beatMs;
  busCut = false;
  /** Virtual milliseconds that a message on a stream takes. */
  streamDelayMs = 0;
  /** Old envelopes of each cluster, for who wants to say them again. */
  readonly said = new Map<SimCluster, Uint8Array[]>();
  readonly #key;
  readonly #contents = new Map<string, readonly KubeObject[]>();
  readonly #byId = new Map<number, SimCluster>();
  /** Cluster -> when a beat that vouches arrived at the hub that lives now. */
  readonly #vouched = new Map<SimCluster, number>();
  readonly #file: string;
  #anchor: Store | undefined;
  #hubs = 0;
  #appId = 0;
  #handled: string | undefined;
  #head: string | undefined;

  constructor(seed: number, layout: Layout, say?: (line: string) => void) {
    this.chance = new Chance(seed);
    this.trace = new Trace(this.clock, say);
    this.violations = new Violations(this.trace);
    this.layout = layout;
    this.#key = generateKey(this.chance.random('key'));
    this.#file = `file:sim-${seed}-${++opened}?mode=memory&cache=shared`;
    this.registry = new WeatheredRegistry(new MemoryRegistry());
    const { clock } = this;
    const onItsWay = this.chance.dice('carriage');
    this.bus = new MemoryBus({
      clock,
      random: this.chance.random('bus'),
      carry: (_push, send) => {
        if (this.carriage === 'lost') return;
        const delayMs = this.carriage === 'late' ? onItsWay.between(100, 60_000) : onItsWay.between(1, 20);
        clock.after(delayMs, send);
        if (this.carriage === 'twice') clock.after(onItsWay.between(100, 90_000), send);
      },
    });
    const uids = this.chance.random('uids');
    this.clusters = [...layout.environments].flatMap(([environment, names]) =>
      names.map((name) => {
        const cluster = new SimCluster(name, environment, clock);
        cluster.uid = uidFrom('c', uids);
        cluster.onWrite = (written) => this.writes.see(written);
        return cluster;
      }),
    );
    const signer = signerOf(this.#key);
    this.commits = new CommitRules(this.violations, (clusterId) => this.isFresh(this.#byId.get(clusterId)));
    this.writes = new WriteRules({
      violations: this.violations,
      clock,
      opens: (envelope) => signer.open(envelope),
      contentOf: (layerHash) => this.#contents.get(layerHash),
      hashAt: (cluster, fence) => this.commits.hashAt(this.idOf(cluster), fence),
    });
  }

  static async open(seed: number, layout: Layout, say?: (line: string) => void): Promise<SimFleet> {
    const fleet = new SimFleet(seed, layout, say);
    await fleet.#declare();
    return fleet;
  }

  /** Time passes; controllers look once a second. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 1_000) {
      await this.clock.advance(Math.min(1_000, left));
      for (const cluster of this.clusters) cluster.play();
      this.look();
    }
  }

  /** Notes how every cluster is at this moment. */
  look(): void {
    for (const cluster of this.clusters) {
      cluster.flush();
      this.writes.look(cluster);
    }
  }

  async startHub(): Promise<void> {
    const number = ++this.#hubs;
    this.#vouched.clear();
    const hub = SimHub.start(
      {
        file: this.#file,
        key: this.#key,
        bus: this.bus,
        registry: this.registry,
        clock: this.clock,
        random: (name) => this.chance.random(`hub ${number} ${name}`),
        trace: this.trace,
        onCommit: (commit) => this.commits.see(commit),
        onSaid: (uid, bytes) => this.#wasSaid(uid, bytes),
        onHeard: (cluster, message) => this.#heard(cluster, message),
      },
      this.hubBeatMs,
    );
    this.hub = await hub;
    if (this.busCut) this.hub.setBus(true);
  }

  #heard(cluster: SimCluster, { message }: SpokeMessage): void {
    if (message?.$case === 'beat' && message.value.observing) this.#vouched.set(cluster, this.clock.monotonicMs());
  }

  #wasSaid(uid: string, envelope: Uint8Array): void {
    const cluster = this.clusters.find((one) => one.uid === uid);
    if (cluster) this.said.set(cluster, [...(this.said.get(cluster) ?? []), envelope].slice(-saidMax));
  }

  /** Whether the hub that lives has heard a beat of it that vouches, within the time that it trusts one. */
  isFresh(cluster: SimCluster | undefined): boolean {
    const at = cluster && this.#vouched.get(cluster);
    return at !== undefined && this.clock.monotonicMs() - at <= this.trustMs;
  }

  /** How long a beat is trusted. */
  get trustMs(): number {
    return beatsTrusted * this.hubBeatMs;
  }

  idOf(cluster: SimCluster): number {
    for (const [id, one] of this.#byId) if (one === cluster) return id;
    return 0;
  }

  clusterOf(id: number): SimCluster | undefined {
    return this.#byId.get(id);
  }

  agent(cluster: SimCluster): Agent {
    const agent = this.agents.get(cluster);
    if (!agent) throw new Error(`${cluster.name} has no spoke`);
    return agent;
  }

  setBus(cut: boolean): void {
    this.busCut = cut;
    this.hub?.setBus(cut);
    for (const agent of this.agents.values()) agent.setBus(cut);
  }

  /** Nothing between the parts is in their way any more, and nobody is about to die. */
  fair(): void {
    this.setBus(false);
    this.carriage = 'prompt';
    this.registry.away = false;
    this.registry.wrong = undefined;
    this.streamDelayMs = 0;
    this.hub?.doom(-1, 'before');
    for (const [cluster, agent] of this.agents) {
      cluster.kube.heal();
      agent.fair();
    }
  }

  /** Somebody commits a version; the hub takes it in as soon as it can. */
  commit(version: Version): void {
    this.versions.push(version);
    const environments = [...this.layout.environments.keys()];
    const committedAt = this.clock.now();
    this.#head = this.source.commit(filesOf(version, environments), { message: `version ${version.number}`, committedAt });
    this.trace.add('git', `version ${version.number} (${version.fate}): ${version.names.join(' ')}`);
  }

  /** What the poller of sources does; whatever goes wrong is tried again with the next beat. */
  async poll(): Promise<void> {
    const { hub } = this;
    const head = this.#head;
    if (!hub?.alive || head === undefined || head === this.#handled) return;
    try {
      const version = this.versions.at(-1) as Version;
      const recorded = await hub.releases.handle(this.#appId, head, this.source, new AbortController().signal);
      this.#handled = head;
      this.trace.add('hub', `version ${version.number}: ${recorded?.outcome ?? 'no app'}`);
      const variants = await hub.store.read
        .selectFrom('variants')
        .innerJoin('releases', 'releases.id', 'variants.release_id')
        .innerJoin('commits', 'commits.id', 'releases.commit_id')
        .select(['variants.environment', 'variants.layer_hash'])
        .where('commits.commit', '=', head)
        .execute();
      for (const { environment, layer_hash } of variants) this.#contents.set(layer_hash, objectsOf(version, environment));
    } catch (error) {
      this.trace.add('hub', `cannot take in ${head.slice(0, 7)}: ${explain(error)}`.slice(0, 200));
    }
  }

  async declare(...documents: readonly object[]): Promise<void> {
    if (!this.hub) return;
    const text = documents.map((document) => JSON.stringify(document)).join('\n---\n');
    await applyResources(this.hub.store, parseResources([{ file: 'fleet.yaml', text }]), { actor: 'user:ada', manager: 'api' });
  }

  async #declare(): Promise<void> {
    const { clock } = this;
    this.#anchor = await openSqliteStore({ file: this.#file, clock, random: this.chance.random('record 0') });
    const fleetRow = { id: 1 as const, fleet_id: fleetId, epoch: 1, leader_term: 0, keyset_version: 1 };
    const audit = { actor: 'system:sim', action: 'begin.fleet', subject: 'Fleet/sim' };
    await this.#anchor.decide(
      async () => undefined,
      () => ({ result: undefined, writes: [put('fleet', fleetRow)], audit }),
    );
    await this.startHub();
    await this.declare(...resourcesOf(this.layout));
    await this.#enrol();
    for (const cluster of this.clusters) {
      const agent = new Agent({
        cluster,
        bus: this.bus,
        registry: this.registry,
        dial: (to) => this.#dial(to),
        trusted: { keys: [this.#key.publicKey], threshold: 1 },
        fleetId,
        clock,
        random: (name) => this.chance.random(name),
        trace: this.trace,
      });
      this.agents.set(cluster, agent);
      agent.start();
    }
  }

  #dial(cluster: SimCluster): Connection {
    if (!this.hub?.alive) throw new Error('connection refused');
    const connection = new Connection(this.clock, this.streamDelayMs);
    this.hub.accept(cluster, connection);
    return connection;
  }

  /** Every cluster has its identity: enrolment itself is not simulated. */
  async #enrol(): Promise<void> {
    const store = this.hub?.store;
    if (!store) return;
    const rows = await store.read.selectFrom('clusters').selectAll().execute();
    for (const row of rows) {
      const cluster = this.clusters.find(({ name }) => name === row.name);
      if (!cluster) continue;
      this.#byId.set(row.id, cluster);
      const accepted: ClusterRow = { ...row, uid: cluster.uid, state: 'Accepted', kube_system_uid: cluster.kubeSystemUid };
      const audit = { actor: 'system:sim', action: 'accept.cluster', subject: `Cluster/${row.name}` };
      await store.decide(
        async () => undefined,
        () => ({ result: undefined, writes: [put('clusters', accepted)], audit }),
      );
    }
    this.#appId = (await store.read.selectFrom('apps').select('id').executeTakeFirstOrThrow()).id;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const agent of this.agents.values()) agent.kill();
    this.hub?.kill();
    await this.clock.advance(0);
    await this.#anchor?.[Symbol.asyncDispose]();
  }
}
