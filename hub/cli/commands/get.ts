import { usageError } from '../exits.ts';
import { readWords, type AnyResource, type Kind, type Reference } from '../kinds/kinds.ts';
import { formOf, textOf, type Form } from '../print/forms.ts';
import { pathReader } from '../print/jsonpath.ts';
import type { Client } from '../requests/client.ts';
import { list, one, type ListRequest } from '../requests/lists.ts';
import type { Session } from '../session.ts';
import { watch } from './watch.ts';

export interface GetOptions {
  readonly tenant?: string;
  readonly output?: string;
  readonly selector?: string;
  readonly fieldSelector?: string;
  readonly sortBy?: string;
  readonly limit: number;
  readonly watch?: boolean;
  readonly headers: boolean;
  /** Of a watch, milliseconds; undefined: until it is stopped. */
  readonly timeout?: number;
}

export interface GetPlan {
  readonly kind: Kind;
  /** Empty: a list. */
  readonly named: readonly Reference[];
  readonly request: ListRequest;
  readonly form: Form;
  /** Sorts here, over what came; undefined: in the hub's order. */
  readonly sortKey: ((value: unknown) => unknown) | undefined;
}

/** What to ask, before anything is asked. Throws CliError USAGE. Pure. */
export function planGet(words: readonly string[], options: GetOptions): GetPlan {
  const { kind, named } = readWords(words, options.tenant);
  const { selector, fieldSelector, sortBy, tenant } = options;
  if (tenant !== undefined && !kind.tenanted) throw usageError(`a ${kind.singular} belongs to no tenant`, 'leave --tenant out');
  if (named.length > 0 && (selector ?? fieldSelector) !== undefined)
    throw usageError('names and selectors do not go together', 'give one of them');
  if (named.length > 0 && options.watch)
    throw usageError('a watch is of a collection', `use --field-selector metadata.name=${named[0]?.name}`);
  const isPath = sortBy !== undefined && /^[{.]/.test(sortBy);
  return {
    kind,
    named,
    request: { tenant, labelSelector: selector, fieldSelector, sort: isPath ? undefined : sortBy, limit: options.limit },
    form: formOf(options.output),
    sortKey: isPath ? pathReader(sortBy) : undefined,
  };
}

/** kubectl's order: numbers as numbers, text as text, what is not there first. Pure. */
export function sortedBy(items: readonly AnyResource[], key: (value: unknown) => unknown): readonly AnyResource[] {
  const rank = (value: unknown): number => (value === undefined || value === null ? 0 : typeof value === 'number' ? 1 : 2);
  return items.toSorted((a, b) => {
    const [x, y] = [key(a), key(b)];
    if (rank(x) !== rank(y)) return rank(x) - rank(y);
    if (typeof x === 'number' && typeof y === 'number') return x - y;
    return String(x) < String(y) ? -1 : String(x) > String(y) ? 1 : 0;
  });
}

export async function get(session: Session, words: readonly string[], options: GetOptions): Promise<void> {
  await show(session, await session.client(), planGet(words, options), options);
}

/** Lists, prints and, if asked to, goes on to watch. */
export async function show(
  session: Session,
  client: Client,
  plan: GetPlan,
  options: Pick<GetOptions, 'headers' | 'watch' | 'timeout'>,
): Promise<void> {
  const { kind, form, request } = plan;
  const found = plan.named.length > 0 ? await named(client, plan.named) : await list(client, kind, request);
  const ordered = plan.sortKey
    ? sortedBy(found.items, plan.sortKey)
    : kind.log && request.sort === undefined
      ? found.items.toReversed()
      : found.items;
  const shown = { kind, items: ordered, single: plan.named.length === 1, resourceVersion: found.resourceVersion, now: found.at };
  const began = { shown, resourceVersion: found.resourceVersion };
  // A watch prints what is there as it prints what comes: one document each.
  if (options.watch) return watch(session, client, { ...plan, ...began }, options);
  session.io.out(textOf(shown, form, { headers: options.headers, paint: session.paint, width: session.width }));
  if (ordered.length === 0 && form.form === 'table') session.say(`no ${kind.plural === 'audit' ? 'audit records' : kind.plural} found`);
  if (found.more) session.say(`only the ${kind.log ? 'latest' : 'first'} ${ordered.length}: there are more; --limit 0 gets all`);
}

async function named(client: Client, references: readonly Reference[]) {
  const items: AnyResource[] = [];
  let at = 0;
  for (const reference of references) {
    const found = await one(client, reference);
    items.push(found.resource);
    ({ at } = found);
  }
  return { items, at, resourceVersion: '', more: false };
}
