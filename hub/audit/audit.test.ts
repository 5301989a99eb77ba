import assert from 'node:assert/strict';
import test from 'node:test';
import { seededRandom, VirtualClock } from '#shared/clock/mod.ts';
import { openSqliteStore, put, type AuditRow, type Store } from '#hub/store/mod.ts';
import { auditPage, verifyAudit } from './mod.ts';

const fleet = { id: 1, fleet_id: 't', epoch: 1, leader_term: 1, keyset_version: 1 } as const;

async function withRecords(count: number): Promise<Store> {
  const store = await openSqliteStore({ file: ':memory:', clock: new VirtualClock(), random: seededRandom(1) });
  for (let i = 1; i <= count; i++)
    await store.decide(
      async () => undefined,
      () => ({
        result: undefined,
        writes: [put('fleet', { ...fleet, epoch: i })],
        audit: { actor: i % 2 ? 'user:ada' : 'user:bob', action: 'a.b', subject: `Kind/${i % 3}`, detail: { i } },
      }),
    );
  return store;
}

/** What somebody with access to the file could do: written past the port's rule of one audit row. */
const tamper = async (store: Store, change: (row: AuditRow) => AuditRow | undefined, i: number): Promise<number> => {
  const rows = await store.read.selectFrom('audit').selectAll().orderBy('id').execute();
  const row = rows[i] as AuditRow;
  const changed = change(row);
  if (changed) await store.read.updateTable('audit').set(changed).where('id', '=', row.id).execute();
  else await store.read.deleteFrom('audit').where('id', '=', row.id).execute();
  return rows[changed ? i : i + 1]?.id ?? 0;
};

test('pages go from the newest to the oldest, without a gap or a repeat', async () => {
  await using store = await withRecords(7);
  const seen: unknown[] = [];
  let before: number | undefined;
  do {
    const page = await auditPage(store.read, { limit: 3, ...(before === undefined ? {} : { before }) });
    seen.push(...page.records.map(({ detail }) => detail['i']));
    before = page.next;
  } while (before !== undefined);
  assert.deepEqual(seen, [7, 6, 5, 4, 3, 2, 1]);
});

test('records are found by subject and actor, and a page has a bound', async () => {
  await using store = await withRecords(7);
  const of = async (query: Parameters<typeof auditPage>[1]): Promise<unknown[]> =>
    (await auditPage(store.read, query)).records.map(({ detail }) => detail['i']);
  assert.deepEqual(await of({ subject: 'Kind/0' }), [6, 3]);
  assert.deepEqual(await of({ actor: 'user:bob' }), [6, 4, 2]);
  assert.equal((await of({ limit: -5 })).length, 1);
});

test('an intact chain is counted, and its head is the last hash', async () => {
  await using store = await withRecords(5);
  const { records } = await auditPage(store.read);
  assert.deepEqual(await verifyAudit(store.read), { intact: 5, brokenAt: undefined, head: records[0]?.hash });
});

test('more than one page of records is one chain', async () => {
  await using store = await withRecords(1_003);
  assert.deepEqual((await verifyAudit(store.read)).intact, 1_003);
});

const tampered: readonly (readonly [string, (row: AuditRow) => AuditRow | undefined])[] = [
  ['another actor', (row) => ({ ...row, actor: 'user:mallory' })],
  ['another detail', (row) => ({ ...row, detail: '{}' })],
  ['another time', (row) => ({ ...row, at: row.at + 1 })],
  ['a record taken out', () => undefined],
];
for (const [what, change] of tampered)
  test(`${what} is found where it is`, async () => {
    await using store = await withRecords(5);
    const id = await tamper(store, change, 2);
    const verdict = await verifyAudit(store.read);
    assert.deepEqual([verdict.brokenAt, verdict.intact], [id, 2]);
  });

test('an empty log is intact', async () => {
  await using store = await withRecords(0);
  assert.deepEqual(await verifyAudit(store.read), { intact: 0, brokenAt: undefined, head: '0'.repeat(64) });
  assert.deepEqual(await auditPage(store.read), { records: [], next: undefined });
});
