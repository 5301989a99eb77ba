// Cases carried out, and what was shown of each.
import { setTimeout as sleep } from 'node:timers/promises';
import { busStopped, hubRestarted, silences, troubles, type Case } from './cases.ts';
import { Sampler } from './samples.ts';
import { clusterNames, openStage, until, type ClusterName, type Kubernetes, type Stage } from './stages.ts';
import { Hub, isShown, viewsOf, type View } from './views.ts';

/** A state that is not so any more must not be shown for longer. */
export const boundMs = 15_000;
/** Each case lasts on past the bound, so that there is something to look at. */
const pastBoundMs = 4_000;
const mendedMaxMs = 90_000;

export interface Story {
  readonly name: string;
  readonly cluster: ClusterName;
  /** As the API showed it first: `Unknown`, `SpokeSilent`. */
  readonly shownAs: string;
  readonly reason: string;
  /** Seconds until somebody who asked each view was shown it; null: not while the case lasted. */
  readonly afterSeconds: Readonly<Record<string, number | null>>;
  /** Seconds until the last of them did. */
  readonly lastSeconds: number | null;
  /** Looks at the API that called it healthy after it had been shown, or after the bound. */
  readonly falselyHealthy: number;
  /** Looks during the case that called a cluster not healthy of which no case was under way. */
  readonly othersDisturbed: readonly string[];
}

export interface Report {
  readonly kubernetes: Kubernetes;
  readonly beatSeconds: number;
  readonly samples: number;
  readonly stories: readonly Story[];
  /** What did not hold of some answer of the API: sums, order, reasons, ages. */
  readonly broken: readonly string[];
}

export interface Options {
  readonly kubernetes: Kubernetes;
  readonly data: string;
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Starts a fleet, lets everything happen to it, ends it. Takes about three minutes. */
export async function tellAll({ kubernetes, data, log, signal }: Options): Promise<Report> {
  await using stage = await openStage(data, kubernetes, log, signal);
  const hub = new Hub(stage);
  const sampler = new Sampler(hub);
  const teller = new Teller({ stage, sampler, views: viewsOf(hub), log });
  sampler.start();
  try {
    const all = (): boolean => clusterNames.every((name) => sampler.latest(name)?.health === 'Healthy');
    await until('every cluster is healthy', 180_000, all);
    // Long enough for nobody to think of what was before.
    await sleep(15_000);
    log('everything is healthy: it begins');
    const side = Promise.all(troubles(kubernetes).map((one) => teller.tell(one)));
    const stories: Story[] = [];
    for (const one of silences) stories.push(await teller.tell(one));
    stories.push(...(await side));
    stories.push(await teller.tell(busStopped));
    stories.push(await teller.tell(hubRestarted));
    return { kubernetes, beatSeconds: 4, samples: sampler.samples.length, stories, broken: [...sampler.broken] };
  } finally {
    await sampler.stop();
  }
}

interface Parts {
  readonly stage: Stage;
  readonly sampler: Sampler;
  readonly views: readonly View[];
  readonly log: (line: string) => void;
}

class Teller {
  readonly #parts: Parts;
  /** Of whom something is under way, or was a moment ago. */
  readonly #concerned = new Map<ClusterName, { fromMs: number; toMs: number }[]>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async tell(one: Case): Promise<Story> {
    const { stage, sampler, log } = this.#parts;
    await this.#untilForgotten(one);
    const span = { fromMs: performance.now(), toMs: Number.POSITIVE_INFINITY };
    for (const cluster of one.everybody ? clusterNames : [one.cluster])
      this.#concerned.set(cluster, [...(this.#concerned.get(cluster) ?? []), span]);
    const end = await one.begin(stage);
    const beganMs = performance.now();
    log(`${one.name} (${one.cluster})`);
    const afterSeconds = await this.#watch(one, beganMs);
    await sleep(Math.max(0, beganMs + boundMs + pastBoundMs - performance.now()));
    const endedMs = performance.now();
    const falselyHealthy = this.#falselyHealthy(one, beganMs, endedMs);
    await end();
    await until(`${one.cluster} is healthy after: ${one.name}`, mendedMaxMs, () => isHealthy(sampler, one));
    // Of the last look that saw it otherwise, nobody is to be accused.
    span.toMs = performance.now();
    const looks = sampler.between(beganMs, endedMs).map(({ shown }) => shown.get(one.cluster));
    const seen = looks.find((status) => status && isShown(status, one.truth)) ?? looks.at(-1) ?? nothing;
    const seconds = Object.values(afterSeconds);
    return {
      name: one.name,
      cluster: one.cluster,
      shownAs: one.truth.convergence ? `${seen.health}, ${seen.convergence}` : seen.health,
      reason: seen.reason,
      afterSeconds,
      lastSeconds: seconds.includes(null) ? null : Math.max(...seconds.map(Number)),
      falselyHealthy,
      othersDisturbed: this.#disturbed(beganMs, endedMs),
    };
  }

  /** What a view still shows of the case before would look like a fast answer. */
  async #untilForgotten({ name, cluster, truth }: Case): Promise<void> {
    for (const view of this.#parts.views)
      await until(`the ${view.name} shows nothing of it before: ${name}`, mendedMaxMs, async () => !(await view.shows(cluster, truth)));
  }

  /** Asks every view until it shows the truth, or until the case has lasted long enough. */
  async #watch({ cluster, truth }: Case, beganMs: number): Promise<Record<string, number | null>> {
    const { views } = this.#parts;
    const untilMs = beganMs + boundMs + pastBoundMs;
    const watch = async ({ name, shows }: View): Promise<[string, number | null]> => {
      while (performance.now() < untilMs) {
        // Who asked then was told so; how long the answer took is this machine's affair.
        const askedMs = performance.now();
        if (await shows(cluster, truth).catch(() => false)) return [name, Math.round((askedMs - beganMs) / 100) / 10];
        await sleep(300);
      }
      return [name, null];
    };
    return Object.fromEntries(await Promise.all(views.map(watch)));
  }

  #falselyHealthy({ cluster, truth }: Case, beganMs: number, endedMs: number): number {
    const looks = this.#parts.sampler.between(beganMs, endedMs);
    const known = looks.findIndex(({ shown }) => isShown(shown.get(cluster) ?? nothing, truth));
    return looks.filter(
      ({ atMs, shown }, i) => shown.get(cluster)?.health === 'Healthy' && ((known >= 0 && i > known) || atMs > beganMs + boundMs),
    ).length;
  }

  #disturbed(fromMs: number, toMs: number): readonly string[] {
    const seen = new Set<string>();
    for (const { atMs, shown } of this.#parts.sampler.between(fromMs, toMs))
      for (const name of clusterNames) {
        const status = shown.get(name);
        const concerned = this.#concerned.get(name)?.some((span) => atMs >= span.fromMs - 500 && atMs <= span.toMs + 500);
        if (!concerned && status?.health !== 'Healthy') seen.add(`${name}: ${status?.health} ${status?.reason}`);
      }
    return [...seen];
  }
}

const nothing = { health: 'Empty', reason: '', convergence: 'Empty' } as const;

const isHealthy = (sampler: Sampler, { cluster, everybody }: Case): boolean =>
  (everybody ? clusterNames : [cluster]).every((name) => sampler.latest(name)?.health === 'Healthy');
