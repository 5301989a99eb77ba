import { sql, type Reader } from '#hub/store/mod.ts';
import { judged } from './judged.ts';
import type { Moment } from './moments.ts';

let last = 0;

/**
 * Judges every placement once for all questions that `use` asks about this moment: judging is most of what a question about the whole fleet costs. Kept in a
 * table of the connection, of which the record knows nothing, until `use` is done. What is placed meanwhile is not among it. Relies on a store that reads
 * everything by one connection, as the one in SQLite does: with a pool of them the next question would not find the table.
 */
export async function keeping<T>(read: Reader, moment: Moment, use: (moment: Moment) => Promise<T>): Promise<T> {
  if (moment.kept !== undefined) return use(moment);
  const kept = ++last;
  await sql`CREATE TEMP TABLE IF NOT EXISTS judged_kept (moment INTEGER NOT NULL, id INTEGER NOT NULL, cluster_id INTEGER NOT NULL, app_id INTEGER NOT NULL,
    target_id INTEGER NOT NULL, rank INTEGER NOT NULL, step INTEGER NOT NULL, PRIMARY KEY (moment, id)) WITHOUT ROWID`.execute(read);
  try {
    await sql`INSERT INTO temp.judged_kept SELECT ${kept}, j.id, j.cluster_id, j.app_id, j.target_id, j.rank, j.step FROM (${judged(moment)}) j`.execute(
      read,
    );
    return await use({ ...moment, kept });
  } finally {
    await sql`DELETE FROM temp.judged_kept WHERE moment = ${kept}`.execute(read);
  }
}
