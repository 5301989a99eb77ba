import type { Kysely, Transaction } from 'kysely';
import type { UidKind } from '#shared/kernel/mod.ts';
import type { TableName, Tables } from './schema.ts';

/** Reads inside a decision's transaction. Use only this one there: another handle would wait for itself. */
export type Trx = Transaction<Tables>;
/** Reads outside a decision, each its own snapshot. */
export type Reader = Kysely<Tables>;

export type Write =
  | { readonly op: 'put'; readonly table: TableName; readonly row: Tables[TableName] }
  | { readonly op: 'remove'; readonly table: TableName; readonly key: Partial<Tables[TableName]> };

/** Inserts the row or replaces the one of the same primary key. */
export const put = <T extends TableName>(table: T, row: Tables[T]): Write => ({ op: 'put', table, row });

/** Removes the rows whose columns equal `key`; a key without columns is refused. */
export const remove = <T extends TableName>(table: T, key: Partial<Tables[T]>): Write => ({ op: 'remove', table, key });

export interface AuditEntry {
  /** Who: `user:<name>`, `cluster:<uid>`, `git:<author>`, `system:<module>`. */
  readonly actor: string;
  /** verb.noun in lower case: `apply.app`, `start.rollout`, `enrol.cluster`. */
  readonly action: string;
  /** Kind/tenant/name or Kind/name; a name of two parts is joined by a dot: Target/tenant/app.environment. Another form is refused. */
  readonly subject: string;
  /** What the person gave with --reason, or the machine's own. */
  readonly reason?: string;
  /** Small, without secrets. */
  readonly detail?: Readonly<Record<string, string | number | boolean | null>>;
}

/** What a pure function decided. Nothing of it happens unless all of it does. */
export interface Decision<R> {
  readonly result: R;
  readonly writes?: readonly Write[];
  /** Exactly one for a mutation; left out only when nothing is written or only derived tables are. */
  readonly audit?: AuditEntry;
  /** Keys of effects to run after the commit. */
  readonly outbox?: readonly string[];
}

/** What a commit wrote. */
export interface Commit {
  readonly writes: readonly Write[];
  readonly auditId: number | undefined;
}

/** Chance and time of a decision, handed in. */
export interface DecideContext {
  /** Epoch milliseconds. */
  readonly now: number;
  /** A new integer key, unique over all tables. */
  readonly newId: () => number;
  readonly newUid: (kind: UidKind) => string;
}

/**
 * The record. Asynchronous although SQLite answers at once, because PostgreSQL does not. One writer decides at a time.
 */
export interface Store extends AsyncDisposable {
  /**
   * One decision in one serialisable transaction: `load` reads, `decide` (pure, may run more than once when the database refuses to serialise) says what
   * to write, the store writes state, audit row and outbox together, or nothing. Rejects with StoreError: NOT_LEADER when another hub has taken over.
   */
  decide<S, R>(load: (trx: Trx) => Promise<S>, decide: (state: S, context: DecideContext) => Decision<R>): Promise<R>;
  /** For queries. Never for deciding. */
  readonly read: Reader;
  /** Called after each commit that added outbox keys. */
  onOutbox(listener: () => void): void;
  /** Called after each commit that wrote something: for who shows the record, never for who decides. Must not throw. */
  onCommit(listener: (commit: Commit) => void): void;
}
