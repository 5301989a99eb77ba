import assert from 'node:assert/strict';
import { join } from 'node:path';
import { temporaryFolder } from '#deploy/local/processes/mod.ts';
import { startLocalFleet, verdictOf, type Fleet, type FleetOptions, type Job, type Snapshot } from '#deploy/local/fleet/mod.ts';
import type { ControlPlane } from '#test/kube/mod.ts';
import { eventually } from './waits.ts';

export type TestOptions = Omit<FleetOptions, 'data' | 'log' | 'signal' | 'clusters'> & { readonly clusters?: number };

/** A whole local fleet in a temporary folder, for tests: what it said is kept, and shown when a wait fails. */
export class TestFleet implements AsyncDisposable {
  readonly data: string;
  readonly said: string[] = [];
  readonly #folder = temporaryFolder('e2e');
  #fleet: Fleet | undefined;

  private constructor() {
    this.data = join(this.#folder.path, 'data');
  }

  static async start(options: TestOptions): Promise<TestFleet> {
    const fleet = new TestFleet();
    try {
      await fleet.start(options);
      return fleet;
    } catch (error) {
      await fleet[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Starts (again) on the same data. */
  async start(options: TestOptions): Promise<void> {
    assert.equal(this.#fleet, undefined, 'it runs already');
    const log = (line: string): void => void this.said.push(line);
    // No signal: a test ends a fleet by disposing of it.
    this.#fleet = await startLocalFleet({
      clusters: 1,
      kubernetes: 'real',
      ...options,
      data: this.data,
      log,
      signal: new AbortController().signal,
    });
  }

  /** Everything ends; the data stays. */
  async stop(): Promise<void> {
    await this.#fleet?.[Symbol.asyncDispose]();
    this.#fleet = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    this.#folder[Symbol.dispose]();
  }

  get parts(): Fleet {
    assert.ok(this.#fleet, 'it does not run');
    return this.#fleet;
  }

  snapshot = (): Promise<Snapshot> => this.parts.hub.snapshot();

  plane(name: string): ControlPlane {
    const plane = this.parts.clusters.find((one) => one.name === name)?.plane;
    assert.ok(plane, `no control plane of our own for ${name}`);
    return plane;
  }

  /** The job, with an app at another commit than the one that the fleet was started with. */
  jobWith(app: string, commit: string): Job {
    const { job } = this.parts;
    return { ...job, apps: job.apps.map((one) => (one.app === app ? { ...one, commit } : one)) };
  }

  /** Waits until the job is done as `npm start` understands it; a job that cannot be done any more ends the wait at once. */
  async done(job: Job = this.parts.job, maxMs = 120_000): Promise<Snapshot> {
    const verdict = await this.verdict(job, maxMs, 'done');
    return verdict.snapshot;
  }

  /** Waits until the job has failed, and returns the reason. */
  async failed(job: Job = this.parts.job, maxMs = 120_000): Promise<string> {
    return (await this.verdict(job, maxMs, 'failed')).reason;
  }

  async verdict(job: Job, maxMs: number, wanted: 'done' | 'failed'): Promise<{ reason: string; snapshot: Snapshot }> {
    let last = '';
    const ended = await eventually(
      `the job to be ${wanted}`,
      maxMs,
      async () => {
        const snapshot = await this.snapshot();
        const verdict = verdictOf(job, snapshot);
        last = JSON.stringify(verdict);
        return verdict.state === 'pending' ? undefined : { verdict, snapshot };
      },
      () => `${last}; the fleet said: ${this.said.slice(-5).join(' | ')}`,
    );
    assert.equal(ended.verdict.state, wanted, last);
    return { reason: ended.verdict.state === 'failed' ? ended.verdict.reason : '', snapshot: ended.snapshot };
  }

  /** Commits on top of an app's `main` (null removes a file) and has the hub look at once. */
  async commit(tenant: string, app: string, files: Readonly<Record<string, string | null>>): Promise<string> {
    const author = { name: 'Somebody', email: 'somebody@wheelhouse.example' };
    const commit = await this.parts.git.commitFiles(`${tenant}/${app}`, files, 'Change something', author);
    await this.parts.hub.sync(tenant, app);
    return commit;
  }
}

/** What a command of kubectl printed; fails the test when it complained. */
export async function kubectl(plane: Pick<ControlPlane, 'kubectl'>, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await plane.kubectl(...args);
  assert.equal(code, 0, stderr);
  return stdout;
}
