import type { AuditRow, Reader } from '#hub/store/mod.ts';

/** One accepted mutation, for people. */
export interface AuditRecord {
  readonly id: number;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly reason: string;
  readonly detail: Readonly<Record<string, string | number | boolean | null>>;
  /** Hex; covers this record and, through the one before, all earlier ones. */
  readonly hash: string;
}

export interface AuditQuery {
  /** Only records older than the one of this id. */
  readonly before?: number;
  /** Exactly this one: Kind/tenant/name. */
  readonly subject?: string;
  readonly actor?: string;
  readonly limit?: number;
}

export interface AuditPage {
  /** Newest first. */
  readonly records: readonly AuditRecord[];
  /** `before` of the next page; undefined: there is none. */
  readonly next: number | undefined;
}

const limitMax = 500;

/** A page of the audit log, newest first. */
export async function auditPage(read: Reader, { before, subject, actor, limit = 100 }: AuditQuery = {}): Promise<AuditPage> {
  const count = Math.min(Math.max(1, Math.floor(limit)), limitMax);
  let query = read
    .selectFrom('audit')
    .selectAll()
    .orderBy('id', 'desc')
    .limit(count + 1);
  if (before !== undefined) query = query.where('id', '<', before);
  if (subject !== undefined) query = query.where('subject', '=', subject);
  if (actor !== undefined) query = query.where('actor', '=', actor);
  const rows = await query.execute();
  const page = rows.slice(0, count);
  return { records: page.map(recordOf), next: rows.length > count ? page.at(-1)?.id : undefined };
}

const recordOf = ({ id, at, actor, action, subject, reason, detail, hash }: AuditRow): AuditRecord => ({
  id,
  at,
  actor,
  action,
  subject,
  reason,
  detail: JSON.parse(detail) as AuditRecord['detail'],
  hash: Buffer.from(hash).toString('hex'),
});
