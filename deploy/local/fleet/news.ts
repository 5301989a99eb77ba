import type { Line } from './lines.ts';
import type { ClusterView, PlacementView, Snapshot, TargetView } from './views.ts';

export const nothing: Snapshot = { clusters: [], targets: [], releases: [] };

/** More than this of one kind at one look are one line: nobody reads three hundred. */
const eachMax = 6;
const briefMax = 100;

/** What has happened between two looks at the hub, for a person, in the order in which a change travels. Pure. */
export function newsOf(before: Snapshot, after: Snapshot): Line[] {
  return [...releaseNews(before, after), ...clusterNews(before, after), ...placementNews(before, after), ...rolloutNews(before, after)];
}

function releaseNews(before: Snapshot, after: Snapshot): Line[] {
  const known = new Set(before.releases.map(({ digest, app }) => `${app} ${digest}`));
  return after.releases
    .filter(({ digest, app }) => !known.has(`${app} ${digest}`))
    .toReversed()
    .map(({ tenant, app, alias, author }) => ({ word: 'release', text: `${tenant}/${app} ${alias} by ${author.replace(/ <.*/, '')}` }));
}

/** Ends by itself as the fleet goes on: no news. */
const passing: ReadonlySet<string> = new Set(['NotEnrolled', 'PredecessorNotEnrolled', 'PredecessorHasNoClusters', 'PredecessorNotThere']);

function rolloutNews(before: Snapshot, after: Snapshot): Line[] {
  const isComingUp = after.clusters.some(({ fence }) => fence === null);
  return after.targets.flatMap((target) => {
    const old = before.targets.find(
      (one) => one.tenant === target.tenant && one.app === target.app && one.environment === target.environment,
    );
    const name = `${target.tenant}/${target.app} in ${target.environment}`;
    const lines: Line[] = [];
    const { waiting, commit } = target;
    if (commit?.outcome === 'Failed' && old?.commit?.commit !== commit.commit)
      lines.push({ word: 'commit', text: `${name}: ${commit.commit.slice(0, 7)} made no release: ${commit.message}`, tone: 'bad' });
    lines.push(...rolloutLine(name, old?.rollout ?? null, target.rollout, { isComingUp, without: leftOut(target, after) }));
    if (waiting && waiting.reason !== old?.waiting?.reason && !passing.has(waiting.reason))
      lines.push({ word: 'waits', text: `${name}: ${waiting.reason}: ${waiting.message}` });
    return lines;
  });
}

type Rollout = TargetView['rollout'];

interface Circumstances {
  /** Spokes that were started a moment ago are not out of reach. */
  readonly isComingUp: boolean;
  /** Clusters that run something else: frozen, or suspended. */
  readonly without: readonly string[];
}

const leftOut = ({ tenant, app, environment, current }: TargetView, { clusters }: Snapshot): string[] =>
  clusters
    .filter(({ placements }) =>
      placements.some((one) => one.tenant === tenant && one.app === app && one.environment === environment && one.release !== current),
    )
    .map(({ name }) => name);

function rolloutLine(name: string, old: Rollout, now: Rollout, { isComingUp, without }: Circumstances): Line[] {
  if (!now || (old?.uid === now.uid && old.state === now.state && old.reason === now.reason)) return [];
  const { state, reason, message } = now;
  const isUnderWay = reason === 'Progressing' || (isComingUp && reason === 'ClustersUnreachable');
  if (state === 'Progressing' && isUnderWay) return old?.uid === now.uid ? [] : [{ word: 'rollout', text: `${name} begins` }];
  if (state === 'Succeeded' && reason === 'AllHealthy')
    return [{ word: 'rollout', text: `${name} succeeded${without.length > 0 ? `, without ${some(without)}` : ''}`, tone: 'good' }];
  const tone = state === 'Succeeded' ? 'good' : state === 'Failed' || state === 'Paused' ? 'bad' : 'plain';
  return [{ word: 'rollout', text: `${name}: ${state}: ${brief(message) || reason}`, tone }];
}

/** What is wrong with each cluster has a line of its own. */
const brief = (message: string): string => (message.length > briefMax ? `${message.slice(0, briefMax)}…` : message);

