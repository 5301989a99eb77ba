import { ageOf, measured } from '../print/ages.ts';
import { holdsOn, holdText, marked } from '../print/holds.ts';
import { doneText } from '../print/rollouts.ts';
import { aboutText, saidText, seriesText } from '../print/series.ts';
import { brief, orNone, personOf } from '../print/tables.ts';
import type { AnyResource, KindName, Resources } from './kinds.ts';

/** One column: what its cell says of a resource at the hub's wall time `now`. */
export interface Column<R> {
  readonly title: string;
  /** Only with -o wide. */
  readonly wide: boolean;
  readonly cell: (resource: R, now: number) => string;
}

type Cells<R> = Readonly<Record<string, Column<R>['cell']>>;

const columns = <R extends AnyResource>(narrow: Cells<R>, wide: Cells<R> = {}): readonly Column<AnyResource>[] =>
  // A kind's columns are only ever given resources of that kind.
  [
    ...Object.entries(narrow).map(columnOf(false)),
    ...Object.entries(wide).map(columnOf(true)),
  ] as unknown as readonly Column<AnyResource>[];
const columnOf =
  (wide: boolean) =>
  <R>([title, cell]: [string, Column<R>['cell']]): Column<R> => ({ title, wide, cell });

const age: Cells<AnyResource> = { AGE: ({ metadata }, now) => ageOf(metadata.creationTimestamp, now) };
const tenantName: Cells<Exclude<AnyResource, Resources['Cluster'] | Resources['Tenant']>> = {
  TENANT: ({ metadata }) => orNone(metadata.tenant),
  NAME: ({ metadata }) => metadata.name,
};

export const pairs = (map: Readonly<Record<string, string>>): string =>
  orNone(
    Object.entries(map)
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
  );
const listed = (words: readonly string[]): string => orNone(words.join(','));
/** The first twelve digits, as people compare commits and digests. */
export const shortened = (hash: string | null | undefined): string => orNone((hash ?? '').replace(/^sha256:/, '').slice(0, 12));
const healthy = ({ placements }: { placements: { healthy: number; total: number } }): string => `${placements.healthy}/${placements.total}`;
/** Since when, only while something is wrong: of what is well it would be the age of the last change. */
const since = (status: { health: string; since: string | null }, now: number): string =>
  status.health === 'Healthy' || status.health === 'Empty' ? '<none>' : ageOf(status.since, now);
const by = (changed: { release: string; author: string } | null | undefined): string =>
  changed ? `${changed.release} by ${personOf(changed.author)}` : '<none>';

