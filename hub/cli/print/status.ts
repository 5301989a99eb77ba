import type { FleetStatus } from '#hub/api/mod.ts';
import { ageOf } from './ages.ts';
import { painted, type Paint } from './colours.ts';
import { stoppedText } from './holds.ts';
import { rolloutText } from './rollouts.ts';
import { brief, clipped, personOf, whyText } from './tables.ts';

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

/** How it is and since when, what it is, why and by whose change; the message last, which may be long. */
function wrongLine(wrong: Wrong, { now, paint, width }: How): string {
  const { kind, tenant, name, health, reason, message, since, changedBy } = wrong;
  // That a cluster is silent is nobody's change.
  const who = changedBy && kind !== 'Cluster' ? ` (${changedBy.release} by ${personOf(changedBy.author)})` : '';
  const object = [kind.toLowerCase(), ...(tenant === null ? [] : [tenant]), name].join('/');
  const age = since === null ? '' : ` for ${ageOf(since, now)}`;
  const said = whyText(reason, message, 240);
  const rest = `${age}: ${object}: ${said.startsWith(`${reason}: `) ? `${reason}${who}: ${said.slice(reason.length + 2)}` : `${said}${who}`}`;
  return painted(health, paint) + clipped(rest, width === undefined ? undefined : width - health.length);
}

interface How {
  readonly now: number;
  readonly paint: Paint;
  /** Of the terminal. */
  readonly width?: number | undefined;
}

const row = (title: string, text: string): string => `${title.padEnd(14)}${text}`;

/**
 * The fleet in ten lines at most: what is wrong first, then counts that add up, what moves, what waits. Pure.
 */
export function statusLines(status: FleetStatus, { url, ...how }: How & { readonly url: string }): readonly string[] {
  const { now, paint, width } = how;
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
    ...shown.map((wrong) => wrongLine(wrong, how)),
    ...(more === 0 ? [] : [`and ${worst.length >= 20 ? 'at least ' : ''}${more} more: wheelhouse get placements; wheelhouse get clusters`]),
    row(
      'clusters',
      `${clusters.total}: ${countsText(clusters.health, order)}; ${countsText(clusters.connection, ['Disconnected', 'NeverConnected', 'Connected'])}`,
    ),
    row('placements', `${placements.total}: ${tallyText(placements)}`),
    row('targets', `${targets.total}: ${waiting === 0 ? 'none waits' : `${waiting} waiting (${countsText(targets.waiting)})`}`),
    clipped(
      row(
        'rollouts',
        rollouts.length === 0
          ? 'none running'
          : `${rollouts.length} running: ${rolloutText(rollouts[0] as FleetStatus['rollouts'][number])}`,
      ),
      width,
    ),
    ...(stopped === '' ? [] : [row('stopped', stopped)]),
    row('environments', stagesText(environments, paint)),
  ];
}

/** Those that are not well, by name; of the others how many there are. */
function stagesText(environments: FleetStatus['environments'], paint: Paint): string {
  if (environments.length === 0) return 'none';
  const wrong = environments.filter(({ health }) => health !== 'Healthy' && health !== 'Empty');
  const named = wrong
    .slice(0, stagesMax)
    .map(({ tenant, name, health, placements }) => `${tenant}/${name} ${painted(health, paint)} ${placements.healthy}/${placements.total}`);
  const more = wrong.length - named.length;
  const rest = countsText(
    Object.fromEntries(['Healthy', 'Empty'].map((word) => [word, environments.filter(({ health }) => health === word).length])),
  );
  return [...named, ...(more > 0 ? [`${more} more`] : []), ...(rest === 'none' ? [] : [rest])].join(', ');
}
