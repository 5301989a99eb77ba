// The record: everything decided, approved, audited. Pure decisions in, one serialisable transaction out.
export { brokenAt, genesis } from './audit-chain.ts';
export { StoreError, type StoreCode } from './errors.ts';
export { Outbox, type Handler, type OutboxOptions } from './outbox.ts';
export {
  put,
  remove,
  type AuditEntry,
  type Commit,
  type DecideContext,
  type Decision,
  type Reader,
  type Store,
  type Trx,
  type Write,
} from './port.ts';
export type * from './schema.ts';
export { openSqliteStore, type SqliteOptions } from './sqlite.ts';
// For reading what the builder has no words for: values are bound, never put into the text.
export { sql, type RawBuilder } from 'kysely';
