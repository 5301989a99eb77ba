import type { ClusterView, PlacementView, TargetView, Snapshot } from './views.ts';

/** What the job is: each app at the commit that was made last. */
export interface Job {
  readonly apps: readonly {
    readonly tenant: string;
    readonly app: string;
    readonly commit: string;
    readonly environments: readonly string[];
  }[];
  readonly clusters: readonly string[];
}

export type Verdict =
  | { readonly state: 'done' }
  /** It will not get there by waiting. */
  | { readonly state: 'failed'; readonly reason: string }
  /** What is still missing: the first few things, worst first. */
  | { readonly state: 'pending'; readonly missing: readonly string[] };

/** Whether the job is done, by what the hub knows through reports. Pure. */
export function verdictOf(job: Job, snapshot: Snapshot): Verdict {
  const fatal = [...failedCommits(job, snapshot), ...nothingSelected(job, snapshot), ...stuck(job, snapshot)][0];
  if (fatal !== undefined) return { state: 'failed', reason: fatal };
  const missing = missingOf(job, snapshot);
  return missing.length === 0 ? { state: 'done' } : { state: 'pending', missing };
}

const targetsOf = (job: Job, { targets }: Snapshot): readonly TargetView[] =>
  targets.filter(({ tenant, app }) => job.apps.some((one) => one.tenant === tenant && one.app === app));

function failedCommits(job: Job, snapshot: Snapshot): string[] {
  return targetsOf(job, snapshot)
    .filter(({ tenant, app, commit }) => {
      const wanted = job.apps.find((one) => one.tenant === tenant && one.app === app)?.commit;
      return commit?.outcome === 'Failed' && commit.commit === wanted;
    })
    .map(({ tenant, app, commit }) => `${tenant}/${app}: commit ${commit?.commit.slice(0, 7)} made no release: ${commit?.message}`);
}

function nothingSelected(job: Job, snapshot: Snapshot): string[] {
  return targetsOf(job, snapshot)
    .filter(({ waiting, placements }) => waiting?.reason === 'NothingSelected' && placements === 0)
    .map(({ tenant, app, environment, waiting }) => `${tenant}/${app}: environment ${environment}: NothingSelected: ${waiting?.message}`);
}

/** What does not mend itself, by the reasons that spokes give (`spoke/assignments`): whoever asked for --once wants to know now. */
const lasting: ReadonlySet<string> = new Set([
  'ApiRefused',
  'Conflict',
  'ContentMalformed',
  'ContentMismatch',
  'Denied',
  'HealthTimeout',
  'Invalid',
  'NoAccount',
  'NotAllowed',
  'NotListed',
  'NotTrusted',
  'OwnedByAnother',
  'ProgressDeadlineExceeded',
  'Unsupported',
]);

/** Only at the release that the job is about: the trouble of an earlier one ends when that arrives. */
function stuck(job: Job, snapshot: Snapshot): string[] {
  const wanted = new Set(job.apps.map((one) => releaseOf(one, snapshot)?.digest));
  return snapshot.clusters.flatMap((cluster) =>
    cluster.placements
      .filter(({ health, reason, release }) => health === 'Degraded' && lasting.has(reason) && wanted.has(release ?? ''))
      .map((placement) => troubleOf(cluster, placement)),
  );
}

/** The release that an app is to run: the one of its commit, or the latest if that changed nothing. */
function releaseOf({ tenant, app, commit }: Job['apps'][number], snapshot: Snapshot): Snapshot['releases'][number] | undefined {
  const latest = snapshot.releases.find((one) => one.tenant === tenant && one.app === app);
  return latest?.commit === commit || unchanged(snapshot, tenant, app, commit) ? latest : undefined;
}

/** cluster, app, object and reason. */
export function troubleOf(cluster: ClusterView, { tenant, app, health, reason, message, unhealthy }: PlacementView): string {
  const objects = unhealthy.slice(0, 3).map((one) => `${one.object} is ${one.health}: ${one.reason}: ${one.message}`);
  return [`cluster ${cluster.name}: ${tenant}/${app} is ${health}: ${reason}: ${message}`, ...objects].join('; ');
}

function missingOf(job: Job, snapshot: Snapshot): string[] {
  const missing: string[] = [];
  for (const wanted of job.apps) {
    const { tenant, app, commit, environments } = wanted;
    const release = releaseOf(wanted, snapshot);
    if (!release) missing.push(`${tenant}/${app}: no release of commit ${commit.slice(0, 7)} yet`);
    else for (const environment of environments) missing.push(...missingIn(snapshot, { tenant, app, environment, digest: release.digest }));
  }
  for (const name of job.clusters) {
    const cluster = snapshot.clusters.find((one) => one.name === name);
    if (cluster?.connection !== 'Connected')
      missing.push(`cluster ${name}: ${cluster?.connection ?? 'not declared'} (${cluster?.state ?? 'unknown'})`);
  }
  return missing;
}

/** A commit that changes no variant makes no release: the one before it is the one to run. */
const unchanged = ({ targets }: Snapshot, tenant: string, app: string, commit: string): boolean =>
  targets.some((one) => one.tenant === tenant && one.app === app && one.commit?.commit === commit && one.commit.outcome === 'NoChange');

interface Wanted {
  readonly tenant: string;
  readonly app: string;
  readonly environment: string;
  readonly digest: string;
}

function missingIn({ clusters, targets }: Snapshot, { tenant, app, environment, digest }: Wanted): string[] {
  const here = (one: { tenant: string; app: string; environment: string }): boolean =>
    one.tenant === tenant && one.app === app && one.environment === environment;
  const target = targets.find(here);
  const name = `${tenant}/${app} in ${environment}`;
  const placed = clusters.flatMap((cluster) => cluster.placements.filter(here).map((placement) => ({ cluster, placement })));
  if (target?.current !== digest || placed.length === 0) {
    const waits = target?.waiting ?? target?.rollout;
    const bad = placed
      .filter(({ placement }) => placement.health !== 'Healthy')
      .map(({ cluster, placement }) => troubleOf(cluster, placement));
    return [...bad, `${name}: ${waits ? `${waits.reason}: ${waits.message}` : 'nothing has begun'}`];
  }
  // Healthy where it runs is not enough while a cluster that should run it does not.
  const lacking = lackOf(target);
  const bad = placed
    .filter(
      ({ placement }) =>
        placement.health !== 'Healthy' ||
        placement.wanted === null ||
        placement.wanted !== placement.observed ||
        placement.release !== digest,
    )
    .map(({ cluster, placement }) => troubleOf(cluster, placement));
  return lacking ? [...bad, `${name}: ${lacking.reason}: ${lacking.message}`] : bad;
}

const missesClusters: ReadonlySet<string> = new Set(['NotEnrolled', 'ClusterSelectedTwice']);

function lackOf({ waiting, rollout }: TargetView): TargetView['waiting'] {
  if (waiting && missesClusters.has(waiting.reason)) return waiting;
  return rollout && ['Progressing', 'Paused'].includes(rollout.state) ? rollout : null;
}
