import assert from 'node:assert/strict';
import type { Assignment, AssignmentReport, TrustPolicies } from '../../../proto/mod.ts';
import { buildRelease, type Files, type Release } from '../../../shared/artifact/mod.ts';
import { seededRandom, VirtualClock } from '../../../shared/clock/mod.ts';
import { apiVersion, inputsBytes, revisionOf, type Inputs } from '../../../shared/kernel/mod.ts';
import { formatRepository, MemoryRegistry, parseRepository } from '../../../shared/oci/mod.ts';
import { silentLog } from '../../../shared/telemetry/mod.ts';
import { contentFetcher, memoryCache } from '../../fetch/mod.ts';
import { refOf, refText, type KubeClient, type KubeObject } from '../../kube/mod.ts';
import { MemoryKube, type MemoryKubeOptions } from '../../kube/memory/mod.ts';
import { startAssignments, type Assignments, type AssignmentRecord, type AssignmentStore } from '../mod.ts';

export const fleetId = 'fleet-1';
const repository = parseRepository('registry.example/acme/shop');

/** Records in memory; survives a restart of the spoke, as Secrets do. */
export class MemoryRecords implements AssignmentStore {
  readonly records = new Map<string, AssignmentRecord>();
  saves = 0;
  /** Called before each method; throws to fail it. */
  before: (method: string, uid: string) => void = () => {};
  async list(): Promise<readonly string[]> {
    this.before('list', '');
    return [...this.records.keys()];
  }
  async load(uid: string): Promise<AssignmentRecord | undefined> {
    this.before('load', uid);
    return structuredClone(this.records.get(uid));
  }
  async save(uid: string, record: AssignmentRecord): Promise<void> {
    this.before('save', uid);
    this.saves += 1;
    this.records.set(uid, structuredClone(record));
    this.before('saved', uid);
  }
  async remove(uid: string): Promise<void> {
    this.before('remove', uid);
    this.records.delete(uid);
  }
}

export const baseInputs: Inputs = {
  apiVersion,
  namespace: 'shop',
  serviceAccount: 'shop',
  allow: { namespaces: ['shop'], kinds: ['*'] },
  parameters: {},
  prune: { shareMax: 1 },
  health: { timeoutMs: 60_000 },
};

export const deployment = (name: string, image = 'nginx:1', namespace?: string): string =>
  JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [{ name, image }] } },
    },
  });
export const configMap = (name: string, value = '1', namespace?: string): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
    data: { value },
  });

export const filesOf = (...documents: readonly string[]): Files => new Map([['all.yaml', Buffer.from(documents.join('\n---\n'))]]);

/** Makes releases, and the assignments that name them. */
export class Contents {
  readonly #registry: MemoryRegistry;
  #commit = 0;

  constructor(registry: MemoryRegistry) {
    this.#registry = registry;
  }

