import { usageError } from '../exits.ts';
import { readSelections, type AnyResource, type Kind, type Reference } from '../kinds/kinds.ts';
import { formOf, severalText, textOf, type Form, type Shown } from '../print/forms.ts';
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

/** What to ask of each kind, before anything is asked. Throws CliError USAGE. Pure. */
export function planGet(words: readonly string[], options: GetOptions): readonly [GetPlan, ...GetPlan[]] {
  const selections = readSelections(words, options.tenant);
  const { selector, fieldSelector, sortBy, tenant } = options;
  const [{ kind, named }, other] = selections;
  if (tenant !== undefined && !other && !kind.tenanted) throw usageError(`a ${kind.singular} belongs to no tenant`, 'leave --tenant out');
  if (named.length > 0 && (selector ?? fieldSelector) !== undefined)
    throw usageError('names and selectors do not go together', 'give one of them');
  if (named.length > 0 && options.watch)
    throw usageError('a watch is of a collection', `use --field-selector metadata.name=${named[0]?.name}`);
  if (other && options.watch) throw usageError('a watch is of one kind', `watch ${kind.plural} and ${other.kind.plural} on their own`);
  const isPath = sortBy !== undefined && /^[{.]/.test(sortBy);
  const form = formOf(options.output);
  const request = { labelSelector: selector, fieldSelector, sort: isPath ? undefined : sortBy, limit: options.limit };
  const plan = (one: (typeof selections)[0]): GetPlan => ({
    ...one,
    request: { tenant: one.kind.tenanted ? tenant : undefined, ...request },
    form,
    sortKey: isPath ? pathReader(sortBy) : undefined,
  });
  const [first, ...rest] = selections;
  return [plan(first), ...rest.map(plan)];
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
  const [plan, ...others] = planGet(words, options);
  const client = await session.client();
  return others.length === 0 ? show(session, client, plan, options) : showSeveral(session, client, [plan, ...others], options);
}

/** Lists, prints and, if asked to, goes on to watch. */
export async function show(
  session: Session,
  client: Client,
  plan: GetPlan,
  options: Pick<GetOptions, 'headers' | 'watch' | 'timeout'>,
): Promise<void> {
  const { shown, more } = await look(client, plan);
  // A watch prints what is there as it prints what comes: one document each.
  if (options.watch) return watch(session, client, { ...plan, shown, resourceVersion: shown.resourceVersion }, options);
  session.io.out(textOf(shown, plan.form, { headers: options.headers, paint: session.paint, width: session.width }));
  if (shown.items.length === 0 && plan.form.form === 'table') session.say(`no ${pluralOf(plan.kind)} found`);
  if (more) session.say(`only the ${plan.kind.log ? 'latest' : 'first'} ${shown.items.length}: there are more; --limit 0 gets all`);
}

/** Each kind as it is shown on its own; in one document, one list of them all. */
async function showSeveral(
  session: Session,
  client: Client,
  plans: readonly [GetPlan, ...GetPlan[]],
  { headers }: Pick<GetOptions, 'headers'>,
): Promise<void> {
  const all: Looked[] = [];
  for (const plan of plans) all.push(await look(client, plan));
  const [{ form }] = plans;
  session.io.out(
    severalText(
      all.map(({ shown }) => shown),
      form,
      { headers, paint: session.paint, width: session.width },
    ),
  );
  if (form.form === 'table' && all.every(({ shown }) => shown.items.length === 0))
    session.say(`no ${plans.map(({ kind }) => pluralOf(kind)).join(', no ')} found`);
  for (const { shown, more } of all)
    if (more)
      session.say(
        `only the ${shown.kind.log ? 'latest' : 'first'} ${shown.items.length} ${pluralOf(shown.kind)}: there are more; --limit 0 gets all`,
      );
}

const pluralOf = ({ plural }: Kind): string => (plural === 'audit' ? 'audit records' : plural);

interface Looked {
  readonly shown: Shown & { readonly resourceVersion: string };
  readonly more: boolean;
}

async function look(client: Client, { kind, named: names, request, sortKey }: GetPlan): Promise<Looked> {
  const found = names.length > 0 ? await named(client, names) : await list(client, kind, request);
  const items = sortKey ? sortedBy(found.items, sortKey) : kind.log && request.sort === undefined ? found.items.toReversed() : found.items;
  return { shown: { kind, items, single: names.length === 1, resourceVersion: found.resourceVersion, now: found.at }, more: found.more };
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
