import { sql, type Reader } from '#hub/store/mod.ts';
import type { Release } from '../schemas/moving.ts';
import { firstLine, time, versioned } from './parts.ts';
import { within, type Row, type View } from './view.ts';

interface ReleaseViewRow extends Row {
  readonly app: string;
  readonly alias: string;
  readonly digest: string;
  readonly repository: string;
  readonly commit: string;
  readonly author: string;
  readonly message: string;
  readonly committed_at: number;
  readonly images: string;
  readonly created_at: number;
}

const stored = sql`
    SELECT r.id, r.uid, t.name AS tenant, a.name || '.' || r.alias AS name, a.name AS app, r.alias, r.digest, r.repository, r.images, r.created_at,
      c."commit", c.author, c.message, c.committed_at
    FROM releases r
    JOIN apps a ON a.id = r.app_id
    JOIN tenants t ON t.id = a.tenant_id
    JOIN commits c ON c.id = r.commit_id`;

export const releases: View<ReleaseViewRow> = {
  kind: 'Release',
  plural: 'releases',
  tenanted: true,
  select: (_, ids) => sql`SELECT * FROM (${stored}) WHERE ${within(sql`id`, ids)}`,
  stored: { select: stored, columns: ['id', 'uid', 'tenant', 'name', 'app', 'alias', 'digest', 'commit'] },
  fields: {
    'metadata.name': { column: 'name' },
    'spec.app': { column: 'app' },
    'spec.alias': { column: 'alias' },
    'spec.digest': { column: 'digest' },
    'spec.commit': { column: 'commit' },
  },
  sorts: {
    created: [['id', 'desc']],
    name: [
      ['tenant', 'asc'],
      ['name', 'asc'],
    ],
  },
  counts: [],
  resources: async ({ read }, rows) => {
    const ids = rows.map(({ id }) => id);
    const variants = await variantsOf(read, ids);
    const current = await currentOf(read, ids);
    return rows.map((row) => releaseOf(row, variants.get(row.id) ?? [], current.get(row.id) ?? []));
  },
};

function releaseOf(row: ReleaseViewRow, variants: Release['spec']['variants'], current: string[]): Release {
  return versioned({
    apiVersion: 'wheelhouse.dev/v1alpha1' as const,
    kind: 'Release' as const,
    metadata: { tenant: row.tenant ?? '', name: row.name, uid: row.uid ?? '', creationTimestamp: time(row.created_at), labels: {} },
    spec: {
      app: row.app,
      alias: row.alias,
      digest: row.digest,
      repository: row.repository,
      commit: row.commit,
      author: row.author,
      message: firstLine(row.message),
      committedAt: time(row.committed_at),
      images: JSON.parse(row.images) as string[],
      variants,
    },
    status: { current },
  });
}

async function variantsOf(read: Reader, ids: readonly number[]): Promise<ReadonlyMap<number, Release['spec']['variants']>> {
  if (ids.length === 0) return new Map();
  const rows = await read
    .selectFrom('variants')
    .select(['release_id', 'environment', 'digest'])
    .where('release_id', 'in', ids)
    .orderBy('environment')
    .execute();
  const grouped = Map.groupBy(rows, ({ release_id }) => release_id);
  return new Map([...grouped].map(([id, all]) => [id, all.map(({ environment, digest }) => ({ environment, digest }))]));
}

/** Environments whose last successful rollout was of this release. */
async function currentOf(read: Reader, ids: readonly number[]): Promise<ReadonlyMap<number, string[]>> {
  if (ids.length === 0) return new Map();
  const rows = await read
    .selectFrom('targets')
    .innerJoin('environments', 'environments.id', 'targets.environment_id')
    .select(['targets.current_release_id as id', 'environments.name'])
    .where('targets.current_release_id', 'in', ids)
    .orderBy('environments.name')
    .execute();
  return new Map([...Map.groupBy(rows, ({ id }) => id ?? 0)].map(([id, all]) => [id, all.map(({ name }) => name)]));
}
