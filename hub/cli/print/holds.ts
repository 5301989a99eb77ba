import type { FleetStatus, Placement } from '#hub/api/mod.ts';
import { ageOf } from './ages.ts';
import { brief } from './tables.ts';

export type Hold = Placement['status']['holds'][number];

/** `by user:ada 5m ago: the fair, until 2026-…`. An earlier hub says nothing of it. */
export function holdText(hold: Hold | null | undefined, now: number, max = 80): string {
  if (!hold) return '<none>';
  const end = hold.until === null ? '' : `, until ${hold.until}`;
  return `by ${hold.by} ${ageOf(hold.since, now)} ago: ${brief(hold.reason, max)}${end}`;
}

/** Of a placement. An earlier hub says nothing of them. */
export const holdsOn = (status: { readonly holds?: readonly Hold[] }): readonly Hold[] => status.holds ?? [];

/** As kubectl says `Ready,SchedulingDisabled`. */
export const marked = (word: string, hold: Hold | null | undefined, mark: 'Frozen' | 'Suspended'): string =>
  hold && word !== mark ? `${word},${mark}` : word;

const whats: Readonly<Record<Hold['scope'], readonly [what: string, undo: string]>> = {
  Placement: ['suspended', 'resume'],
  App: ['app suspended', 'resume app'],
  Rollout: ['rollout suspended', 'resume rollout'],
  Cluster: ['cluster frozen', 'unfreeze cluster'],
  Environment: ['environment frozen', 'unfreeze environment'],
  Fleet: ['fleet frozen', 'unfreeze fleet'],
};

/** `cluster frozen by user:ada …`, one line for each. Pure. */
export const stoppedLines = (holds: readonly Hold[], now: number): readonly string[] =>
  holds.map((hold) => `${whats[hold.scope][0]} ${holdText(hold, now, 160)}`);

/** What has to be said so that each ends. Pure. */
export const releaseTexts = (holds: readonly Hold[], { cluster, app, environment }: Placement['spec'], tenant: string): readonly string[] =>
  holds.map(({ scope, until }) => {
    const name = {
      Placement: ` app ${tenant}/${app} --cluster ${cluster}`,
      App: ` ${tenant}/${app}`,
      Rollout: '',
      Cluster: ` ${cluster}`,
      Environment: ` ${tenant}/${environment}`,
      Fleet: '',
    }[scope];
    return `somebody to say: wheelhouse ${whats[scope][1]}${name}${until === null ? '' : `; or ${until}, when it ends by itself`}`;
  });

const many = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`;

/** What stands still in the fleet, in one line; '': nothing. Pure. */
export function stoppedText(holds: FleetStatus['holds'] | undefined, now: number): string {
  if (!holds) return '';
  const list = (counts: readonly (readonly [number, string])[]): string =>
    counts.flatMap(([count, word]) => (count === 0 ? [] : [many(count, word)])).join(', ');
  const frozen = list([
    [holds.environments, 'environment'],
    [holds.clusters, 'cluster'],
  ]);
  const suspended = list([
    [holds.rollouts, 'rollout'],
    [holds.apps, 'app'],
    [holds.placements, 'placement'],
  ]);
  return [
    ...(holds.fleet ? [`the fleet is frozen ${holdText(holds.fleet, now)}`] : []),
    ...(frozen === '' ? [] : [`${frozen} frozen`]),
    ...(suspended === '' ? [] : [`${suspended} suspended`]),
  ].join('; ');
}
