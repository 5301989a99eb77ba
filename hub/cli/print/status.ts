import type { FleetStatus } from '#hub/api/mod.ts';
import { ageOf } from './ages.ts';
import { painted, type Paint } from './colours.ts';
import { stoppedText } from './holds.ts';
import { rolloutText } from './rollouts.ts';
import { brief, personOf, whyText } from './tables.ts';

const wrongMax = 4;
const stagesMax = 8;
const order = ['Degraded', 'Unknown', 'Progressing', 'Suspended', 'Healthy', 'Empty'] as const;

/** `1 Degraded, 5 Healthy`, worst first; what is not there is not said. */
export function countsText(counts: Readonly<Record<string, number>>, words: readonly string[] = Object.keys(counts)): string {
  const known = words.filter((word) => (counts[word] ?? 0) > 0).map((word) => `${counts[word]} ${word}`);
  return known.join(', ') || 'none';
}

const tallyText = ({ degraded, unknown, progressing, suspended, healthy }: FleetStatus['placements']): string =>
  countsText({ Degraded: degraded, Unknown: unknown, Progressing: progressing, Suspended: suspended, Healthy: healthy });

type Wrong = FleetStatus['worst'][number];

function wrongLine(wrong: Wrong, now: number, paint: Paint): string {
  const { kind, tenant, name, health, reason, message, since, changedBy } = wrong;
  const who = changedBy ? ` (${changedBy.release} by ${personOf(changedBy.author)})` : '';
  const object = [kind.toLowerCase(), ...(tenant === null ? [] : [tenant]), name].join('/');
  const age = since === null ? '' : ` for ${ageOf(since, now)}`;
  return `${painted(health, paint)}${age}: ${object}: ${whyText(reason, message, 240)}${who}`;
}

const row = (title: string, text: string): string => `${title.padEnd(14)}${text}`;

/**
 * The fleet in ten lines at most: what is wrong first, then counts that add up, what moves, what waits. Pure.
 */
export function statusLines(
  status: FleetStatus,
  { url, now, paint }: { readonly url: string; readonly now: number; readonly paint: Paint },
): readonly string[] {
  const { clusters, placements, targets, worst, rollouts, environments, settling, recordBehind } = status;
  const trouble = [
    ...(settling ? ['settling: believes nobody gone and starts nothing yet'] : []),
    ...(recordBehind === null ? [] : [recordBehind]),
  ];
  const stopped = stoppedText(status.holds, now);
  const shown = worst.slice(0, worst.length > wrongMax ? wrongMax - 1 : wrongMax);
  const more = worst.length - shown.length;
  const waiting = Object.values(targets.waiting).reduce((sum, n) => sum + n, 0);
  return [
    `${painted(status.health, paint)}  ${url}  ${status.observedAt}`,
    ...(trouble.length === 0 ? [] : [row('hub', brief(trouble.join('; '), 160))]),
    ...shown.map((wrong) => wrongLine(wrong, now, paint)),
    ...(more === 0 ? [] : [`and ${worst.length >= 20 ? 'at least ' : ''}${more} more: wheelhouse get placements; wheelhouse get clusters`]),
    row(
      'clusters',
      `${clusters.total}: ${countsText(clusters.health, order)}; ${countsText(clusters.connection, ['Disconnected', 'NeverConnected', 'Connected'])}`,
    ),
    row('placements', `${placements.total}: ${tallyText(placements)}`),
    row('targets', `${targets.total}: ${waiting === 0 ? 'none waits' : `${waiting} waiting (${countsText(targets.waiting)})`}`),
    row(
      'rollouts',
      rollouts.length === 0 ? 'none running' : `${rollouts.length} running: ${rolloutText(rollouts[0] as FleetStatus['rollouts'][number])}`,
    ),
    ...(stopped === '' ? [] : [row('stopped', stopped)]),
    row('environments', stagesText(environments, paint)),
  ];
}

function stagesText(environments: FleetStatus['environments'], paint: Paint): string {
  if (environments.length === 0) return 'none';
  const shown = environments
    .slice(0, stagesMax)
    .map(({ tenant, name, health, placements }) => `${tenant}/${name} ${painted(health, paint)} ${placements.healthy}/${placements.total}`);
  const more = environments.length - shown.length;
  return shown.join(', ') + (more === 0 ? '' : `, and ${more} more`);
}
