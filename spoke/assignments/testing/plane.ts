import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Assignment, AssignmentReport } from '#proto/mod.ts';
import { systemClock, systemRandom } from '#shared/clock/mod.ts';
import { MemoryRegistry } from '#shared/oci/mod.ts';
import { silentLog } from '#shared/telemetry/mod.ts';
import { contentFetcher, memoryCache } from '#spoke/fetch/mod.ts';
import { fromKubeconfig, type HttpKubeClient } from '#spoke/kube/mod.ts';
import { SpokeState } from '#spoke/state/mod.ts';
import { Tenancy } from '#spoke/tenancy/mod.ts';
import { startFleet, type ControlPlane } from '#test/kube/mod.ts';
import { startAssignments, type Assignments } from '../mod.ts';
import { Contents, digestOnly, fleetId } from './rig.ts';

const waitMaxMs = 60_000;
export const account = 'system:serviceaccount:wheelhouse-tenants:shop';

interface Audited {
  readonly verb: string;
  readonly requestURI: string;
  readonly impersonatedUser?: { readonly username: string };
  readonly user?: { readonly username: string };
}

/** One spoke's assignments on a real control plane; there is no hub, and the registry is in memory. */
export class PlaneRig {
  readonly reports = new Map<string, AssignmentReport>();
  readonly history: AssignmentReport[] = [];
  readonly #registry = new MemoryRegistry();
  readonly contents = new Contents(this.#registry);
  readonly plane: ControlPlane;
  readonly state: SpokeState;
  readonly #parts: AsyncDisposableStack;
  readonly #client: HttpKubeClient;
  #spoke: Assignments | undefined;
  #generation = 0;

  private constructor(made: { parts: AsyncDisposableStack; plane: ControlPlane; client: HttpKubeClient; state: SpokeState }) {
    this.#parts = made.parts;
    this.plane = made.plane;
    this.#client = made.client;
    this.state = made.state;
  }

  static async open(name: string): Promise<PlaneRig> {
    await using parts = new AsyncDisposableStack();
    const dir = parts.adopt(await mkdtemp(join(tmpdir(), `wheelhouse-${name}-`)), (path) => rm(path, { recursive: true, force: true }));
    const fleet = parts.adopt(await startFleet({ dir, names: [name] }), (started) => started.stop());
    const plane = fleet.cluster(name);
    const client = parts.use(await fromKubeconfig(plane.kubeconfig));
    const rbac = await plane.apply(await readFile(join(import.meta.dirname, '../../../deploy/spoke/rbac.yaml'), 'utf8'));
    assert.equal(rbac.code, 0, JSON.stringify(rbac));
    const state = await SpokeState.open({ client, clock: systemClock, random: systemRandom }, new AbortController().signal);
    return new PlaneRig({ parts: parts.move(), plane, client, state }).start();
  }

  start(): this {
    this.#spoke = startAssignments({
      kube: this.#client,
      store: this.state.assignments,
      fetcher: contentFetcher({ registry: this.#registry, cache: memoryCache(), policies: () => digestOnly, clock: systemClock }),
      tenancy: new Tenancy(this.#client, systemClock),
      clock: systemClock,
      random: systemRandom,
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
    assert.ok(this.#spoke, 'not started');
    return this.#spoke;
  }

  async stop(): Promise<void> {
    await this.#spoke?.stop();
    this.reports.clear();
  }

  async close(): Promise<void> {
    await this.#spoke?.stop();
    await this.#parts.disposeAsync();
  }

  desire(...assignments: readonly Assignment[]): void {
    const fence = { epoch: 1, generation: ++this.#generation, hash: Buffer.alloc(0) };
    this.spoke.setDesired(assignments, { fence, receivedAtMonotonicMs: performance.now() });
  }

  async eventually(what: string, is: () => boolean | Promise<boolean>, lookEveryMs = 50): Promise<void> {
    const until = performance.now() + waitMaxMs;
    while (!(await is())) {
      if (performance.now() > until) {
        const said = [...this.reports.values()].map((r) => `${r.assignmentUid}: ${r.health} ${r.reason}: ${r.message}`);
        assert.fail(`${what}: not within ${waitMaxMs} ms; ${said.join(' | ')}`);
      }
      await systemClock.sleep(lookEveryMs);
    }
  }

  healthy({ uid, revision }: Assignment): Promise<void> {
    return this.eventually(`${uid} is healthy`, () => {
      const report = this.reports.get(uid);
      return report?.health === 'HEALTH_HEALTHY' && report.revisionApplied === revision;
    });
  }

  says(uid: string, reason: string): Promise<void> {
    return this.eventually(`${uid} says ${reason}`, () => this.reports.get(uid)?.reason === reason);
  }

  async kubectl(...args: readonly string[]): Promise<string> {
    const result = await this.plane.kubectl(...args);
    assert.equal(result.code, 0, JSON.stringify(result));
    return result.stdout;
  }

  async exists(...args: readonly string[]): Promise<boolean> {
    return (await this.plane.kubectl('get', ...args)).code === 0;
  }

  /** Every mutating request so far, dry runs too. */
  async mutations(): Promise<readonly Audited[]> {
    const lines = (await readFile(this.plane.auditLog, 'utf8')).split('\n').filter((line) => line !== '');
    return lines
      .map((line) => JSON.parse(line) as Audited)
      .filter(({ verb }) => ['create', 'update', 'patch', 'delete', 'deletecollection'].includes(verb));
  }

  async byTenant(): Promise<readonly string[]> {
    const all = await this.mutations();
    return all.filter((one) => one.impersonatedUser?.username === account).map(({ verb, requestURI }) => `${verb} ${requestURI}`);
  }
}
