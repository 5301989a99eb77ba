import { sql, type AuditRow } from '#hub/store/mod.ts';
import type { AuditRecord, Event } from '../schemas/records.ts';
import { time } from './parts.ts';
import { within, type Row, type View } from './view.ts';

interface EventViewRow extends Row {
  readonly at: number;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  readonly regarding_kind: string;
  readonly regarding_tenant: string | null;
  readonly regarding_name: string;
  readonly actor: string;
}

/** Kind/name and Kind/tenant/name, taken apart. */
const afterKind = sql`substr(u.subject, instr(u.subject, '/') + 1)`;
const nested = sql`instr(${afterKind}, '/') > 0`;

const eventsStored = sql`
    SELECT v.id, CAST(v.id AS TEXT) AS uid, t.name AS tenant, CAST(v.id AS TEXT) AS name, v.at, v.type, v.reason, v.message, 'Rollout' AS regarding_kind,
      t.name AS regarding_tenant, o.uid AS regarding_name, '' AS actor
    FROM rollout_events v JOIN rollouts o ON o.id = v.rollout_id JOIN targets g ON g.id = o.target_id JOIN apps a ON a.id = g.app_id
    JOIN tenants t ON t.id = a.tenant_id
    UNION ALL
    SELECT f.id, CAST(f.id AS TEXT), NULL, CAST(f.id AS TEXT), f.at, 'Warning', f.code, f.message, 'Cluster', NULL, c.name, ''
    FROM refusals f JOIN clusters c ON c.id = f.cluster_id
    UNION ALL
    SELECT u.id, CAST(u.id AS TEXT), CASE WHEN ${nested} THEN substr(${afterKind}, 1, instr(${afterKind}, '/') - 1) END, CAST(u.id AS TEXT), u.at, 'Normal',
      u.action, u.reason, substr(u.subject, 1, instr(u.subject, '/') - 1),
      CASE WHEN ${nested} THEN substr(${afterKind}, 1, instr(${afterKind}, '/') - 1) END,
      CASE WHEN ${nested} THEN substr(${afterKind}, instr(${afterKind}, '/') + 1) ELSE ${afterKind} END, u.actor
    FROM audit u WHERE u.actor LIKE 'user:%' OR u.actor LIKE 'git:%'`;

/** What rollouts said, what was refused, and what people did: ids come from one counter, so they are in the order in which it happened. */
export const events: View<EventViewRow> = {
  kind: 'Event',
  plural: 'events',
  tenanted: true,
  select: (_, ids) => sql`SELECT * FROM (${eventsStored}) WHERE ${within(sql`id`, ids)}`,
  stored: { select: eventsStored, columns: ['id', 'uid', 'tenant', 'name', 'type', 'reason', 'actor', 'regarding_kind', 'regarding_name'] },
  fields: {
    'spec.type': { column: 'type' },
    'spec.reason': { column: 'reason' },
    'spec.actor': { column: 'actor' },
    'spec.regarding.kind': { column: 'regarding_kind' },
    'spec.regarding.name': { column: 'regarding_name' },
  },
  sorts: { created: [['id', 'desc']] },
  counts: ['spec.type'],
  resources: async (_, rows) => rows.map(eventOf),
};

const eventOf = (row: EventViewRow): Event => ({
  apiVersion: 'wheelhouse.dev/v1alpha1',
  kind: 'Event',
  metadata: {
    tenant: row.tenant,
    name: row.name,
    uid: row.name,
    resourceVersion: `${row.id}.${row.at}`,
    creationTimestamp: time(row.at),
    labels: {},
  },
  spec: {
    at: time(row.at),
    type: row.type,
    reason: row.reason,
    message: row.message,
    regarding: { kind: row.regarding_kind, tenant: row.regarding_tenant, name: row.regarding_name },
    actor: row.actor,
  },
  status: {},
});

const auditStored = sql`
    SELECT u.*, CAST(u.id AS TEXT) AS uid, CAST(u.id AS TEXT) AS name,
      CASE WHEN ${nested} THEN substr(${afterKind}, 1, instr(${afterKind}, '/') - 1) END AS tenant
    FROM audit u`;

export const audit: View<Row & AuditRow> = {
  kind: 'AuditRecord',
  plural: 'audit',
  tenanted: true,
  select: (_, ids) => sql`SELECT * FROM (${auditStored}) WHERE ${within(sql`id`, ids)}`,
  stored: { select: auditStored, columns: ['id', 'uid', 'tenant', 'name', 'actor', 'action', 'subject'] },
  fields: { 'spec.actor': { column: 'actor' }, 'spec.action': { column: 'action' }, 'spec.subject': { column: 'subject' } },
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
