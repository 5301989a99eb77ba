import { sql, type AuditRow, type RawBuilder } from '#hub/store/mod.ts';
import type { AuditRecord, Event } from '../schemas/records.ts';
import type { ChangedBy } from '../schemas/words.ts';
import { changesOf } from './changes.ts';
import { time } from './parts.ts';
import { within, type Row, type View } from './view.ts';

interface EventViewRow extends Row {
  readonly at: number;
  readonly first_at: number;
  readonly count: number;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  readonly regarding_kind: string;
  /** '': of the fleet. */
  readonly regarding_tenant: string;
  readonly regarding_name: string;
  readonly actor: string;
  readonly cluster: string;
  readonly app: string;
  readonly environment: string;
  readonly rollout_id: number | null;
}

/** Kind/name and Kind/tenant/name, taken apart. */
const kind = sql`substr(u.subject, 1, instr(u.subject, '/') - 1)`;
const afterKind = sql`substr(u.subject, instr(u.subject, '/') + 1)`;
const nested = sql`instr(${afterKind}, '/') > 0`;
const tenantIn = sql`CASE WHEN ${nested} THEN substr(${afterKind}, 1, instr(${afterKind}, '/') - 1) END`;
const nameIn = sql`CASE WHEN ${nested} THEN substr(${afterKind}, instr(${afterKind}, '/') + 1) ELSE ${afterKind} END`;
/** A record about a tenant is one of the tenant's. */
const tenantOf = sql`CASE WHEN ${kind} = 'Tenant' THEN ${nameIn} ELSE ${tenantIn} END`;

/** The parts of a name, `<app>.<environment>` and `<cluster>.<app>.<namespace>`: names have no dots. */
const firstPart = sql`substr(w.regarding_name, 1, instr(w.regarding_name || '.', '.') - 1)`;
const rest = sql`substr(w.regarding_name, instr(w.regarding_name || '.', '.') + 1)`;
const secondPart = sql`substr(${rest}, 1, instr(${rest} || '.', '.') - 1)`;

const done = sql`
    SELECT u.id, u.at, u.action AS reason, u.reason AS message, u.actor, ${kind} AS regarding_kind, ${tenantIn} AS regarding_tenant, ${nameIn} AS regarding_name,
      ${tenantOf} AS tenant
    FROM audit u WHERE u.actor LIKE 'user:%' OR u.actor LIKE 'git:%' OR u.actor = 'system:holds'`;

const text = (expression: RawBuilder<unknown>): RawBuilder<unknown> => sql`CAST(${expression} AS TEXT)`;
const none = text(sql`''`);
const nothing = text(sql`NULL`);
const number = (expression: RawBuilder<unknown>): RawBuilder<unknown> => sql`CAST(${expression} AS INTEGER)`;
const of = (word: string): RawBuilder<unknown> => sql`w.regarding_kind = ${sql.lit(word)}`;

/**
 * Each arm has columns of the same affinity, told by a cast wherever it is not a column: only then does SQLite merge the arms from their ends, instead of
 * reading and sorting all of them.
 */
const eventsStored = sql`
    SELECT v.id, ${text(sql`v.id`)} AS uid, t.name AS tenant, ${text(sql`v.id`)} AS name, v.id AS seq, v.at, v.at AS first_at, ${number(sql`1`)} AS count,
      v.type, v.reason, v.message, ${text(sql`'Rollout'`)} AS regarding_kind, t.name AS regarding_tenant, o.uid AS regarding_name, ${none} AS actor,
      ${none} AS cluster, a.name AS app, e.name AS environment, v.rollout_id
    FROM rollout_events v JOIN rollouts o ON o.id = v.rollout_id JOIN targets g ON g.id = o.target_id JOIN apps a ON a.id = g.app_id
    JOIN tenants t ON t.id = a.tenant_id JOIN environments e ON e.id = g.environment_id
    UNION ALL
    SELECT b.id, ${text(sql`b.id`)}, ${text(sql`nullif(b.tenant, '')`)}, ${text(sql`b.id`)}, b.seq, b.at, b.first_at, b.count, b.type, b.reason, b.message,
      b.kind, b.tenant, b.name, b.actor, b.cluster, b.app, b.environment, b.rollout_id
    FROM events b
    UNION ALL
    SELECT f.id, ${text(sql`f.id`)}, ${nothing}, ${text(sql`f.id`)}, f.id, f.at, f.at, ${number(sql`1`)}, ${text(sql`'Warning'`)}, f.code, f.message,
      ${text(sql`'Cluster'`)}, ${none}, c.name, ${none}, c.name, ${none}, ${none}, ${number(sql`NULL`)}
    FROM refusals f JOIN clusters c ON c.id = f.cluster_id
    UNION ALL
    SELECT w.id, ${text(sql`w.id`)}, ${text(sql`w.tenant`)}, ${text(sql`w.id`)}, w.id, w.at, w.at, ${number(sql`1`)}, ${text(sql`'Normal'`)}, w.reason,
      w.message, ${text(sql`w.regarding_kind`)}, ${text(sql`coalesce(w.regarding_tenant, '')`)}, ${text(sql`w.regarding_name`)}, w.actor,
      ${text(sql`CASE WHEN ${of('Cluster')} THEN w.regarding_name WHEN ${of('Placement')} THEN ${firstPart} ELSE '' END`)},
      ${text(sql`CASE WHEN ${of('App')} THEN w.regarding_name WHEN ${of('Target')} THEN ${firstPart} WHEN ${of('Placement')} THEN ${secondPart} ELSE '' END`)},
      ${text(sql`CASE WHEN ${of('Environment')} THEN w.regarding_name WHEN ${of('Target')} THEN ${secondPart} ELSE '' END`)}, ${number(sql`NULL`)}
    FROM (${done}) w`;

