import {
  ResourceError,
  selects,
  subjectOf,
  type AppSpec,
  type EnvironmentSpec,
  type Kind,
  type Labels,
  type ParsedReferences,
  type Reference,
} from '#hub/resources/mod.ts';
import { remove, sql, type ClusterRow, type Decision, type Store, type Trx, type Write } from '#hub/store/mod.ts';
import { checkVersion, DeclarationError, type Hindrance } from './errors.ts';
import { versionOf } from './rows.ts';

export interface Deletion {
  readonly kind: Kind;
  readonly tenant?: string;
  readonly name: string;
  readonly actor: string;
  readonly reason: string;
  readonly dryRun: boolean;
  /** The version that it was read at; another one is refused. */
  readonly version?: string | undefined;
}

interface Found {
  readonly row: { readonly id: number; readonly generation: number };
  /** Subjects that depend on it. */
  readonly dependents: readonly string[];
  readonly writes: readonly Write[];
  readonly outbox: readonly string[];
}

const namedMax = 10;

/**
 * Takes back a declaration that nothing depends on: one decision, one audit row. What runs somewhere is never removed by this; that is what retiring is for.
 * Throws DeclarationError NOT_DECLARED, IN_USE, VERSION_MISMATCH.
 */
export const deleteResource = (store: Store, deletion: Deletion): Promise<void> =>
  store.decide(
    (trx) => finders[deletion.kind](trx, deletion),
    (found) => decisionOf(found, deletion),
  );

function decisionOf(found: Found | undefined, { kind, tenant, name, actor, reason, dryRun, version }: Deletion): Decision<undefined> {
  const subject = subjectOf({ kind, metadata: { ...(tenant === undefined ? {} : { tenant }), name } });
  if (!found) throw new DeclarationError('NOT_DECLARED', `there is no ${subject}`);
  checkVersion(subject, version, versionOf(found.row));
  if (found.dependents.length > 0)
    throw new DeclarationError(
      'IN_USE',
      `${subject} ${inUse(found.dependents)}: delete that first; what runs on clusters has to be retired, which this version cannot do yet`,
    );
  if (dryRun) return { result: undefined };
  const audit = { actor, action: `delete.${kind.toLowerCase()}`, subject, reason };
  return { result: undefined, writes: found.writes, audit, outbox: found.outbox };
}

