import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { SqliteDialect, type SqliteDatabase, type SqliteStatement } from 'kysely';

/** node:sqlite binds every JavaScript number as REAL, which breaks integer keys: safe integers go in as BigInt. */
function bind(value: unknown): SQLInputValue {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  if (typeof value === 'boolean') return value ? 1n : 0n;
  return value as SQLInputValue;
}

function statement(database: DatabaseSync, sql: string): SqliteStatement {
  const prepared = database.prepare(sql);
  const reader = prepared.columns().length > 0;
  return {
    reader,
    // Rows come without a prototype; spread, they are plain objects like anybody else's.
    all: (parameters) => prepared.all(...parameters.map(bind)).map((row) => ({ ...row })),
    run: (parameters) => {
      const { changes, lastInsertRowid } = prepared.run(...parameters.map(bind));
      return { changes: BigInt(changes), lastInsertRowid: BigInt(lastInsertRowid) };
    },
    iterate: (parameters) => prepared.iterate(...parameters.map(bind)),
  };
}

/**
 * kysely's own SQLite dialect on Node's built-in database: WAL for readers beside the writer, FULL so that a commit survives a power cut. What is kept for a
 * look alone stays in memory: a hub may have no folder to write to but the one of its record.
 */
export function openSqlite(file: string): { database: DatabaseSync; dialect: SqliteDialect } {
  const database = new DatabaseSync(file);
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000;');
  database.exec('PRAGMA temp_store = MEMORY');
  const adapted: SqliteDatabase = { close: () => database.close(), prepare: (sql) => statement(database, sql) };
  return { database, dialect: new SqliteDialect({ database: adapted }) };
}