function clusterNews(before: Snapshot, after: Snapshot): Line[] {
  const known = new Map(before.clusters.map((one) => [one.name, one]));
  const moved = after.clusters.filter(({ name, connection }) => {
    const old = known.get(name)?.connection;
    // Before its first stream a cluster is not "disconnected" from anything.
    return old !== connection && (old === 'Connected' || connection === 'Connected');
  });
  const lines = [...Map.groupBy(moved, ({ connection }) => connection)].map(([connection, clusters]): Line => ({
    word: 'cluster',
    text: `${some(clusters.map(({ name }) => name))}: ${connection}`,
    tone: connection === 'Connected' ? 'plain' : 'bad',
  }));
  return [...lines, ...after.clusters.flatMap((cluster) => refusalNews(known.get(cluster.name), cluster))];
}

function refusalNews(before: ClusterView | undefined, { name, refusals }: ClusterView): Line[] {
  const seen = new Set(before?.refusals.map(({ at, code }) => `${at} ${code}`));
  return refusals
    .toReversed()
    .filter(({ at, code }) => !seen.has(`${at} ${code}`))
    .map(({ code, message }) => ({ word: 'refusal', text: `${name}: ${code}: ${message}`, tone: 'bad' }));
}

interface Arrival {
  readonly cluster: string;
  readonly old: PlacementView | undefined;
  readonly now: PlacementView;
}

function placementNews(before: Snapshot, after: Snapshot): Line[] {
  const known = new Map(before.clusters.flatMap(({ placements }) => placements.map((one) => [one.uid, one])));
  const changed = after.clusters.flatMap(({ name, placements }) =>
    placements
      .map((now): Arrival => ({ cluster: name, old: known.get(now.uid), now }))
      .filter(({ old, now }) => old?.health !== now.health || old.reason !== now.reason || old.observed !== now.observed),
  );
  const well = changed.filter(({ now }) => now.health === 'Healthy' && now.observed === now.wanted);
  const unwell = changed.filter(({ old, now }) => now.health === 'Degraded' || (now.health === 'Unknown' && old?.health === 'Healthy'));
  return [...inFew(well, arrivalLine, 'healthy'), ...inFew(unwell, troubleLine, 'unwell')];
}

/** Each by itself, or all in one. */
function inFew(arrivals: readonly Arrival[], line: (one: Arrival) => Line, word: string): Line[] {
  if (arrivals.length <= eachMax) return arrivals.map(line);
  return [...Map.groupBy(arrivals, ({ now }) => `${now.tenant}/${now.app}`)].map(([app, all]) => ({
    word,
    text: `${app} on ${some(all.map(({ cluster }) => cluster))}`,
    tone: word === 'healthy' ? 'good' : 'bad',
  }));
}

// What is fetched is verified a moment later: the document has all of them.
const hopNames = ['fetched', 'applied'] as const;

/** How long each hop took, from when the spoke heard of it; a cluster that recovered has no hops to tell. */
function arrivalLine({ cluster, old, now }: Arrival): Line {
  const moved = old?.wanted !== now.wanted || old.hops.healthy !== now.hops.healthy;
  const hops = hopNames.flatMap((hop) => (now.hops[hop] === undefined ? [] : [`${hop} ${now.hops[hop].toFixed(2)}`]));
  const text = `${cluster} ${now.tenant}/${now.app}`;
  const after = now.hops.healthy === undefined || !moved ? '' : ` ${now.hops.healthy.toFixed(2)} s (${hops.join(', ')})`;
  return { word: 'healthy', text: text + after, tone: 'good' };
}

function troubleLine({ cluster, now }: Arrival): Line {
  const untold = now.unhealthy.filter(({ message }) => !now.message.includes(message));
  const objects = now.health === 'Degraded' ? untold.slice(0, 3).map((one) => `; ${one.object}: ${one.reason}: ${one.message}`) : [];
  const text = `${cluster} ${now.tenant}/${now.app}: ${now.reason}: ${now.message}${objects.join('')}`;
  return { word: now.health.toLowerCase(), text, tone: 'bad' };
}

const some = (names: readonly string[]): string =>
  names.length <= eachMax ? names.join(', ') : `${names.slice(0, eachMax - 1).join(', ')} and ${names.length - eachMax + 1} more`;
