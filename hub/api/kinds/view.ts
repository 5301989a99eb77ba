import { sql, type RawBuilder, type Reader } from '#hub/store/mod.ts';
import type { Moment } from './moments.ts';

/** Columns that every view has. */
export interface Row {
  readonly id: number;
  readonly uid: string | null;
  readonly tenant: string | null;
  readonly name: string;
}

/** What people may filter by: a column of the view, and how a word becomes a value of it. */
export interface Field {
  readonly column: string;
  /** The words that it can have, when they are a closed list; their place in it is the column's value. */
  readonly ranks?: readonly string[];
  /** A column of JSON whose keys name the same: a record of many things names each of them there. */
  readonly keyedBy?: string;
}

export interface Resource {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly uid: string | null; readonly resourceVersion: string };
}

export type Ids = readonly number[];

/** `column IN (ids)`, or everything. */
export const within = (column: RawBuilder<unknown>, ids: Ids | undefined): RawBuilder<unknown> =>
  ids === undefined ? sql`1 = 1` : sql`${column} IN (${ids.length === 0 ? sql.lit(0) : sql.join([...ids])})`;

/** One kind as it is listed: a SELECT with flat columns, what may be asked of them, and how rows become resources. */
export interface View<R extends Row = Row> {
  readonly kind: string;
  readonly plural: string;
  /** Below a tenant (and across tenants), or of the fleet. */
  readonly tenanted: boolean;
  /** All of its columns; with ids, only those rows, at a cost that is proportional to them. */
  readonly select: (moment: Moment, ids?: Ids) => RawBuilder<unknown>;
  /** Those columns that need no judgement: what is sought and sorted by them alone is found first, and judged then. */
  readonly stored: { readonly select: RawBuilder<unknown>; readonly columns: readonly string[] };
  readonly fields: Readonly<Record<string, Field>>;
  /** Columns and their directions; the id settles what is equal. The first is the default. */
  readonly sorts: Readonly<Record<string, readonly (readonly [column: string, direction: 'asc' | 'desc'])[]>>;
  /** Counted with ?counts=true: names of fields. */
  readonly counts: readonly string[];
  /** Column of JSON labels, when the kind has any. */
  readonly labels?: string;
  /** A page of rows as resources, in their order. */
  resources(context: { readonly read: Reader; readonly moment: Moment }, rows: readonly R[]): Promise<readonly Resource[]>;
}