  async release(files: Files, environment = 'prod'): Promise<Release> {
    const release = await buildRelease({
      created: new Date(Date.UTC(2026, 0, 1) + 1000 * this.#commit),
      source: 'https://git.example/acme/shop',
      revision: String(++this.#commit).padStart(40, '0'),
      author: 'A <a@example.com>',
      images: [],
      variants: new Map([[environment, files]]),
    });
    const { signal } = new AbortController();
    for (const one of [...release.blobs, ...release.manifests, release.index]) await this.#registry.push(repository, one, signal);
    return release;
  }

  async assignment(uid: string, files: Files, changes: Partial<Inputs> = {}): Promise<Assignment> {
    const release = await this.release(files);
    const variant = release.variants[0] ?? assert.fail();
    const inputs = Buffer.from(inputsBytes({ ...baseInputs, ...changes }));
    return {
      uid,
      tenant: 'acme',
      app: 'shop',
      environment: variant.environment,
      state: 'ASSIGNMENT_STATE_ACTIVE',
      mode: 'ASSIGNMENT_MODE_ENFORCE',
      revision: revisionOf(variant.layerHash, inputs),
      indexDigest: release.digest,
      variant: { repository: formatRepository(repository), digest: variant.digest, layerHash: variant.layerHash },
      inputs,
      takesOver: [],
      requires: [],
      deletionPolicy: 'DELETION_POLICY_UNSPECIFIED',
      pruneApproval: undefined,
      cause: { rollout: '', traceparent: '' },
    };
  }
}

export const digestOnly: TrustPolicies = { fleetId, version: 1, policies: [{ tenant: '*', mode: 'TRUST_MODE_DIGEST_ONLY' }] };

/** One spoke's assignments on a cluster, a registry and a record in memory, in virtual time. */
export class Rig {
  readonly clock = new VirtualClock();
  readonly kube: MemoryKube;
  readonly registry = new MemoryRegistry();
  readonly records = new MemoryRecords();
  readonly reports = new Map<string, AssignmentReport>();
  readonly history: AssignmentReport[] = [];
  /** Pulls answer only while this is true. */
  registryUp = true;
  policies = digestOnly;
  /** What the spoke writes through; a test may put something in between. */
  client: KubeClient;
  /** Names of Deployments that never become ready. */
  readonly broken = new Set<string>();
  tenancy = { ensure: async (): Promise<void> => {} };
  #assignments: Assignments | undefined;
  #generation = 0;
  readonly #content = new Contents(this.registry);

  constructor(options: MemoryKubeOptions = {}) {
    this.kube = new MemoryKube({ clock: this.clock, ...options });
    this.client = this.kube;
    this.namespace('shop');
    this.namespace('other');
  }

  namespace(name: string): void {
    this.kube.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name }, status: { phase: 'Active' } }, 'kube-apiserver');
  }

  start(): this {
    this.#assignments = startAssignments({
      kube: this.client,
      store: this.records,
      fetcher: contentFetcher({
        registry: {
          resolve: async (reference, signal) =>
            this.registryUp ? this.registry.resolve(reference, signal) : Promise.reject(new Error('down')),
          fetch: async (from, what, signal) =>
            this.registryUp ? this.registry.fetch(from, what, signal) : Promise.reject(new Error('down')),
        },
        cache: memoryCache(1 << 20),
        policies: () => this.policies,
        clock: this.clock,
      }),
      tenancy: this.tenancy,
      clock: this.clock,
      random: seededRandom(7),
      fleetId,
      onReport: (uid, report) => {
        this.reports.set(uid, report);
        this.history.push(report);
      },
      log: silentLog,
    });
    return this;
  }

  get spoke(): Assignments {
    assert.ok(this.#assignments, 'not started');
    return this.#assignments;
  }

  async stop(): Promise<void> {
    await this.#assignments?.stop();
    this.#assignments = undefined;
  }

  assignment(uid: string, files: Files, changes: Partial<Inputs> = {}): Promise<Assignment> {
    return this.#content.assignment(uid, files, changes);
  }

  desire(...assignments: readonly Assignment[]): void {
    this.#generation += 1;
    this.spoke.setDesired(assignments, {
      fence: { epoch: 1, generation: this.#generation, hash: Buffer.alloc(0) },
      receivedAtMonotonicMs: this.clock.monotonicMs(),
    });
  }

  /** Lets time pass in small steps, controllers working in between. */
  async run(ms = 2_000): Promise<void> {
    for (let left = ms; left > 0; left -= 100) {
      this.controllers();
      await this.clock.advance(Math.min(100, left));
    }
    this.controllers();
    await this.clock.advance(0);
  }

  /** Makes ready what its controller would make ready. */
  controllers(): void {
    for (const object of this.kube.objects()) {
      if (object.kind !== 'Deployment') continue;
      const { generation = 1 } = object.metadata;
      const status = object['status'] as { observedGeneration?: number; availableReplicas?: number } | undefined;
      const wanted = (object['spec'] as { replicas?: number }).replicas ?? 1;
      const available = this.broken.has(object.metadata.name) ? 0 : wanted;
      if (status?.observedGeneration === generation && status.availableReplicas === available) continue;
      const next = { observedGeneration: generation, replicas: wanted, updatedReplicas: wanted, availableReplicas: available };
      this.kube.put({ ...object, status: next }, 'kube-controller-manager');
    }
  }

  report(uid = 'p1'): AssignmentReport {
    return this.reports.get(uid) ?? assert.fail(`nothing was reported of ${uid}`);
  }

  object(kind: string, name: string, namespace = 'shop'): KubeObject | undefined {
    return this.kube.objects().find((o) => o.kind === kind && o.metadata.name === name && (o.metadata.namespace ?? '') === namespace);
  }

  /** Names of what the inventory holds. */
  inventory(uid = 'p1'): readonly string[] {
    return (this.records.records.get(uid)?.inventory ?? []).map(({ ref }) => `${ref.kind}/${ref.name}`);
  }

  written(): readonly string[] {
    return this.kube.writes.map(({ verb, kind, name }) => `${verb} ${kind}/${name}`);
  }
}

export const nameOf = (object: KubeObject): string => refText(refOf(object));