const inUse = (dependents: readonly string[]): string => {
  const more = dependents.length - namedMax;
  return `is depended on by ${dependents.slice(0, namedMax).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
};

export interface SetDeletion extends Pick<Deletion, 'actor' | 'reason' | 'dryRun'> {
  /** What is not there is as good as deleted. */
  readonly ignoreNotFound: boolean;
}

export interface Deleted {
  /** In the order in which they were named. */
  readonly items: readonly { readonly subject: string; readonly action: 'deleted' | 'absent' }[];
  readonly dryRun: boolean;
}

/** What depends on others leaves before them. */
const order: readonly Kind[] = ['App', 'Environment', 'Cluster', 'Tenant'];

interface Named {
  readonly reference: Reference;
  readonly subject: string;
  readonly found: Found | undefined;
}

/**
 * Takes back everything that the documents name, all of it or nothing: one decision, one audit row. What only depends on each other is no hindrance. Throws
 * ResourceError when a document cannot be read, else DeclarationError IN_USE or NOT_DECLARED with a problem for each that is.
 */
export const deleteResources = (store: Store, { resources, problems }: ParsedReferences, options: SetDeletion): Promise<Deleted> =>
  store.decide(
    async (trx) => {
      const named: Named[] = [];
      for (const reference of resources)
        named.push({ reference, subject: subjectOf(reference), found: await finders[reference.kind](trx, reference.metadata) });
      return named;
    },
    (named) => {
      if (problems.length > 0) throw new ResourceError(problems);
      return setDecisionOf(named, options);
    },
  );

function setDecisionOf(named: readonly Named[], { actor, reason, dryRun, ignoreNotFound }: SetDeletion): Decision<Deleted> {
  const leaving = new Set(named.flatMap(({ subject, found }) => (found ? [subject] : [])));
  const hindrances = named.flatMap((one) => hindranceOf(one, leaving, ignoreNotFound));
  if (hindrances.length > 0) {
    const code = hindrances.some((one) => one.code === 'IN_USE') ? 'IN_USE' : 'NOT_DECLARED';
    const count = `${hindrances.length} of ${named.length}`;
    throw new DeclarationError(code, `${count} cannot be deleted, so nothing was`, hindrances);
  }
  const items = named.map(({ subject, found }) => ({ subject, action: found ? ('deleted' as const) : ('absent' as const) }));
  const result: Deleted = { items, dryRun };
  const [only, ...others] = leaving;
  if (dryRun || only === undefined) return { result };
  const ordered = order.flatMap((kind) => named.flatMap(({ reference, found }) => (found && reference.kind === kind ? [found] : [])));
  return {
    result,
    writes: ordered.flatMap(({ writes }) => writes),
    outbox: ordered.flatMap(({ outbox }) => outbox),
    audit: {
      actor,
      action: others.length === 0 ? `delete.${only.split('/')[0]?.toLowerCase()}` : 'delete.resources',
      subject: others.length === 0 ? only : `Resources/${leaving.size}`,
      reason,
      detail: Object.fromEntries([...leaving].map((subject) => [subject, 'deleted'])),
    },
  };
}

function hindranceOf({ reference, subject, found }: Named, leaving: ReadonlySet<string>, ignoreNotFound: boolean): Hindrance[] {
  const { file, locate } = reference.origin;
  const place = { file, ...locate(['metadata', 'name']), field: 'metadata.name' };
  if (!found)
    return ignoreNotFound
      ? []
      : [{ ...place, code: 'NOT_DECLARED', message: `${subject} is not there`, next: 'leave it out, or ignore what is not found' }];
  const staying = found.dependents.filter((one) => !leaving.has(one));
  if (staying.length === 0) return [];
  return [
    {
      ...place,
      code: 'IN_USE',
      message: `${subject} ${inUse(staying)}`,
      next: 'delete what depends on it first; what runs on clusters has to be retired, which this version cannot do yet',
    },
  ];
}

type Key = Pick<Deletion, 'tenant' | 'name'>;

const finders: Readonly<Record<Kind, (trx: Trx, key: Key) => Promise<Found | undefined>>> = {
  Tenant: findTenant,
  Environment: findEnvironment,
  App: findApp,
  Cluster: findCluster,
};

async function findTenant(trx: Trx, { name }: Key): Promise<Found | undefined> {
  const row = await trx.selectFrom('tenants').selectAll().where('name', '=', name).executeTakeFirst();
  if (!row) return undefined;
  const owned = async (table: 'environments' | 'apps', kind: string): Promise<string[]> =>
    (await trx.selectFrom(table).select('name').where('tenant_id', '=', row.id).orderBy('id').execute()).map(
      (one) => `${kind}/${name}/${one.name}`,
    );
  const dependents = [...(await owned('environments', 'Environment')), ...(await owned('apps', 'App'))];
  return { row, dependents, writes: [remove('tenants', { id: row.id })], outbox: [] };
}

const tenantIdOf = async (trx: Trx, tenant = ''): Promise<number> =>
  (await trx.selectFrom('tenants').select('id').where('name', '=', tenant).executeTakeFirst())?.id ?? 0;

async function findEnvironment(trx: Trx, { tenant, name }: Key): Promise<Found | undefined> {
  const tenantId = await tenantIdOf(trx, tenant);
  const all = await trx.selectFrom('environments').selectAll().where('tenant_id', '=', tenantId).execute();
  const row = all.find((one) => one.name === name);
  if (!row) return undefined;
  const apps = await trx.selectFrom('apps').select(['name', 'spec']).where('tenant_id', '=', tenantId).execute();
  const naming = apps.filter(({ spec }) => (JSON.parse(spec) as AppSpec).targets.some(({ environment }) => environment === name));
  const after = all.filter(({ spec }) => (JSON.parse(spec) as EnvironmentSpec).after.includes(name));
  const used = await usedTargets(trx, sql`t.environment_id = ${row.id}`);
  return {
    row,
    dependents: [...naming.map((one) => `App/${tenant}/${one.name}`), ...after.map((one) => `Environment/${tenant}/${one.name}`), ...used],
    writes: [
      remove('holds', { scope: 'Environment', subject_id: row.id }),
      remove('targets', { environment_id: row.id }),
      remove('environments', { id: row.id }),
    ],
    outbox: [],
  };
}

async function findApp(trx: Trx, { tenant, name }: Key): Promise<Found | undefined> {
  const tenantId = await tenantIdOf(trx, tenant);
  const row = await trx.selectFrom('apps').selectAll().where('tenant_id', '=', tenantId).where('name', '=', name).executeTakeFirst();
  if (!row) return undefined;
  const releases = await trx.selectFrom('releases').select('alias').where('app_id', '=', row.id).limit(namedMax).execute();
  return {
    row,
    dependents: [
      ...(await usedTargets(trx, sql`t.app_id = ${row.id}`)),
      ...releases.map(({ alias }) => `Release/${tenant}/${name}.${alias}`),
    ],
    writes: [
      remove('holds', { scope: 'App', subject_id: row.id }),
      remove('targets', { app_id: row.id }),
      remove('commits', { app_id: row.id }),
      remove('apps', { id: row.id }),
    ],
    outbox: [],
  };
}

/** Targets with placements or rollouts: they have a history, and maybe something that runs. */
async function usedTargets(trx: Trx, where: ReturnType<typeof sql>): Promise<string[]> {
  const { rows } = await sql<{ app: string; environment: string; tenant: string }>`
    SELECT a.name AS app, e.name AS environment, n.name AS tenant FROM targets t
    JOIN apps a ON a.id = t.app_id JOIN environments e ON e.id = t.environment_id JOIN tenants n ON n.id = a.tenant_id
    WHERE ${where} AND (EXISTS (SELECT 1 FROM placements p WHERE p.target_id = t.id) OR EXISTS (SELECT 1 FROM rollouts o WHERE o.target_id = t.id))
    ORDER BY t.id LIMIT ${sql.lit(namedMax)}`.execute(trx);
  return rows.map(({ tenant, app, environment }) => `Target/${tenant}/${app}.${environment}`);
}

async function findCluster(trx: Trx, { name }: Key): Promise<Found | undefined> {
  const row = await trx.selectFrom('clusters').selectAll().where('name', '=', name).executeTakeFirst();
  if (!row) return undefined;
  const placements = await trx
    .selectFrom('placements')
    .innerJoin('apps', 'apps.id', 'placements.app_id')
    .select(['apps.name', 'placements.namespace'])
    .where('cluster_id', '=', row.id)
    .limit(namedMax)
    .execute();
  const certificate = await trx.selectFrom('certificates').select('serial').where('cluster_id', '=', row.id).limit(1).executeTakeFirst();
  return {
    row,
    dependents: [
      ...placements.map((one) => `Placement/${name}.${one.name}.${one.namespace}`),
      // An agent may be on its way with it; what it runs is not known.
      ...(certificate || row.uid !== null ? [`the enrolled agent of ${name}`] : []),
    ],
    writes: [
      remove('tokens', { kind: 'Join', subject: name }),
      remove('refusals', { cluster_id: row.id }),
      remove('event_states', { object_id: row.id }),
      remove('holds', { scope: 'Cluster', subject_id: row.id }),
      remove('clusters', { id: row.id }),
    ],
    outbox: await waitingFor(trx, row),
  };
}

/** Targets that select the cluster may have waited for its agent. */
async function waitingFor(trx: Trx, { labels }: ClusterRow): Promise<string[]> {
  const set = JSON.parse(labels) as Labels;
  const rows = await trx
    .selectFrom('targets')
    .innerJoin('environments', 'environments.id', 'targets.environment_id')
    .select(['targets.id', 'environments.spec'])
    .execute();
  return rows.filter(({ spec }) => selects((JSON.parse(spec) as EnvironmentSpec).clusterSelector, set)).map(({ id }) => `target:${id}`);
}
