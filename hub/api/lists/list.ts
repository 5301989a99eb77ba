import { canonicalJson } from '#shared/kernel/mod.ts';
import { sql, type RawBuilder, type Reader } from '#hub/store/mod.ts';
import type { Moment } from '../kinds/moments.ts';
import type { Field, Resource, Row, View } from '../kinds/view.ts';
import { ApiError } from '../problems/errors.ts';
import type { ListQuery } from '../schemas/requests.ts';
import type { Cursors, Place } from './cursors.ts';
import { parseFields, pick } from './fields.ts';
import { missing } from './missing.ts';
import { all, fieldConditions, labelCondition } from './selectors.ts';

export interface ListContext {
  readonly read: Reader;
  readonly moment: Moment;
  readonly cursors: Cursors;
  /** Where a watch that follows on the answer begins. */
  readonly position: string;
}

export interface ResourceList {
  readonly apiVersion: 'wheelhouse.dev/v1alpha1';
  readonly kind: string;
  readonly metadata: {
    readonly resourceVersion: string;
    readonly continue: string;
    readonly remainingItemCount?: number;
    readonly counts?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  };
  readonly items: readonly object[];
}

type Order = readonly (readonly [column: string, direction: 'asc' | 'desc'])[];
type Filter = Pick<ListQuery, 'tenant' | 'labelSelector' | 'fieldSelector'>;

/** One page of a kind: filtered, sorted and counted by the database. `onItem` is told the row of each. */
export async function listOf(
  view: View,
  query: ListQuery,
  { read, moment, cursors, position }: ListContext,
  onItem?: (id: number, resource: Resource) => void,
): Promise<ResourceList> {
  const order = orderOf(view, query.sort);
  const where = conditionOf(view, query);
  const bound = canonicalJson({ kind: view.kind, order: order.flat(), ...filterOf(query) });
  const after = query.continue ? [afterCondition(order, cursors.open(query.continue, bound, moment.now))] : [];
  const wanted = all([where.condition, ...after]);
  const sorted = sql`ORDER BY ${sql.join(order.map(([column, direction]) => sql`${sql.ref(column)} ${sql.raw(direction)}`))}`;
  const limit = sql.lit(query.limit + 1);
  // What it is sorted by is among what is selected, or SQLite would not look into a view that is made of several tables.
  const chosen = sql.join([...new Set(['id', ...order.map(([column]) => column)])].map((column) => sql.ref(column)));
  const simple = [...where.columns, ...order.map(([column]) => column)].every((column) => view.stored.columns.includes(column));
  const found = simple
    ? await idsOf(read, sql`SELECT ${chosen} FROM (${view.stored.select}) AS v WHERE ${wanted} ${sorted} LIMIT ${limit}`)
    : undefined;
  // What is judged to be sorted is judged once, for the page and for its counts.
  const together = query.counts && found === undefined;
  const { rows } = await sql<Row & Record<string, Place[number]>>`${
    together
      ? sql`WITH m AS MATERIALIZED (SELECT * FROM (${view.select(moment)}) AS v WHERE ${where.condition})
          SELECT m.*, (SELECT json_group_array(json(c.counted)) FROM (${countedIn(view, sql`m`)}) c) AS counted FROM m WHERE ${all(after)} ${sorted} LIMIT ${limit}`
      : sql`SELECT * FROM (${view.select(moment, found)}) AS v ${found ? sql`` : sql`WHERE ${wanted}`} ${sorted} LIMIT ${limit}`
  }`.execute(read);
  const page = rows.slice(0, query.limit);
  const last = rows.length > query.limit ? page.at(-1) : undefined;
  const items = await view.resources({ read, moment }, page);
  for (const [i, row] of page.entries()) if (items[i]) onItem?.(row.id, items[i]);
  const counted = query.counts ? await countsOf(view, rows[0]?.['counted'], read, moment, where.condition) : undefined;
  const paths = query.fields === undefined ? undefined : parseFields(query.fields);
  return {
    apiVersion: 'wheelhouse.dev/v1alpha1',
    kind: `${view.kind}List`,
    metadata: {
      resourceVersion: position,
      continue: last
        ? cursors.seal(
            order.map(([column]) => last[column] ?? null),
            bound,
            moment.now,
          )
        : '',
      ...(counted && { counts: counted.counts }),
      ...(counted && !query.continue && { remainingItemCount: counted.total - page.length }),
    },
    items: paths ? items.map((item) => pick(item, paths)) : items,
  };
}

const idsOf = async (read: Reader, query: RawBuilder<unknown>): Promise<number[]> =>
  ((await query.execute(read)).rows as readonly { id: number }[]).map(({ id }) => id);

/** The resources of these row ids that the filter lets through, in no order: what a watcher looks at. */
export async function matching(view: View, filter: Filter, ids: readonly number[], { read, moment }: Pick<ListContext, 'read' | 'moment'>) {
  if (ids.length === 0) return [];
  const { rows } = await sql<Row>`SELECT * FROM (${view.select(moment, ids)}) AS v WHERE ${conditionOf(view, filter).condition}`.execute(
    read,
  );
  const resources = await view.resources({ read, moment }, rows);
  return rows.flatMap((row, i) => (resources[i] ? [{ id: row.id, resource: resources[i] }] : []));
}

