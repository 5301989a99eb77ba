import { createHash } from 'node:crypto';

const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

/**
 * One hash over all last reports of a cluster: by assignment uid (bytewise order) the uid, a zero byte and the sha256 of the AssignmentReport as encoded.
 * Both ends compute it; equal hashes confirm every report without sending one. Each end hashes the bytes that travelled, never a decoded value encoded again:
 * a field that one end does not know yet would be lost on the way.
 */
export function reportSetHash(reports: Iterable<readonly [uid: string, report: Uint8Array]>): Buffer {
  const sorted = [...reports].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const hash = createHash('sha256');
  for (const [uid, report] of sorted) hash.update(`${uid}\0`).update(sha256(report));
  return hash.digest();
}
