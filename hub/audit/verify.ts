import { brokenAt, genesis, type Reader } from '#hub/store/mod.ts';

export interface AuditVerdict {
  /** How many records follow from each other, from the first one on. */
  readonly intact: number;
  /** Id of the first record that does not follow from the one before it; undefined: the chain holds. */
  readonly brokenAt: number | undefined;
  /** Hex: hash of the last intact record. Whoever kept an earlier one elsewhere can tell whether the log was cut short. */
  readonly head: string;
}

const pageRows = 1_000;

/** Walks the whole chain, page by page. */
export async function verifyAudit(read: Reader): Promise<AuditVerdict> {
  let [intact, after, head] = [0, 0, genesis];
  for (;;) {
    const rows = await read.selectFrom('audit').selectAll().where('id', '>', after).orderBy('id').limit(pageRows).execute();
    const broken = brokenAt(rows, head);
    const good =
      broken === undefined
        ? rows
        : rows.slice(
            0,
            rows.findIndex(({ id }) => id === broken),
          );
    intact += good.length;
    const last = good.at(-1);
    if (last) [after, head] = [last.id, last.hash];
    if (broken !== undefined || rows.length < pageRows) return { intact, brokenAt: broken, head: Buffer.from(head).toString('hex') };
  }
}
