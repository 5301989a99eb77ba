// Looks at the API all the time, and remembers what it was shown and when.
import { setTimeout as sleep } from 'node:timers/promises';
import type { FleetStatus, Placement } from '#hub/api/mod.ts';
import type { ClusterName } from './stages.ts';
import type { Hub } from './views.ts';

const everyMs = 250;

export interface Sample {
  readonly atMs: number;
  /** By cluster. */
  readonly shown: ReadonlyMap<string, Pick<Placement['status'], 'health' | 'reason' | 'convergence' | 'wanted' | 'observed'>>;
}

export class Sampler {
  readonly samples: Sample[] = [];
  /** What must hold of every answer and did not, each once. */
  readonly broken = new Set<string>();
  readonly #hub: Hub;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;

  constructor(hub: Hub) {
    this.#hub = hub;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** Those that were answered between two moments. */
  between(fromMs: number, toMs: number): readonly Sample[] {
    return this.samples.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs);
  }

  latest = (cluster: ClusterName) => this.samples.at(-1)?.shown.get(cluster);

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      // A hub that does not answer says nothing untrue.
      await this.#look().catch(() => undefined);
      await sleep(everyMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  async #look(): Promise<void> {
    const asked = performance.now();
    const placements = await this.#hub.placements();
    this.samples.push({ atMs: asked, shown: new Map(placements.map(({ spec, status }) => [spec.cluster, status])) });
    for (const one of placements) for (const problem of problemsOf(one)) this.broken.add(problem);
    for (const problem of sumsOf(await this.#hub.status())) this.broken.add(problem);
  }
}

const worstFirst = ['Degraded', 'Unknown', 'Progressing', 'Suspended', 'Healthy', 'Empty'];

/** Whoever is not healthy says what, why, since when, and who changed it last. */
function problemsOf({ metadata, status }: Placement): string[] {
  const { health, reason, message, since, changedBy, connectionAgeMs, convergenceAgeMs, healthAgeMs, wanted, unhealthy } = status;
  const missing: string[] = [];
  const vouched = healthAgeMs !== null;
  if (health !== 'Healthy') {
    if (reason === '') missing.push('reason');
    if (message === '') missing.push('message');
    if (since === null && vouched) missing.push('since');
    if (changedBy === null && wanted !== null) missing.push('changedBy');
  }
  if (health === 'Healthy' && (!vouched || connectionAgeMs === null || convergenceAgeMs === null)) missing.push('an age');
  for (const one of unhealthy)
    if (one.object === '' || one.reason === '' || one.message === '') missing.push(`what is wrong with ${one.object || 'an object'}`);
  return missing.map((what) => `${metadata.name.replace(/^[a-z]+-\d/, 'CLUSTER')} is ${health} (${reason}) and does not say: ${what}`);
}

function sumsOf({ clusters, placements, environments, worst, health }: FleetStatus): string[] {
  const sum = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((a, b) => a + b, 0);
  const { total, ...byHealth } = placements;
  const problems: string[] = [];
  if (sum(byHealth) !== total) problems.push('placements do not add up');
  for (const [what, counts] of Object.entries({ connection: clusters.connection, health: clusters.health, state: clusters.state }))
    if (sum(counts) !== clusters.total) problems.push(`clusters do not add up by ${what}`);
  if (environments.reduce((all, one) => all + one.placements.total, 0) !== total) problems.push('environments do not add up');
  const ranks = worst.map((one) => worstFirst.indexOf(one.health));
  if (ranks.some((rank, i) => i > 0 && rank < (ranks[i - 1] ?? 0))) problems.push('the worst is not first');
  if (worst[0] && worst[0].health !== health) problems.push(`the fleet is ${health}, its worst ${worst[0].health}`);
  return problems;
}
