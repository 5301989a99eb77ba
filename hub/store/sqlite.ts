import { Kysely, sql } from 'kysely';
import type { Clock } from '#shared/clock/mod.ts';
import { uidFrom, type Random } from '#shared/kernel/mod.ts';
import { chain, genesis } from './audit-chain.ts';
import { StoreError } from './errors.ts';
import { migrations } from './migrations.ts';
import type { AuditEntry, Commit, DecideContext, Decision, Store, Trx, Write } from './port.ts';
import { derivedTables, primaryKey, type Tables } from './schema.ts';
import { openSqlite } from './sqlite-driver.ts';

export interface SqliteOptions {
  /** Path of the database, or ':memory:'. */
  readonly file: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Another hub has become the writer; called once, before the decision that noticed is refused. */
  readonly onLost?: (error: StoreError) => void;
}

/**
 * Opens (and migrates) the record in one file and becomes its writer: whoever wrote before is refused from now on.
 * Throws StoreError NEWER_SCHEMA when a later version has migrated it.
 */
export async function openSqliteStore(options: SqliteOptions): Promise<Store> {
  const { database, dialect } = openSqlite(options.file);
  const db = new Kysely<Tables>({ dialect });
  try {
    migrate(database);
    // Keys are unique over all tables: one counter, continued from what the record has used.
    database.exec('CREATE TABLE IF NOT EXISTS key_counter (id INTEGER PRIMARY KEY CHECK (id = 1), next INTEGER NOT NULL)');
    database.exec('INSERT OR IGNORE INTO key_counter (id, next) VALUES (1, 1)');
    const term = await raiseTerm(db);
    return new SqliteStore(db, term, options);
  } catch (error) {
    await db.destroy();
    throw error;
  }
}

interface Sql {
  exec(text: string): void;
  prepare(text: string): { get(): Record<string, unknown> | undefined };
}

function migrate(database: Sql): void {
  const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
  if (version > migrations.length)
    throw new StoreError(
      'NEWER_SCHEMA',
      `the record has schema ${version}, this hub knows ${migrations.length}: start the newer hub, or restore a backup`,
    );
  for (const [index, statements] of migrations.entries()) {
    if (index < version) continue;
    database.exec(`BEGIN; ${statements.join(';\n')}; PRAGMA user_version = ${index + 1}; COMMIT;`);
  }
}

/** 0 before the fleet exists. */
async function raiseTerm(db: Kysely<Tables>): Promise<number> {
  await db
    .updateTable('fleet')
    .set((eb) => ({ leader_term: eb('leader_term', '+', 1) }))
    .execute();
  return (await db.selectFrom('fleet').select('leader_term').executeTakeFirst())?.leader_term ?? 0;
}

class SqliteStore implements Store {
  readonly read: Kysely<Tables>;
  readonly #term: number;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #listeners: (() => void)[] = [];
  readonly #watchers: ((commit: Commit) => void)[] = [];
  #onLost: SqliteOptions['onLost'];

  constructor(db: Kysely<Tables>, term: number, { clock, random, onLost }: SqliteOptions) {
    this.read = db;
    this.#term = term;
    this.#clock = clock;
    this.#random = random;
    this.#onLost = onLost;
  }