/** What rollouts said, what was observed, what was refused, and what people did, in the order in which it happened last. */
export const events: View<EventViewRow> = {
  kind: 'Event',
  plural: 'events',
  tenanted: true,
  select: (_, ids) => sql`SELECT * FROM (${eventsStored}) WHERE ${within(sql`id`, ids)}`,
  stored: {
    select: eventsStored,
    columns: [
      'id',
      'uid',
      'tenant',
      'name',
      'seq',
      'type',
      'reason',
      'actor',
      'regarding_kind',
      'regarding_tenant',
      'regarding_name',
      'cluster',
      'app',
      'environment',
    ],
  },
  fields: {
    'spec.type': { column: 'type' },
    'spec.reason': { column: 'reason' },
    'spec.actor': { column: 'actor' },
    'spec.regarding.kind': { column: 'regarding_kind' },
    'spec.regarding.tenant': { column: 'regarding_tenant' },
    'spec.regarding.name': { column: 'regarding_name' },
    'spec.related.cluster': { column: 'cluster' },
    'spec.related.app': { column: 'app' },
    'spec.related.environment': { column: 'environment' },
  },
  sorts: { created: [['seq', 'desc']] },
  counts: ['spec.type'],
  resources: async ({ read }, rows) => {
    const changes = await changesOf(
      read,
      rows.map(({ rollout_id }) => rollout_id),
    );
    return rows.map((row) => eventOf(row, row.rollout_id === null ? undefined : changes.get(row.rollout_id)));
  },
};

const eventOf = (row: EventViewRow, changedBy: ChangedBy | undefined): Event => ({
  apiVersion: 'wheelhouse.dev/v1alpha1',
  kind: 'Event',
  metadata: {
    tenant: row.tenant,
    name: row.name,
    uid: row.name,
    resourceVersion: `${row.id}.${row.at}.${row.count}`,
    creationTimestamp: time(row.first_at),
    labels: {},
  },
  spec: {
    at: time(row.at),
    firstAt: time(row.first_at),
    count: row.count,
    type: row.type,
    reason: row.reason,
    message: row.message,
    regarding: { kind: row.regarding_kind, tenant: row.regarding_tenant || null, name: row.regarding_name },
    related: { cluster: row.cluster || null, app: row.app || null, environment: row.environment || null },
    actor: row.actor,
    changedBy: changedBy ?? null,
  },
  status: {},
});

const auditStored = sql`
    SELECT u.*, CAST(u.id AS TEXT) AS uid, CAST(u.id AS TEXT) AS name, ${tenantOf} AS tenant FROM audit u`;

export const audit: View<Row & AuditRow> = {
  kind: 'AuditRecord',
  plural: 'audit',
  tenanted: true,
  select: (_, ids) => sql`SELECT * FROM (${auditStored}) WHERE ${within(sql`id`, ids)}`,
  stored: { select: auditStored, columns: ['id', 'uid', 'tenant', 'name', 'actor', 'action', 'subject', 'detail'] },
  fields: {
    'spec.actor': { column: 'actor' },
    'spec.action': { column: 'action' },
    'spec.subject': { column: 'subject', keyedBy: 'detail' },
  },
  sorts: { created: [['id', 'desc']] },
  counts: [],
  resources: async (_, rows) => rows.map(auditRecordOf),
};

const auditRecordOf = (row: Row & AuditRow): AuditRecord => ({
  apiVersion: 'wheelhouse.dev/v1alpha1',
  kind: 'AuditRecord',
  metadata: {
    tenant: row.tenant,
    name: row.name,
    uid: row.name,
    resourceVersion: String(row.id),
    creationTimestamp: time(row.at),
    labels: {},
  },
  spec: {
    at: time(row.at),
    actor: row.actor,
    action: row.action,
    subject: row.subject,
    reason: row.reason,
    detail: JSON.parse(row.detail) as AuditRecord['spec']['detail'],
    hash: Buffer.from(row.hash).toString('hex'),
  },
  status: {},
});
