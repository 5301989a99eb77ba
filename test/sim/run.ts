import { nextVersion } from './contents.ts';
import { People } from './people.ts';
import { beatMs, SimFleet } from './fleet.ts';
import { layoutOf } from './layout.ts';
import { lookAtBeliefs } from './rules/beliefs.ts';
import { auditProblem, missing, unended } from './rules/ends.ts';
import type { Violation } from './rules/violations.ts';
import { Weather } from './weather.ts';

export interface Outcome {
  readonly seed: number;
  readonly violation: Violation | undefined;
  readonly beat: number;
  readonly last: readonly string[];
  readonly figures: Figures;
  readonly fingerprint: number;
}

export interface Figures {
  readonly virtualMs: number;
  readonly timers: number;
  readonly events: number;
  readonly writes: number;
  readonly deletions: number;
  readonly starts: number;
}

export interface RunOptions {
  readonly beats?: number;
  readonly say?: (line: string) => void;
}

/** Before the weather comes: the first release is on its way. */
const fairBeats = 4;
const beatsDefault = 45;
const convergeMaxMs = 45 * 60_000;
/** Of the quiet hour: with a hub, without one, and with a new one. */
const quietMs = [20, 35, 5].map((minutes) => minutes * 60_000) as [number, number, number];
const quietBeatMs = 60_000;
const aloneMs = 3 * 60_000;

/** One fleet, from its first release through its weather to the end of its quiet hour. */
export async function runSeed(seed: number, { say, beats = beatsDefault }: RunOptions = {}): Promise<Outcome> {
  await using fleet = await SimFleet.open(seed, layoutOf(seed), say);
  const { violations, clock, trace, writes, commits } = fleet;
  const weather = new Weather(fleet);
  const versions = fleet.chance.dice('versions');
  fleet.commit(nextVersion(versions, 1, 'good'));
  let beat = 0;
  const step = async (): Promise<boolean> => {
    beat += 1;
    await fleet.poll();
    await fleet.pass(beatMs);
    await lookAtBeliefs(fleet);
    return violations.found.length === 0;
  };
  let well = true;
  for (let fair = fairBeats; well && fair > 0; fair--) well = await step();
  for (let left = beats; well && left > 0; left--) {
    await weather.beat();
    well = await step();
  }
  if (well) {
    await weather.clears();
    well = await converges(fleet, step);
  }
  if (well) await isQuiet(fleet);
  if (violations.found.length === 0) await goesOnAlone(fleet);
  const figures = {
    virtualMs: clock.monotonicMs(),
    timers: clock.fired,
    events: trace.lines,
    writes: writes.writes,
    deletions: writes.deletions,
    starts: commits.starts,
  };
  return { seed, violation: violations.found[0], beat, last: [...trace.last], figures, fingerprint: trace.fingerprint };
}

/** A last good release arrives everywhere, in bounded time. */
async function converges(fleet: SimFleet, step: () => Promise<boolean>): Promise<boolean> {
  const { violations, clock } = fleet;
  const last = nextVersion(fleet.chance.dice('last version'), fleet.versions.length + 1, 'good');
  fleet.commit(last);
  const untilMs = clock.monotonicMs() + convergeMaxMs;
  let lacking: readonly string[] = [''];
  while (lacking.length > 0 && clock.monotonicMs() < untilMs) {
    if (!(await step())) return false;
    lacking = await missing(fleet, last);
  }
  if (lacking.length > 0) violations.add(11, `${convergeMaxMs / 60_000} minutes after the weather: ${lacking.join('; ')}`);
  for (const what of await unended(fleet)) violations.add(12, what);
  const audit = await auditProblem(fleet);
  if (audit !== undefined) violations.add(9, audit);
  return violations.found.length === 0;
}

/** A hub that asks for a beat a minute, as one of many clusters might; then an hour in which nothing is written anywhere, whether it is there or not. */
async function isQuiet(fleet: SimFleet): Promise<void> {
  const { violations, writes, clock } = fleet;
  fleet.hubBeatMs = quietBeatMs;
  await fleet.hub?.stop();
  await fleet.startHub();
  await clock.advance(5 * quietBeatMs);
  const before = writes.writes;
  await clock.advance(quietMs[0]);
  fleet.hub?.kill();
  await clock.advance(quietMs[1]);
  await fleet.startHub();
  await clock.advance(quietMs[2]);
  fleet.look();
  if (writes.writes > before) violations.add(14, `${writes.writes - before} writes in an hour without news`);
  await lookAtBeliefs(fleet);
  for (const { health, reason, clusterId } of (await fleet.hub?.beliefs()) ?? [])
    if (health !== 'Healthy') violations.add(11, `${fleet.clusterOf(clusterId)?.name} is ${health} (${reason}) after the quiet hour`);
}

/** Hub, bus and registry are gone for ever; what somebody changes or deletes is put right all the same. */
async function goesOnAlone(fleet: SimFleet): Promise<void> {
  const { violations, writes } = fleet;
  fleet.hub?.kill();
  fleet.setBus(true);
  fleet.registry.away = true;
  const people = new People(fleet);
  for (const cluster of fleet.clusters) people.disturb(cluster);
  await fleet.pass(aloneMs);
  for (const cluster of fleet.clusters)
    for (const { applied = '' } of writes.seenOf(cluster).kept.values())
      if (!writes.isGood(applied, cluster.objects()))
        violations.add(13, `${cluster.name} does not have its objects, ${aloneMs / 60_000} minutes after a change`);
}