const selectorText = ({ matchLabels, matchExpressions }: Resources['Environment']['spec']['clusterSelector']): string => {
  const equal = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`);
  const others = matchExpressions.map(
    ({ key, operator, values }) => `${key} ${operator}${values.length > 0 ? ` (${values.join(' ')})` : ''}`,
  );
  return orNone([...equal, ...others].join(','));
};

function sourceText({ source }: Resources['App']['spec']): string {
  const git = 'git' in source ? source.git : undefined;
  if (!git) return '<unknown>';
  const [kind = '', value = ''] = Object.entries(git.ref)[0] ?? [];
  return `${git.url}@${kind}:${value}`;
}

const finished = ({ clusters }: Resources['Rollout']['status']): string => doneText(clusters);

/** Every kind's columns, in the order in which they are printed. */
export const columnsOf: Readonly<Record<KindName, readonly Column<AnyResource>[]>> = {
  Cluster: columns<Resources['Cluster']>(
    {
      NAME: ({ metadata }) => metadata.name,
      HEALTH: ({ status }) => marked(status.health, status.frozen, 'Frozen'),
      CONNECTION: ({ status }) => status.connection,
      HEARD: ({ status }) => measured(status.connectionAgeMs),
      CONVERGENCE: ({ status }) => status.convergence,
      APPS: ({ status }) => healthy(status),
      REASON: ({ status }) => (status.reason === status.health ? '<none>' : orNone(status.reason)),
      ...age,
    },
    {
      SINCE: ({ status }, now) => since(status, now),
      FROZEN: ({ status }, now) => holdText(status.frozen, now),
      STATE: ({ status }) => status.state,
      KUBERNETES: ({ status }) => orNone(status.facts.kubernetesVersion),
      NODES: ({ status }) => (status.facts.kubernetesVersion === '' ? '<unknown>' : String(status.facts.nodes)),
      SPOKE: ({ status }) => orNone(status.facts.spokeVersion),
      FENCE: ({ status }) => (status.fence ? `${status.fence.epoch}/${status.fence.generation}` : '<none>'),
      'CHANGED BY': ({ status }) => by(status.changedBy),
      LABELS: ({ metadata }) => pairs(metadata.labels),
      MESSAGE: ({ status }) => brief(status.message),
    },
  ),
  Tenant: columns<Resources['Tenant']>(
    {
      NAME: ({ metadata }) => metadata.name,
      HEALTH: ({ status }) => status.health,
      CONVERGENCE: ({ status }) => status.convergence,
      PLACEMENTS: ({ status }) => healthy(status),
      APPS: ({ status }) => String(status.apps),
      ENVIRONMENTS: ({ status }) => String(status.environments),
      ...age,
    },
    {
      'SERVICE ACCOUNT': ({ spec }) => spec.serviceAccount,
      NAMESPACES: ({ spec }) => listed(spec.namespaces),
      KINDS: ({ spec }) => listed(spec.kinds),
      SOURCES: ({ spec }) => listed(spec.sources),
    },
  ),
  Environment: columns<Resources['Environment']>(
    {
      ...tenantName,
      HEALTH: ({ status }) => marked(status.health, status.frozen, 'Frozen'),
      CONVERGENCE: ({ status }) => status.convergence,
      PLACEMENTS: ({ status }) => healthy(status),
      AFTER: ({ spec }) => listed(spec.after ?? []),
      PROMOTION: ({ spec }) => spec.promotion.mode,
      ...age,
    },
    {
      APPS: ({ status }) => String(status.apps),
      'AT ONCE': ({ spec }) => String(spec.rollout.maxConcurrent),
      SELECTOR: ({ spec }) => selectorText(spec.clusterSelector),
      PARAMETERS: ({ spec }) => pairs(spec.parameters ?? {}),
      FROZEN: ({ status }, now) => holdText(status.frozen, now),
    },
  ),
  App: columns<Resources['App']>(
    {
      ...tenantName,
      HEALTH: ({ status }) => marked(status.health, status.suspended, 'Suspended'),
      CONVERGENCE: ({ status }) => status.convergence,
      PLACEMENTS: ({ status }) => healthy(status),
      TARGETS: ({ status }) => String(status.targets),
      COMMIT: ({ status }) => shortened(status.commit?.commit),
      OUTCOME: ({ status }) => orNone(status.commit?.outcome),
      ...age,
    },
    {
      AUTHOR: ({ status }) => personOf(status.commit?.author),
      SEEN: ({ status }, now) => (status.commit ? ageOf(status.commit.seenAt, now) : '<none>'),
      SOURCE: ({ spec }) => sourceText(spec),
      ANSWERED: ({ status }, now) => ageOf(status.source?.answeredAt, now),
      ERROR: ({ status }) => brief(status.source?.error?.message),
      SUSPENDED: ({ status }, now) => holdText(status.suspended, now),
    },
  ),
  Target: columns<Resources['Target']>(
    {
      ...tenantName,
      HEALTH: ({ status }) => status.health,
      CONVERGENCE: ({ status }) => status.convergence,
      PLACEMENTS: ({ status }) => healthy(status),
      RELEASE: ({ status }) => orNone(status.currentAlias) + (status.leftOut > 0 ? ` (${status.leftOut} left out)` : ''),
      ROLLOUT: ({ status }) => orNone(status.rollout?.state),
      'WAITS FOR': ({ status }) => orNone(status.waiting?.reason),
      ...age,
    },
    {
      DIGEST: ({ status }) => shortened(status.current),
      MESSAGE: ({ status }) => brief(status.waiting?.message ?? status.rollout?.message),
    },
  ),
  Placement: columns<Resources['Placement']>(
    {
      ...tenantName,
      ENVIRONMENT: ({ spec }) => spec.environment,
      HEALTH: ({ status }) => status.health,
      CONVERGENCE: ({ status }) => status.convergence,
      RELEASE: ({ status }) => orNone(status.releaseAlias),
      REASON: ({ status }) => (status.reason === status.health ? '<none>' : orNone(status.reason)),
      SINCE: ({ status }, now) => ageOf(status.since, now),
    },
    {
      CONNECTION: ({ status }) => status.connection,
      HEARD: ({ status }) => measured(status.connectionAgeMs),
      WANTED: ({ status }) => shortened(status.wanted),
      OBSERVED: ({ status }) => shortened(status.observed),
      OBJECTS: ({ status }) => String(status.objects),
      STATE: ({ status }) => (status.holdReason === '' ? status.state : `${status.state} (${status.holdReason})`),
      'STOPPED BY': ({ status }) => listed(holdsOn(status).map(({ scope }) => scope)),
      'CHANGED BY': ({ status }) => by(status.changedBy),
      MESSAGE: ({ status }) => brief(status.message),
    },
  ),
  Release: columns<Resources['Release']>(
    {
      ...tenantName,
      COMMIT: ({ spec }) => shortened(spec.commit),
      AUTHOR: ({ spec }) => personOf(spec.author),
      'CURRENT IN': ({ status }) => listed(status.current),
      ...age,
      MESSAGE: ({ spec }) => brief(spec.message, 50),
    },
    {
      DIGEST: ({ spec }) => shortened(spec.digest),
      VARIANTS: ({ spec }) => listed(spec.variants.map(({ environment }) => environment)),
      IMAGES: ({ spec }) => listed(spec.images),
      REPOSITORY: ({ spec }) => spec.repository,
    },
  ),
  Rollout: columns<Resources['Rollout']>(
    {
      ...tenantName,
      TARGET: ({ spec }) => `${spec.app}.${spec.environment}`,
      RELEASE: ({ spec }) => spec.release,
      TYPE: ({ spec }) => spec.type,
      STATE: ({ status }) => status.state,
      REASON: ({ status }) => (status.reason === status.state ? '<none>' : orNone(status.reason)),
      CLUSTERS: ({ status }) => finished(status),
      WAVE: ({ status }) => `${status.wave}/${status.waves}`,
      ...age,
    },
    {
      'STARTED BY': ({ spec }) => spec.startedBy.actor,
      WHY: ({ spec }) => brief(spec.startedBy.reason, 40),
      COMMIT: ({ spec }) => shortened(spec.commit),
      AUTHOR: ({ spec }) => personOf(spec.author),
      MESSAGE: ({ status }) => brief(status.message),
    },
  ),
  Event: columns<Resources['Event']>(
    {
      'LAST SEEN': ({ spec }, now) => seriesText(spec, now),
      TYPE: ({ spec }) => spec.type,
      REASON: ({ spec }) => spec.reason,
      OBJECT: ({ spec }) => aboutText(spec),
      MESSAGE: ({ spec }) => brief(saidText(spec), 120),
    },
    {
      ACTOR: ({ spec }) => orNone(spec.actor),
      ABOUT: ({ spec: { regarding } }) => `${regarding.kind}/${regarding.name}`,
      'CHANGED BY': ({ spec }) => by(spec.changedBy),
      NUMBER: ({ metadata }) => metadata.name,
      AT: ({ spec }) => spec.at,
    },
  ),
  AuditRecord: columns<Resources['AuditRecord']>(
    {
      AGE: ({ spec }, now) => ageOf(spec.at, now),
      ACTOR: ({ spec }) => spec.actor,
      ACTION: ({ spec }) => spec.action,
      SUBJECT: ({ spec }) => spec.subject,
      REASON: ({ spec }) => brief(spec.reason),
    },
    {
      NUMBER: ({ metadata }) => metadata.name,
      AT: ({ spec }) => spec.at,
      HASH: ({ spec }) => shortened(spec.hash),
      DETAIL: ({ spec }) => brief(JSON.stringify(spec.detail), 200),
    },
  ),
};