  async decide<S, R>(load: (trx: Trx) => Promise<S>, decide: (state: S, context: DecideContext) => Decision<R>): Promise<R> {
    const { decision, auditId } = await this.read.transaction().execute(async (trx) => {
      await this.#checkTerm(trx);
      const state = await load(trx);
      const keys = await keyAllocator(trx);
      const now = Math.round(this.#clock.now());
      const decision = decide(state, { now, newId: keys.next, newUid: (kind) => uidFrom(kind, this.#random) });
      const writes = decision.writes ?? [];
      checkAudited(writes, decision.audit);
      for (const write of writes) await perform(trx, write);
      const auditId = decision.audit ? keys.next() : undefined;
      if (decision.audit && auditId !== undefined) await appendAudit(trx, decision.audit, auditId, now);
      for (const key of decision.outbox ?? []) await perform(trx, { op: 'put', table: 'outbox', row: { key, id: keys.next(), at: now } });
      await keys.save();
      return { decision, auditId };
    });
    const { writes = [] } = decision;
    if (writes.length > 0 || auditId !== undefined) for (const watcher of this.#watchers) watcher({ writes, auditId });
    if (decision.outbox?.length) for (const listener of this.#listeners) listener();
    return decision.result;
  }

  onOutbox(listener: () => void): void {
    this.#listeners.push(listener);
  }

  onCommit(listener: (commit: Commit) => void): void {
    this.#watchers.push(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.read.destroy();
  }

  async #checkTerm(trx: Trx): Promise<void> {
    const fleet = await trx.selectFrom('fleet').select('leader_term').executeTakeFirst();
    // Before the fleet row exists there is nothing to lead; the first decision creates it with the term that this store took.
    if (!fleet || fleet.leader_term === Math.max(this.#term, 1)) return;
    const error = new StoreError(
      'NOT_LEADER',
      `another hub has become the writer (term ${fleet.leader_term}, ours ${this.#term}): this one stops deciding`,
    );
    this.#onLost?.(error);
    this.#onLost = undefined;
    throw error;
  }
}

async function keyAllocator(trx: Trx): Promise<{ next: () => number; save: () => Promise<void> }> {
  const { rows } = await sql<{ next: number }>`SELECT next FROM key_counter WHERE id = 1`.execute(trx);
  const first = rows[0]?.next ?? 1;
  let next = first;
  return {
    next: () => next++,
    save: async () => {
      if (next !== first) await sql`UPDATE key_counter SET next = ${next} WHERE id = 1`.execute(trx);
    },
  };
}

/** Whoever looks for what happened to a thing finds it by one name. */
const subjectPattern = /^[A-Z][A-Za-z]*\/[^/\s]+(\/[^/\s]+)?$/;

function checkAudited(writes: readonly Write[], audit: AuditEntry | undefined): void {
  const mutated = writes.find((write) => !derivedTables.has(write.table));
  if (audit && !subjectPattern.test(audit.subject))
    throw new StoreError('BAD_WRITE', `${audit.action} has the subject "${audit.subject}": write Kind/name or Kind/tenant/name`);
  if (mutated && !audit) throw new StoreError('AUDIT_MISSING', `a decision writes ${mutated.table} without an audit entry`);
}

async function appendAudit(trx: Trx, entry: AuditEntry, id: number, at: number): Promise<void> {
  const last = await trx.selectFrom('audit').select('hash').orderBy('id', 'desc').limit(1).executeTakeFirst();
  await trx
    .insertInto('audit')
    .values(chain(entry, last?.hash ?? genesis, id, at))
    .execute();
}

/** Table and column names come from the closed schema, never from outside; values are bound. */
async function perform(trx: Trx, write: Write): Promise<void> {
  const values = Object.entries(write.op === 'put' ? write.row : write.key);
  if (values.length === 0) throw new StoreError('BAD_WRITE', `${write.op} on ${write.table} names no column`);
  if (write.op === 'remove') {
    const where = sql.join(
      values.map(([column, value]) => sql`${sql.ref(column)} = ${value}`),
      sql` AND `,
    );
    await sql`DELETE FROM ${sql.table(write.table)} WHERE ${where}`.execute(trx);
    return;
  }
  const key: readonly string[] = primaryKey[write.table];
  const columns = sql.join(values.map(([column]) => sql.ref(column)));
  const updates = values
    .filter(([column]) => !key.includes(column))
    .map(([column]) => sql`${sql.ref(column)} = excluded.${sql.ref(column)}`);
  const onConflict = updates.length > 0 ? sql`UPDATE SET ${sql.join(updates)}` : sql`NOTHING`;
  await sql`INSERT INTO ${sql.table(write.table)} (${columns}) VALUES (${sql.join(values.map(([, value]) => value))})
    ON CONFLICT (${sql.join(key.map((column) => sql.ref(column)))}) DO ${onConflict}`.execute(trx);
}