/** The one resource of that name or uid. Throws ApiError NOT_FOUND. */
export async function oneOf(
  view: View,
  key: { tenant?: string; name: string },
  { read, moment }: Pick<ListContext, 'read' | 'moment'>,
): Promise<Resource> {
  const inTenant = key.tenant === undefined ? [] : [sql`tenant = ${key.tenant}`];
  const isNamed = view.tenanted && key.tenant === undefined ? sql`uid = ${key.name}` : sql`(name = ${key.name} OR uid = ${key.name})`;
  const ids = await idsOf(
    read,
    sql`SELECT id FROM (${view.stored.select}) AS v WHERE ${all([...inTenant, isNamed])} ORDER BY id DESC LIMIT 1`,
  );
  const [found] = ids.length === 0 ? [] : await matching(view, {}, ids, { read, moment });
  if (found) return found.resource;
  throw await missing(read, view, key);
}

const filterOf = ({ tenant = '', labelSelector = '', fieldSelector = '' }: Filter) => ({ tenant, labelSelector, fieldSelector });

interface Where {
  readonly condition: RawBuilder<unknown>;
  /** That it is about. */
  readonly columns: readonly string[];
}

function conditionOf(view: View, { tenant, labelSelector, fieldSelector }: Filter): Where {
  if (tenant !== undefined && !view.tenanted) throw new ApiError('REQUEST_INVALID', `${view.kind} belongs to no tenant`);
  const fields = fieldSelector ? fieldConditions(fieldSelector, view.fields) : [];
  const condition = all([
    ...(tenant === undefined ? [] : [sql`tenant = ${tenant}`]),
    ...(labelSelector ? [labelCondition(labelSelector, view.labels, view.kind)] : []),
    ...fields.map(([, one]) => one),
  ]);
  return { condition, columns: fields.map(([column]) => column) };
}

const opposite = { asc: 'desc', desc: 'asc' } as const;

function orderOf(view: View, sort: string | undefined): Order {
  const reversed = sort?.startsWith('-') ?? false;
  const wanted = (reversed ? sort?.slice(1) : sort) ?? Object.keys(view.sorts)[0] ?? '';
  const order = Object.hasOwn(view.sorts, wanted) ? view.sorts[wanted] : undefined;
  if (!order) throw new ApiError('FIELD_UNKNOWN', `${wanted} is no order of ${view.kind}`, { known: Object.keys(view.sorts) });
  const settled: Order = order.some(([column]) => column === 'id') ? order : [...order, ['id', 'asc']];
  return reversed ? settled.map(([column, direction]) => [column, opposite[direction]]) : settled;
}

/** Everything that comes behind this place: the first column decides, the next one where it is equal, and so on. */
function afterCondition(order: Order, place: Place): RawBuilder<unknown> {
  const behind = order.map(([column, direction], i) => {
    const equal = order.slice(0, i).map(([before], j) => sql`${sql.ref(before)} = ${place[j] ?? null}`);
    const sign = sql.raw(direction === 'asc' ? '>' : '<');
    return all([...equal, sql`${sql.ref(column)} ${sign} ${place[i] ?? null}`]);
  });
  return sql`(${sql.join(behind, sql` OR `)})`;
}

const countedFields = (view: View): [string, Field][] =>
  view.counts.flatMap((name): [string, Field][] => (view.fields[name] ? [[name, view.fields[name]]] : []));

/** How many rows there are of each combination of what is counted: `[n, value...]` as JSON. */
function countedIn(view: View, from: RawBuilder<unknown>): RawBuilder<unknown> {
  const columns = countedFields(view).map(([, { column }]) => sql.ref(column));
  const grouped = columns.length === 0 ? sql`` : sql`GROUP BY ${sql.join(columns)}`;
  return sql`SELECT json_array(${sql.join([sql`count(*)`, ...columns])}) AS counted FROM ${from} ${grouped}`;
}

/** `counted` of a page that was counted with its rows; else, as of an empty page, it is counted here. */
async function countsOf(view: View, counted: unknown, read: Reader, moment: Moment, where: RawBuilder<unknown>) {
  const from = sql`(SELECT * FROM (${view.select(moment)}) AS v WHERE ${where})`;
  const rows =
    typeof counted === 'string'
      ? (JSON.parse(counted) as [number, ...(string | number)[]][])
      : (await sql<{ counted: string }>`${countedIn(view, from)}`.execute(read)).rows.map(
          (row) => JSON.parse(row.counted) as [number, ...(string | number)[]],
        );
  const counts: Record<string, Record<string, number>> = {};
  for (const [i, [name, { ranks }]] of countedFields(view).entries()) {
    const of: Record<string, number> = Object.fromEntries((ranks ?? []).map((word) => [word, 0]));
    for (const [n, ...values] of rows) {
      const value = values[i] ?? '';
      const word = ranks ? (ranks[Number(value)] ?? '') : String(value);
      of[word] = (of[word] ?? 0) + n;
    }
    counts[name] = of;
  }
  return { counts, total: rows.reduce((sum, [n]) => sum + n, 0) };
}
