import { usageError } from '../exits.ts';
import { readSelections, type AnyResource } from '../kinds/kinds.ts';
import { describeLines } from '../print/describe.ts';
import { tableOf } from '../print/forms.ts';
import { tableLines } from '../print/tables.ts';
import { eventsAbout } from '../requests/events.ts';
import { one } from '../requests/lists.ts';
import { kindNamed } from '../kinds/kinds.ts';
import type { Session } from '../session.ts';

const eventsMax = 10;

export async function describe(session: Session, words: readonly string[], { tenant }: { readonly tenant?: string }): Promise<void> {
  const selections = readSelections(words, tenant);
  for (const { kind, named } of selections)
    if (named.length === 0) throw usageError(`which ${kind.singular}?`, `wheelhouse describe ${kind.singular} NAME`);
  const client = await session.client();
  for (const [index, reference] of selections.flatMap(({ named }) => named).entries()) {
    const { resource, at } = await one(client, reference);
    if (index > 0) session.print(['']);
    session.print(documentLines(resource, at));
    if (reference.kind.log) continue;
    const events = await eventsAbout(client, resource, eventsMax);
    const table = tableOf(kindNamed('Event'), events, false, at);
    const lines = tableLines(table, { paint: session.paint, width: session.width === undefined ? undefined : session.width - 2 });
    session.print(events.length === 0 ? ['Events:  <none>'] : ['Events:', ...lines.map((line) => `  ${line}`)]);
  }
}

/** What people ask for first stands first: what it is, then how it is, then what was declared. Pure. */
export function documentLines({ kind, metadata, spec, status }: AnyResource, now: number): readonly string[] {
  const { name, uid, creationTimestamp, labels, resourceVersion, ...more } = metadata;
  const head = { name, kind, ...more, uid, created: creationTimestamp, resourceVersion, labels };
  const hasStatus = Object.keys(status).length > 0;
  return describeLines({ ...head, ...(hasStatus ? { status } : {}), spec }, now);
}
