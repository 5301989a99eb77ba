import { canonicalJson, sha256 } from '#shared/kernel/mod.ts';
import type { AuditEntry } from './port.ts';
import type { AuditRow } from './schema.ts';

export const genesis: Uint8Array = new Uint8Array(32);

type Body = Pick<AuditRow, 'id' | 'at' | 'actor' | 'action' | 'subject' | 'reason' | 'detail' | 'previous'>;

const hashOf = ({ previous, ...body }: Body): Uint8Array => sha256('wheelhouse.audit.v1\0', previous, canonicalJson({ ...body }));

/** The row that follows `previous` in the chain. Pure. */
export function chain(entry: AuditEntry, previous: Uint8Array, id: number, at: number): AuditRow {
  const body: Body = {
    id,
    at,
    actor: entry.actor,
    action: entry.action,
    subject: entry.subject,
    reason: entry.reason ?? '',
    detail: canonicalJson(entry.detail ?? {}),
    previous,
  };
  return { ...body, hash: hashOf(body) };
}

/** The id of the first row that does not follow from the one before it, or undefined when the chain holds. */
export function brokenAt(rows: Iterable<AuditRow>, from: Uint8Array = genesis): number | undefined {
  let previous = from;
  for (const row of rows) {
    const { hash, ...body } = row;
    if (Buffer.compare(row.previous, previous) !== 0 || Buffer.compare(hashOf(body), hash) !== 0) return row.id;
    previous = hash;
  }
  return undefined;
}
