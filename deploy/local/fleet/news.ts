import { shortDigest } from '#shared/kernel/mod.ts';
import type { ClusterView, PlacementView, Snapshot } from './views.ts';

export const nothing: Snapshot = { clusters: [], targets: [], releases: [] };

/** What has happened between two looks at the hub, as lines for a person, in the order in which a change travels. Pure. */
export function newsOf(before: Snapshot, after: Snapshot): string[] {
  return [
    ...releaseNews(before, after),
    ...targetNews(before, after),
    ...after.clusters.flatMap((cluster) => clusterNews(find(before, cluster.name), cluster)),
  ];
}

const find = ({ clusters }: Snapshot, name: string): ClusterView | undefined => clusters.find((one) => one.name === name);

function releaseNews(before: Snapshot, after: Snapshot): string[] {
  const known = new Set(before.releases.map(({ digest, app }) => `${app} ${digest}`));
  return after.releases
    .filter(({ digest, app }) => !known.has(`${app} ${digest}`))
    .toReversed()
    .map((r) => `release   ${r.tenant}/${r.app} ${r.alias} from commit ${r.commit.slice(0, 7)} by ${r.author}`);
}

function targetNews(before: Snapshot, after: Snapshot): string[] {
  return after.targets.flatMap((target) => {
    const old = before.targets.find(
      (one) => one.tenant === target.tenant && one.app === target.app && one.environment === target.environment,
    );
    const name = `${target.tenant}/${target.app} in ${target.environment}`;
    const lines: string[] = [];
    const { rollout, waiting, commit } = target;
    if (commit?.outcome === 'Failed' && old?.commit?.commit !== commit.commit)
      lines.push(`commit    ${name}: ${commit.commit.slice(0, 7)} failed: ${commit.message}`);
    if (rollout && (old?.rollout?.uid !== rollout.uid || old.rollout.state !== rollout.state || old.rollout.reason !== rollout.reason))
      lines.push(`rollout   ${name}: ${rollout.state}: ${rollout.reason}${rollout.message ? `: ${rollout.message}` : ''}`);
    if (waiting && waiting.reason !== old?.waiting?.reason) lines.push(`promotion ${name} waits: ${waiting.reason}: ${waiting.message}`);
    return lines;
  });
}

function clusterNews(before: ClusterView | undefined, after: ClusterView): string[] {
  const lines: string[] = [];
  // Before its first stream a cluster is not "disconnected" from anything.
  if (before?.connection !== after.connection && (before?.connection === 'Connected' || after.connection === 'Connected'))
    lines.push(`cluster   ${after.name} is ${after.connection}`);
  const generation = after.fence?.generation ?? 0;
  if (generation > (before?.fence?.generation ?? 0))
    lines.push(`dispatch  ${after.name}: desired state ${after.fence?.epoch}/${generation}`);
  const seen = new Set(before?.refusals.map(({ at, code }) => `${at} ${code}`));
  for (const refusal of after.refusals.toReversed())
    if (!seen.has(`${refusal.at} ${refusal.code}`)) lines.push(`refusal   ${after.name}: ${refusal.code}: ${refusal.message}`);
  for (const placement of after.placements)
    lines.push(
      ...placementNews(
        after.name,
        before?.placements.find((one) => one.uid === placement.uid),
        placement,
      ),
    );
  return lines;
}

const hopNames = ['fetched', 'verified', 'applied', 'healthy'] as const;

function placementNews(cluster: string, before: PlacementView | undefined, after: PlacementView): string[] {
  const name = `${cluster}: ${after.tenant}/${after.app}`;
  const lines: string[] = [];
  const moved = before?.wanted !== after.wanted;
  for (const hop of hopNames) {
    const at = after.hops[hop];
    if (at !== undefined && (moved || before?.hops[hop] !== at)) lines.push(`${hop.padEnd(9)} ${name} after ${at.toFixed(3)} s`);
  }
  if (before?.health !== after.health || before.reason !== after.reason) {
    const what =
      after.health === 'Healthy'
        ? `at revision ${shortDigest(after.observed ?? '')}, ${after.objects} objects`
        : `${after.reason}: ${after.message}`;
    if (before || after.health !== 'Unknown') lines.push(`health    ${name} is ${after.health}, ${what}`);
    for (const one of after.health === 'Degraded' ? after.unhealthy.slice(0, 3) : [])
      lines.push(`          ${one.object}: ${one.reason}: ${one.message}`);
  }
  return lines;
}
